"""GraphQL's schema language: queries, mutations, subscriptions, and the types they speak of.

Read by graphql-core, which is loaded when the first schema is looked at.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from services.catalog.definitions.tree import (
    MAX_OPERATIONS,
    MAX_SCHEMAS,
    Anchors,
    Block,
    Broken,
    Definition,
    Group,
    Operation,
    Row,
    Schema,
    text_of,
)

MAX_TOKENS: Final = 200_000
KINDS = {
    "object": "type",
    "interface": "interface",
    "input_object": "input",
    "enum": "enum",
    "union": "union",
    "scalar": "scalar",
}
ROOTS = {
    "query": ("Queries", "info"),
    "mutation": ("Mutations", "warn"),
    "subscription": ("Subscriptions", "ok"),
}


@dataclass
class _Field:
    name: str
    type: str = ""
    text: str = ""
    default: str = ""
    old: str | None = None
    arguments: list["_Field"] = field(default_factory=list)


@dataclass
class _Type:
    kind: str
    name: str
    text: str = ""
    fields: list[_Field] = field(default_factory=list)
    of: list[str] = field(default_factory=list)
    old: str | None = None


def draw(text: str) -> Definition:
    said = _Said()
    for node in _parsed(text).definitions:
        said.take(node)
    return _Drawing(said).definition()


def _parsed(text: str) -> Any:
    from graphql.error import GraphQLSyntaxError  # 19 MB that most processes never need
    from graphql.language import parse

    try:
        return parse(text, no_location=True, max_tokens=MAX_TOKENS)
    except GraphQLSyntaxError as error:
        message = error.message.removeprefix("Syntax Error: ")[:300]
        raise Broken(message, *next(iter(error.locations or ()), (0, 0))) from error


class _Said:
    """What the definitions of one document say; an extension adds to its type, wherever that stands."""

    def __init__(self) -> None:
        self.types: dict[str, _Type] = {}
        self.roots = {"query": "Query", "mutation": "Mutation", "subscription": "Subscription"}
        self.text = ""

    def take(self, node: Any) -> None:
        what, _, form = node.kind.rpartition("_")
        if form not in ("definition", "extension") or what in ("operation", "fragment"):
            raise Broken("it is a question, where a schema should be")
        if what == "schema":
            self.text = _text(node) or self.text
            self.roots |= {one.operation.value: one.type.name.value for one in _all(node, "operation_types")}
        elif kind := KINDS.get(what.removesuffix("_type")):
            self._type(kind, node)

    def _type(self, kind: str, node: Any) -> None:
        made = self.types.setdefault(node.name.value, _Type(kind, node.name.value))
        made.text = _text(node) or made.text
        made.old = _old(node) if made.old is None else made.old
        made.of += [one.name.value for one in (*_all(node, "interfaces"), *_all(node, "types"))]
        made.fields += [_field(one) for one in (*_all(node, "fields"), *_all(node, "values"))]


def _all(node: Any, name: str) -> Any:
    return getattr(node, name, None) or ()


def _text(node: Any) -> str:
    said = getattr(node, "description", None)
    return said.value if said else ""


def _field(node: Any) -> _Field:
    """A field, an argument or the value of an enum."""
    from graphql.language import print_ast

    default = getattr(node, "default_value", None)
    return _Field(
        name=node.name.value,
        type=_word(getattr(node, "type", None)),
        text=_text(node),
        default=print_ast(default) if default else "",
        old=_old(node),
        arguments=[_field(one) for one in _all(node, "arguments")],
    )


def _word(node: Any) -> str:
    """A type as one writes it: [Name!]!"""
    before, after = "", ""
    while node is not None and node.kind != "named_type":
        before, after = ("[" + before, "]" + after) if node.kind == "list_type" else (before, "!" + after)
        node = node.type
    return f"{before}{node.name.value}{after}" if node else ""


def _old(node: Any) -> str | None:
    """Why it is deprecated; None when it is not."""
    for one in _all(node, "directives"):
        if one.name.value == "deprecated":
            return next((str(getattr(given.value, "value", "")) for given in one.arguments or ()), "")
    return None


class _Drawing:
    def __init__(self, said: _Said) -> None:
        self.types = said.types
        self.roots = said.roots
        self.text = said.text
        self.anchors = Anchors()
        self.named: dict[str, str] = {}

    def definition(self) -> Definition:
        roots = {name for name in self.roots.values() if name in self.types}
        shown = [one for one in self.types.values() if one.name not in roots][:MAX_SCHEMAS]
        self.named = {one.name: self.anchors.make("schema", one.name) for one in shown}
        return Definition(
            language="GraphQL",
            version="",
            title="",
            text=text_of(self.text, 20_000),
            groups=tuple(self._group(role) for role, name in self.roots.items() if name in self.types),
            schemas=tuple(self._schema(one) for one in shown),
        )

    def _group(self, role: str) -> Group:
        title, tone = ROOTS[role]
        root = self.types[self.roots[role]]
        operations = tuple(self._operation(role, tone, one) for one in root.fields[:MAX_OPERATIONS])
        return Group(title, self.anchors.make("group", title), operations, text_of(root.text))

    def _operation(self, role: str, tone: str, said: _Field) -> Operation:
        given = [self._row(one) for one in said.arguments]
        blocks = [Block("Arguments", rows=self.anchors.spend(given))] if given else []
        blocks.append(Block("Returns", type=said.type, link=self._link(said.type)))
        first, _, rest = text_of(said.text).partition("\n")
        return Operation(
            anchor=self.anchors.make(role, said.name),
            verb=role.upper(),
            name=said.name,
            tone=tone,
            summary=first[:300],
            text=rest.strip() if len(first) <= 300 else said.text,
            deprecated=said.old is not None,
            facts=(("Deprecated", text_of(said.old, 300)),) if said.old else (),
            blocks=tuple(blocks),
        )

    def _link(self, word: str) -> str:
        return self.named.get(word.strip("[]!"), "")

    def _row(self, said: _Field) -> Row:
        notes = [f"default {said.default[:100]}"] if said.default else []
        notes += [text_of(said.old, 200)] if said.old else []
        needed = said.type.endswith("!") and not said.default
        return Row(
            said.name, said.type, self._link(said.type), 0, needed, said.old is not None,
            text_of(said.text, 600), tuple(notes),
        )  # fmt: skip

    def _schema(self, said: _Type) -> Schema:
        rows = []
        for one in said.fields:
            rows.append(self._row(one))
            rows += [self._argument(given) for given in one.arguments]
        if said.kind == "union":
            rows = [
                Row(name, "type" if name in self.types else "", self.named.get(name, "")) for name in said.of
            ]
        kind = said.kind + (f" of {', '.join(said.of)}"[:200] if said.of and said.kind != "union" else "")
        return Schema(self.named[said.name], said.name, kind, text_of(said.text), self.anchors.spend(rows))

    def _argument(self, said: _Field) -> Row:
        row = self._row(said)
        return Row(
            row.name, row.type, row.link, 1, row.required, row.deprecated, row.text, ("argument", *row.notes)
        )

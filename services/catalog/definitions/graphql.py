"""GraphQL's schema language: queries, mutations, subscriptions, and the types they speak of.

Grammar: the GraphQL specification of October 2021, chapter 3 (type system documents).
"""

import re
import textwrap
from dataclasses import dataclass, field

from services.catalog.definitions.tokens import MAX_DEPTH, Tokens
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

PATTERN = re.compile(
    r'(?P<skip>[\s,\ufeff]+)|(?P<comment>\#[^\n]*)|(?P<string>"""(?:[^"\\]|\\"""|\\|"(?!""))*+"""|"(?:[^"\\\n]|\\.)*+")'
    r"|(?P<name>[_A-Za-z]\w*)|(?P<number>-?\d[\w.+-]*)|(?P<sign>\.\.\.|[!$&()|:=@\[\]{}])"
)
KINDS = {
    "type": "type",
    "interface": "interface",
    "input": "input",
    "enum": "enum",
    "union": "union",
    "scalar": "scalar",
}
ROOTS = {
    "query": ("Queries", "info"),
    "mutation": ("Mutations", "warn"),
    "subscription": ("Subscriptions", "ok"),
}
BUILT_IN = {"Int", "Float", "String", "Boolean", "ID"}


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
    parser = _Parser(text)
    parser.parse()
    return _Drawing(parser).definition()


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens = Tokens(text, PATTERN)
        self.types: dict[str, _Type] = {}
        self.roots = {"query": "Query", "mutation": "Mutation", "subscription": "Subscription"}
        self.text = ""

    def parse(self) -> None:
        tokens = self.tokens
        if tokens.is_done():
            raise Broken("it is empty")
        while not tokens.is_done():
            text = self._description()
            tokens.accept("extend")
            word = tokens.need_kind(
                "name", "type, interface, input, enum, union, scalar, schema or directive"
            )
            if word.text == "schema":
                self._schema(text)
            elif word.text == "directive":
                self._directive()
            elif word.text in KINDS:
                self._type(word.text, text)
            else:
                raise Broken(f"{word.text} begins nothing that a schema can hold", word.line, word.column)

    def _description(self) -> str:
        if self.tokens.now.kind != "string":
            return ""
        said = self.tokens.take().text
        if said.startswith('"""'):
            return _block(said[3:-3].replace('\\"""', '"""'))
        return said[1:-1].replace('\\"', '"')

    def _schema(self, text: str) -> None:
        self.text = text or self.text
        self._directives()
        if self.tokens.accept("{"):
            while not self.tokens.accept("}"):
                self._description()
                role = self.tokens.need("query", "mutation", "subscription").text
                self.tokens.need(":")
                self.roots[role] = self._name()

    def _directive(self) -> None:
        self.tokens.need("@")
        self._name()
        if self.tokens.accept("("):
            self._fields(")")
        self.tokens.accept("repeatable")
        self.tokens.need("on")
        self._choices()

    def _choices(self) -> list[str]:
        self.tokens.accept("|")
        found = [self._name()]
        while self.tokens.accept("|"):
            found.append(self._name())
        return found

    def _name(self) -> str:
        return self.tokens.need_kind("name", "a name").text

    def _type(self, kind: str, text: str) -> None:
        made = self.types.setdefault(name := self._name(), _Type(kind, name))
        made.text = text or made.text
        if self.tokens.accept("implements"):
            self.tokens.accept("&")
            made.of.append(self._name())
            while self.tokens.accept("&") or self.tokens.now.kind == "name":
                made.of.append(self._name())
        made.old = self._directives()
        if kind == "union":
            made.of += self._choices() if self.tokens.accept("=") else []
        elif kind != "scalar" and self.tokens.accept("{"):
            made.fields += self._values() if kind == "enum" else self._fields("}")

    def _values(self) -> list[_Field]:
        found = []
        while not self.tokens.accept("}"):
            text = self._description()
            found.append(_Field(self._name(), text=text, old=self._directives()))
        return found

    def _fields(self, closing: str) -> list[_Field]:
        """Fields or arguments; `closing` ends them."""
        found = []
        while not self.tokens.accept(closing):
            one = _Field(text=self._description(), name=self._name())
            if closing == "}" and self.tokens.accept("("):
                one.arguments = self._fields(")")
            self.tokens.need(":")
            one.type = self._reference(0)
            if self.tokens.accept("="):
                one.default = self._value()
            one.old = self._directives()
            found.append(one)
        return found

    def _reference(self, depth: int) -> str:
        if depth > MAX_DEPTH:
            raise self.tokens.broken(f"a list is nested more than {MAX_DEPTH} deep")
        if self.tokens.accept("["):
            inner = f"[{self._reference(depth + 1)}]"
            self.tokens.need("]")
        else:
            inner = self._name()
        return inner + ("!" if self.tokens.accept("!") else "")

    def _value(self) -> str:
        if self.tokens.accept("["):
            return f"[{' '.join(token.text for token in self.tokens.skip_to(']'))}]"
        if self.tokens.accept("{"):
            return f"{{{' '.join(token.text for token in self.tokens.skip_to('}'))}}}"
        if self.tokens.accept("$"):
            return f"${self._name()}"
        if self.tokens.now.kind not in ("name", "number", "string"):
            raise self.tokens.broken(f"a value should stand here, not {self.tokens.now.text[:40]}")
        return self.tokens.take().text

    def _directives(self) -> str | None:
        """Why it is deprecated; None when it is not. Other directives are passed over."""
        old: str | None = None
        while self.tokens.accept("@"):
            name = self._name()
            given = self.tokens.skip_to(")") if self.tokens.accept("(") else []
            if name == "deprecated":
                old = next((t.text.strip('"') for t in given if t.kind == "string"), "")
        return old


class _Drawing:
    def __init__(self, parser: _Parser) -> None:
        self.types = parser.types
        self.roots = parser.roots
        self.text = parser.text
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


def _block(text: str) -> str:
    """A block string without the indentation that its lines share."""
    first, _, rest = text.partition("\n")
    return f"{first.strip()}\n{textwrap.dedent(rest)}".strip()

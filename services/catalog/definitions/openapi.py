"""OpenAPI 2.0, 3.0 and 3.1: operations by tag, what goes in, what comes out, and the schemas they name."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from services.catalog.definitions.documents import Mapping, References, listed, table
from services.catalog.definitions.shapes import Shapes, shown
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
    text_of,
)

VERBS = {
    "get": "info", "put": "warn", "post": "ok", "delete": "bad", "patch": "warn", "options": "", "head": "",
    "trace": "", "query": "info",
}  # fmt: skip
UNTAGGED = "Operations"
MEDIA = 3


def is_openapi(root: Mapping) -> bool:
    return "openapi" in root or "swagger" in root


def draw(root: Mapping) -> Definition:
    version = text_of(root.get("openapi") or root.get("swagger"), 40)
    if not version.startswith(("2.", "3.")):
        raise Broken(f"openapi {version or 'without a version'} is not known here: 2.0, 3.0 and 3.1 are", 1)
    return _Reader(root, version).definition()


class _Reader:
    def __init__(self, root: Mapping, version: str) -> None:
        self.root = root
        self.version = version
        self.is_old = version.startswith("2")
        self.refs = References(root)
        self.anchors = Anchors()
        self.shapes = Shapes(self.refs, self.anchors)
        self.prefix = "#/definitions/" if self.is_old else "#/components/schemas/"
        self.models = table(self.refs.find(self.prefix.rstrip("/")))
        self.notes: list[str] = []

    def definition(self) -> Definition:
        info = table(self.root.get("info"))
        self.shapes.name(self.prefix, list(self.models)[:MAX_SCHEMAS])
        groups = self._groups()
        return Definition(
            language="OpenAPI",
            version=self.version,
            title=text_of(info.get("title"), 300),
            text=text_of(info.get("description"), 20_000),
            facts=tuple((label, said) for label, said in self._facts(info) if said),
            groups=groups,
            schemas=tuple(self.shapes.schemas(self.prefix, self.models)),
            notes=tuple(self.notes),
        )

    def _facts(self, info: Mapping) -> Iterator[tuple[str, str]]:
        yield "Version", text_of(info.get("version"), 100)
        servers = [text_of(table(one).get("url"), 300) for one in listed(self.root.get("servers"))[:10]]
        if self.is_old and self.root.get("host"):
            scheme = next((text_of(one) for one in listed(self.root.get("schemes"))), "https")
            path = text_of(self.root.get("basePath"), 200)
            servers = [f"{scheme}://{text_of(self.root['host'], 200)}{path}"]
        yield "Servers", ", ".join(one for one in servers if one)
        place = self.refs.find("#/securityDefinitions" if self.is_old else "#/components/securitySchemes")
        yield (
            "Signing in",
            ", ".join(f"{n}: {self._scheme(one)}"[:200] for n, one in list(table(place).items())[:10]),
        )
        contact = table(info.get("contact"))
        yield "Contact", text_of(contact.get("email") or contact.get("name") or contact.get("url"), 200)
        yield "Licence", text_of(table(info.get("license")).get("name"), 200)

    def _scheme(self, scheme: Any) -> str:
        said = self.refs.follow(scheme)
        words = (text_of(said.get(key), 60) for key in ("type", "scheme", "in", "name"))
        return " ".join(word for word in words if word)

    def _groups(self) -> tuple[Group, ...]:
        tags = [table(tag) for tag in listed(self.root.get("tags"))]
        texts = {text_of(tag.get("name"), 200): text_of(tag.get("description")) for tag in tags}
        filed: dict[str, list[Operation]] = {name: [] for name in texts if name}
        for count, (tag, operation) in enumerate(self._operations(), 1):
            if count > MAX_OPERATIONS:
                self.notes.append(f"Only the first {MAX_OPERATIONS:,} operations are shown.")
                break
            filed.setdefault(tag, []).append(operation)
        return tuple(
            Group(name, self.anchors.make("group", name), tuple(ops), texts.get(name, ""))
            for name, ops in filed.items()
            if ops
        )

    def _operations(self) -> Iterator[tuple[str, Operation]]:
        for source, other in (("paths", ""), ("webhooks", "Webhooks")):
            for path, item in table(self.root.get(source)).items():
                plain = self.refs.follow(item)
                for verb in VERBS:
                    if isinstance(plain.get(verb), dict):
                        operation = plain[verb]
                        tag = next((text_of(t, 200) for t in listed(operation.get("tags")) if text_of(t)), "")
                        yield (
                            other or tag or UNTAGGED,
                            self._operation(str(path)[:500], verb, operation, plain),
                        )

    def _operation(self, path: str, verb: str, said: Mapping, item: Mapping) -> Operation:
        parameters = self._parameters(item, said)
        return Operation(
            anchor=self.anchors.make(verb, path),
            verb=verb.upper(),
            name=path,
            tone=VERBS[verb],
            summary=text_of(said.get("summary"), 300),
            text=text_of(said.get("description")),
            deprecated=said.get("deprecated") is True,
            facts=tuple((label, text) for label, text in self._about(said) if text),
            blocks=tuple(self._blocks(parameters, said)),
        )

    def _about(self, said: Mapping) -> Iterator[tuple[str, str]]:
        yield "Operation", text_of(said.get("operationId"), 200)
        asked = said.get("security", self.root.get("security"))
        ways = [" and ".join(_ways(table(one)))[:200] or "nobody needs to" for one in listed(asked)[:6]]
        yield "Signing in", " or ".join(ways)
        yield "Calls back", ", ".join(list(map(str, table(said.get("callbacks"))))[:10])[:300]

    def _parameters(self, item: Mapping, said: Mapping) -> list[Mapping]:
        """Those of the path and of the operation; the operation's own win."""
        found: dict[tuple[str, str], Mapping] = {}
        for one in [*listed(item.get("parameters")), *listed(said.get("parameters"))][:200]:
            plain = self.refs.follow(one)
            found[text_of(plain.get("name"), 200), text_of(plain.get("in"), 20)] = plain
        return list(found.values())

    def _blocks(self, parameters: list[Mapping], said: Mapping) -> Iterator[Block]:
        rows = [self._parameter(one) for one in parameters if one.get("in") != "body"]
        if rows:
            yield Block("Parameters", rows=self.anchors.spend(rows))
        for one in parameters:
            if one.get("in") == "body":
                kinds = listed(said.get("consumes") or self.root.get("consumes")) or ["application/json"]
                yield self._shape(
                    "Request body",
                    text_of(kinds[0], 100),
                    one.get("schema"),
                    text=text_of(one.get("description")),
                )
        body = self.refs.follow(said.get("requestBody"))
        if body:
            title = "Request body" + ("" if body.get("required") is True else ", optional")
            yield from self._contents(title, "", text_of(body.get("description")), body)
        for code, answer in list(table(said.get("responses")).items())[:40]:
            yield from self._answer(str(code)[:20], self.refs.follow(answer), said)

    def _parameter(self, said: Mapping) -> Row:
        schema = said.get("schema")
        for media in table(said.get("content")).values():
            schema = schema or table(media).get("schema")
        schema = schema or {
            key: said[key] for key in said if key not in ("in", "name", "required", "description")
        }
        word, link = self.shapes.word(schema)
        notes = (text_of(said.get("in"), 20), *self.shapes.notes(schema))
        example = shown(said.get("example"))
        return Row(
            name=text_of(said.get("name"), 200) or "?",
            type=word,
            link=link,
            required=said.get("required") is True,
            deprecated=said.get("deprecated") is True,
            text=text_of(said.get("description"), 600),
            notes=tuple(note for note in (*notes, f"for example {example[:100]}" if example else "") if note),
        )

    def _answer(self, code: str, said: Mapping, operation: Mapping) -> Iterator[Block]:
        tone = {"2": "ok", "3": "info", "4": "warn", "5": "bad"}.get(code[:1], "")
        text = text_of(said.get("description"))
        if self.is_old and "schema" in said:
            kinds = listed(operation.get("produces") or self.root.get("produces")) or ["application/json"]
            given = next(iter(table(said.get("examples")).values()), None)
            yield self._shape(code, text_of(kinds[0], 100), said["schema"], given, text, tone)
        else:
            headers = [
                self._parameter({"name": name, "in": "header", **self.refs.follow(one)})
                for name, one in list(table(said.get("headers")).items())[:40]
            ]
            yield from self._contents(code, tone, text, said, headers)

    def _contents(
        self, title: str, tone: str, text: str, said: Mapping, headers: list[Row] | None = None
    ) -> Iterator[Block]:
        """One block for each media type; those that share a schema share it."""
        kinds: dict[str, tuple[list[str], Mapping]] = {}
        for name, media in list(table(said.get("content")).items())[:20]:
            plain = self.refs.follow(media)
            schema = plain.get("schema")
            same = str(table(schema).get("$ref", id(schema)))
            kinds.setdefault(same, ([], plain))[0].append(str(name)[:100])
        extra = self.anchors.spend(headers or [])
        if not kinds:
            yield Block(title, tone=tone, text=text, rows=extra)
        for names, media in list(kinds.values())[:MEDIA]:
            given = media.get("example")
            for one in table(media.get("examples")).values():
                given = self.refs.follow(one).get("value") if given is None else given
            block = self._shape(title, ", ".join(names), media.get("schema"), given, text, tone)
            yield replace(block, rows=block.rows + extra)

    def _shape(
        self, title: str, hint: str, schema: Any, given: Any = None, text: str = "", tone: str = ""
    ) -> Block:
        word, link = self.shapes.word(schema) if schema is not None else ("", "")
        example = shown(given) or self.shapes.example(schema)
        return Block(title, hint, tone, word, link, text, self.shapes.rows(schema), example)


def _ways(asked: Mapping) -> Iterator[str]:
    """Each scheme, with the scopes or roles that it takes."""
    for name, scopes in list(asked.items())[:20]:
        said = ", ".join(filter(None, (text_of(one, 100) for one in listed(scopes)[:20])))
        yield f"{str(name)[:100]} ({said})" if said else str(name)[:100]

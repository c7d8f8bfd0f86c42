"""Protocol Buffers: services with their calls, messages and enums."""

import re

from services.catalog.definitions.proto_grammar import Call, Field, Message, Parser
from services.catalog.definitions.tree import (
    MAX_OPERATIONS,
    MAX_SCHEMAS,
    Anchors,
    Block,
    Definition,
    Group,
    Operation,
    Row,
    Schema,
    text_of,
)


def draw(text: str) -> Definition:
    parser = Parser(text)
    parser.parse()
    return _Drawing(parser).definition()


class _Drawing:
    def __init__(self, parser: Parser) -> None:
        self.parser = parser
        self.anchors = Anchors()
        self.named: dict[str, str] = {}

    def definition(self) -> Definition:
        said = self.parser
        shown = said.messages[:MAX_SCHEMAS]
        self.named = {one.name: self.anchors.make("schema", one.name) for one in shown}
        facts = [
            ("Package", said.package),
            ("Syntax", said.syntax),
            ("Imports", ", ".join(said.imports[:20])),
        ]
        return Definition(
            language="gRPC",
            version=said.syntax,
            title=said.package,
            facts=tuple((label, text_of(text, 600)) for label, text in facts if text),
            groups=tuple(self._group(*service) for service in said.services),
            schemas=tuple(self._schema(one) for one in shown),
        )

    def _group(self, name: str, text: str, calls: list[Call]) -> Group:
        operations = tuple(self._operation(name, call) for call in calls[:MAX_OPERATIONS])
        return Group(name, self.anchors.make("service", name), operations, text_of(text))

    def _operation(self, service: str, call: Call) -> Operation:
        first, _, rest = text_of(call.text).partition("\n")
        return Operation(
            anchor=self.anchors.make("rpc", service, call.name),
            verb="STREAM" if "stream of" in call.takes + call.gives else "RPC",
            name=call.name,
            tone="ok" if "stream of" in call.takes + call.gives else "info",
            summary=first[:300],
            text=rest.strip(),
            deprecated=call.old,
            facts=(("Over HTTP", call.http),) if call.http else (),
            blocks=tuple(
                self._side(title, said) for title, said in (("Request", call.takes), ("Response", call.gives))
            ),
        )

    def _side(self, title: str, said: str) -> Block:
        name = said.removeprefix("stream of ")
        message = next((one for one in self.parser.messages if one.name == self._known(name, "")), None)
        rows = self._rows(message) if message else ()
        return Block(title, type=said, link=self._link(name, ""), rows=rows)

    def _known(self, name: str, inside: str) -> str:
        """The message a name means, looked for from the inside outwards as protoc does."""
        clean = name.lstrip(".")
        if self.parser.package and clean.startswith(f"{self.parser.package}."):
            clean = clean[len(self.parser.package) + 1 :]
        scope = inside
        while scope:
            if f"{scope}.{clean}" in self.named:
                return f"{scope}.{clean}"
            scope = scope.rpartition(".")[0]
        return clean

    def _link(self, name: str, inside: str) -> str:
        for word in re.findall(r"[\w.]+", name):
            if anchor := self.named.get(self._known(word, inside)):
                return anchor
        return ""

    def _rows(self, message: Message) -> tuple[Row, ...]:
        return self.anchors.spend([self._row(message, one) for one in message.fields])

    def _row(self, message: Message, one: Field) -> Row:
        notes = (f"= {one.number}", f"one of {one.group}" if one.group else "")
        kind = f"{one.label} {one.type}".strip()
        return Row(
            one.name, kind, self._link(one.type, message.name), 0, one.label == "required", one.old,
            text_of(one.text, 600), tuple(note for note in notes if note),
        )  # fmt: skip

    def _schema(self, one: Message) -> Schema:
        return Schema(self.named[one.name], one.name, one.kind, text_of(one.text), self._rows(one))

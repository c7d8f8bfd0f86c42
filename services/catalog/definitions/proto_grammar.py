"""The grammar of .proto files: Protocol Buffers 2, 3 and editions.

After the language specification of protobuf.dev; what only steers code generators is passed over. The one
library that reads these files without a compiler (proto-schema-parser, on ANTLR) takes 18 MB for 40 kB of
them, prints what is wrong instead of raising it, and keeps no lines: hence a grammar here.
"""

import re
from dataclasses import dataclass, field

from services.catalog.definitions.tokens import MAX_DEPTH, Token, Tokens
from services.catalog.definitions.tree import Broken

PATTERN = re.compile(
    r"(?P<skip>[\s\ufeff]+)|(?P<comment>//[^\n]*|/\*(?:[^*]|\*(?!/))*+\*/)"
    r"""|(?P<string>"(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+')"""
    r"|(?P<name>\.?[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)|(?P<number>[\d.][\w.]*)|(?P<sign>[-+{}()\[\]<>;=,:/])"
)
LABELS = ("optional", "repeated", "required")
PASSED = ("option", "reserved", "extensions", "import", "package")
HTTP = ("get", "put", "post", "delete", "patch")


@dataclass
class Field:
    name: str
    type: str
    number: str
    label: str = ""
    text: str = ""
    group: str = ""
    old: bool = False


@dataclass
class Message:
    name: str
    kind: str = "message"
    text: str = ""
    fields: list[Field] = field(default_factory=list)


@dataclass
class Call:
    name: str
    takes: str
    gives: str
    text: str = ""
    http: str = ""
    old: bool = False


class Parser:
    def __init__(self, text: str) -> None:
        self.tokens = Tokens(text, PATTERN)
        self.package = ""
        self.syntax = "proto2"
        self.imports: list[str] = []
        self.messages: list[Message] = []
        self.services: list[tuple[str, str, list[Call]]] = []

    def parse(self) -> None:
        if self.tokens.is_done():
            raise Broken("it is empty")
        while not self.tokens.is_done():
            self._top()

    def _top(self) -> None:
        text = self._said()
        if self.tokens.accept(";"):
            return
        word = self.tokens.need_kind("name", "syntax, package, import, message, enum or service")
        if word.text == "message":
            self._message("", text, 0)
        elif word.text == "enum":
            self._enum("", text)
        elif word.text == "service":
            self._service(text)
        elif word.text == "extend":
            name = self.tokens.need_kind("name", "a name").text
            self.messages.append(one := Message(f"extend {name}", "extension", text))
            self._body(one, one.name, 0)
        elif word.text in ("syntax", "edition"):
            self.tokens.need("=")
            said = self.tokens.need_kind("string", "a quoted version").text.strip("\"'")
            self.syntax = said if word.text == "syntax" else f"edition {said}"
            self.tokens.need(";")
        elif word.text in PASSED:
            passed = self.tokens.skip_to(";")
            self.package = passed[0].text if word.text == "package" and passed else self.package
            self.imports += [passed[-1].text.strip("\"'")] if word.text == "import" and passed else []
        else:
            raise Broken(f"{word.text} begins nothing that a .proto file can hold", word.line, word.column)

    def _said(self) -> str:
        """The comment just before what follows, without its slashes and stars."""
        lines = "\n".join(self.tokens.said).splitlines()
        clean = (re.sub(r"^\s*(?://+|/\*+|\*(?!/))? ?|\s*\*+/\s*$", "", line) for line in lines)
        return "\n".join(clean).strip()

    def _message(self, outer: str, text: str, depth: int) -> str:
        if depth > MAX_DEPTH:
            raise self.tokens.broken(f"messages are nested more than {MAX_DEPTH} deep")
        name = f"{outer}.{self._name()}".lstrip(".")
        self.messages.append(one := Message(name, text=text))
        self._body(one, name, depth)
        return name

    def _name(self) -> str:
        return self.tokens.need_kind("name", "a name").text

    def _body(self, one: Message, name: str, depth: int, group: str = "") -> None:
        opened = self.tokens.need("{")
        while not self.tokens.accept("}"):
            if self.tokens.is_done():
                raise Broken(
                    f"{one.name or 'this'} begins here and never ends: a }} is missing",
                    opened.line,
                    opened.column,
                )
            text = self._said()
            if self.tokens.accept(";"):
                continue
            self._member(one, name, depth, group, text)

    def _member(self, one: Message, name: str, depth: int, group: str, text: str) -> None:
        word = self.tokens.need_kind("name", "a field")
        is_statement = self.tokens.now.kind != "sign" or self.tokens.at("(")
        if word.text == "message" and is_statement:
            self._message(name, text, depth + 1)
        elif word.text == "enum" and is_statement:
            self._enum(name, text)
        elif word.text == "oneof" and is_statement:
            self._body(one, name, depth + 1, self._name())
        elif word.text == "extend" and is_statement:
            self._name()
            self._body(one, name, depth + 1)
        elif word.text in PASSED and is_statement:
            self.tokens.skip_to(";")
        else:
            self._field(one, word, name, depth, group, text)

    def _field(self, one: Message, word: Token, name: str, depth: int, group: str, text: str) -> None:
        label = word.text if word.text in LABELS and self.tokens.now.kind == "name" else ""
        kind = self._name() if label else word.text
        if kind == "map" and self.tokens.accept("<"):
            key = self._name()
            self.tokens.need(",")
            kind = f"map<{key}, {self._name()}>"
            self.tokens.need(">")
        called = self._name()
        self.tokens.need("=")
        number = self.tokens.need_kind("number", "the number of the field").text
        given = self.tokens.skip_to("]") if self.tokens.accept("[") else []
        if kind == "group":
            self.messages.append(inner := Message(f"{name}.{called}"))
            self._body(inner, inner.name, depth + 1)
        else:
            self.tokens.need(";")
        one.fields.append(Field(called, kind, number, label, text, group, _is_old(given)))

    def _enum(self, outer: str, text: str) -> None:
        one = Message(f"{outer}.{self._name()}".lstrip("."), "enum", text)
        self.messages.append(one)
        self.tokens.need("{")
        while not self.tokens.accept("}"):
            said = self._said()
            if self.tokens.accept(";"):
                continue
            word = self.tokens.need_kind("name", "a value")
            if word.text in PASSED and not self.tokens.at("="):
                self.tokens.skip_to(";")
                continue
            self.tokens.need("=")
            passed = self.tokens.skip_to(";")
            number = "".join(token.text for token in passed[:2] if token.kind in ("number", "sign")).strip(
                "["
            )
            one.fields.append(Field(word.text, "", number, text=said, old=_is_old(passed)))

    def _service(self, text: str) -> None:
        name, calls = self._name(), list[Call]()
        self.services.append((name, text, calls))
        opened = self.tokens.need("{")
        while not self.tokens.accept("}"):
            if self.tokens.is_done():
                raise Broken(
                    f"{name} begins here and never ends: a }} is missing", opened.line, opened.column
                )
            said = self._said()
            if self.tokens.accept(";"):
                continue
            if self.tokens.accept("option"):
                self.tokens.skip_to(";")
            else:
                self.tokens.need("rpc")
                calls.append(self._call(said))

    def _call(self, text: str) -> Call:
        name, takes = self._name(), self._side()
        self.tokens.need("returns")
        call = Call(name, takes, self._side(), text)
        if self.tokens.accept("{"):
            passed = self.tokens.skip_to("}")
            call.http, call.old = _route(passed), _is_old(passed)
        else:
            self.tokens.need(";")
        return call

    def _side(self) -> str:
        self.tokens.need("(")
        word = self._name()
        if word == "stream" and not self.tokens.at(")"):
            word = f"stream of {self._name()}"
        self.tokens.need(")")
        return word


def _is_old(tokens: list[Token]) -> bool:
    words = [token.text for token in tokens]
    return any(words[at : at + 3] == ["deprecated", "=", "true"] for at in range(len(words)))


def _route(tokens: list[Token]) -> str:
    """The HTTP address a call has too, by google.api.http."""
    for word, _, path in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if word.text in HTTP and path.kind == "string":
            return f"{word.text.upper()} {path.text[1:-1]}"[:300]
    return ""

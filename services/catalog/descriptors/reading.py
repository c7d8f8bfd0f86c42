"""YAML and JSON text in, documents with the line of every value out.

YAML 1.2 core schema as the `yaml` package of npm reads it: no merge keys, dates and `yes` are strings,
duplicate keys are errors. Built on libyaml's events (PyYAML's C parser), without recursion.
One broken document loses no other.
"""

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from services.catalog.descriptors.scalars import scalar

MAX_FILE = 5 * 1024 * 1024
MAX_DOCUMENTS = 20_000
MAX_DEPTH = 64
MAX_VALUES = 200_000

Path = tuple[str | int, ...]

# To libyaml (YAML 1.1) these are line breaks or forbidden; to npm's yaml (1.2) they are plain characters.
ODD = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\u2028\u2029]|\r(?!\n)")
_SIGNS = (*range(1, 32), *range(127, 160), 0x2028, 0x2029)
HIDING = {sign: 0xF0000 + sign for sign in _SIGNS}
SHOWING = {hidden: chr(sign) for sign, hidden in HIDING.items()}
HIDDEN = re.compile("[\U000f0001-\U000f2029]")
# Tabs that separate nothing: on lines that say nothing, and after a dash.
STRAY_TABS = re.compile(r"^[ ]*\t[ \t]*(?=#|$)|(?<=^)([ ]*-)[ ]*\t[ \t]*(?=\S)", re.MULTILINE)

MARKER = re.compile(r"^(---|\.\.\.)(?=[ \t\r]|$)")
NOTHING = re.compile(r"\s*(#.*)?$")
QUOTES = ("'", '"')
NUL = "\\u0000"


class Unreadable(ValueError):
    """A document that is no YAML; `line` counts from 1 in the file."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Document:
    """One document of a file: `data`, or the `problem`. `lines` maps paths to lines, counted from 1."""

    index: int
    line: int
    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    problem: str = ""
    has_includes: bool = True

    def line_of(self, path: Path) -> int:
        """The line of a value, or of the nearest one around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, self.line)


def read(content: bytes, *, as_json: bool = False) -> list[Document]:
    """Every document that is not empty, in order; `index` counts empty ones as Backstage does."""
    if len(content) > MAX_FILE:
        return [Document(0, 1, problem=f"larger than {MAX_FILE // 1024 // 1024} MB")]
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        return [Document(0, line, problem=_not_utf_8(content, error.start))]
    if as_json and (document := _read_json(text)):
        return [document]
    documents: list[Document] = []
    try:
        for chunk in _chunks(text):
            if document := _read_chunk(*chunk):
                documents.append(document)
    except Unreadable as error:
        documents.append(Document(MAX_DOCUMENTS, error.line, problem=str(error)))
    return documents


def _not_utf_8(content: bytes, byte: int) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "UTF-16 text: save it as UTF-8"
    return f"not UTF-8 text (byte {byte}, {content[byte : byte + 1]!r}): save it as UTF-8"


def _read_json(text: str) -> Document | None:
    """JSON proper, which may hold tabs that YAML forbids; None when it is not JSON, so that YAML may try."""
    try:
        data = json.loads(text, object_pairs_hook=_unique)
        plain = json.dumps(data, ensure_ascii=False, allow_nan=False)
        plain.encode()
    except (ValueError, RecursionError):
        return None
    return None if NUL in plain else Document(0, 1, data)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("keys must be unique")
    return found


def _chunks(text: str) -> Iterator[tuple[int, int, str]]:
    """(index, first line, text) of each document; `---` at the start of a line is always a boundary."""
    lines: list[str] = []
    index, first, opened = 0, 1, False
    for number, line in enumerate(text.split("\n"), 1):
        marker = MARKER.match(line)
        if marker and (opened or any(not NOTHING.match(x) and not x.startswith("%") for x in lines)):
            yield index, first, "\n".join(lines)
            index, first, lines, opened = index + 1, number, [], False
        if index >= MAX_DOCUMENTS:
            raise Unreadable(
                f"more than {MAX_DOCUMENTS:,} documents in one file: nothing after this is read", number
            )
        opened = opened or bool(marker and marker[1] == "---")
        lines.append("" if marker and marker[1] == "..." else line)
    if opened or any(not NOTHING.match(line) for line in lines):
        yield index, first, "\n".join(lines)


def _read_chunk(index: int, first: int, text: str) -> Document | None:
    if text.endswith("\r"):
        text += "\n"  # Windows' files have one before `---`; libyaml trips over it when it stands alone
    if "\x00" in text:
        line = first + text[: text.index("\x00")].count("\n")
        return Document(index, line, problem="holds a NUL character")
    hides = bool(ODD.search(text)) and not HIDDEN.search(text)
    if hides:
        text = ODD.sub(lambda match: match[0].translate(HIDING), text)
    try:
        built = _build(text, first, hides)
    except Unreadable as error:
        return Document(index, error.line, problem=str(error))
    if built.root is None:
        return None
    line = built.lines.get((), first)
    return Document(index, line, built.root, built.lines, has_includes=built.has_includes)


def _build(text: str, first: int, hides: bool) -> "_Builder":
    """Read once more without stray tabs, which only libyaml minds, before giving up."""
    try:
        return _Builder(first, hides).build(text)
    except Unreadable:
        tidy = (
            STRAY_TABS.sub(lambda match: f"{match[1]} " if match[1] else "", text) if "\t" in text else text
        )
        if tidy == text:
            raise
        return _Builder(first, hides).build(tidy)


@dataclass
class _Open:
    """A mapping or a list that is still being filled."""

    value: dict[str, Any] | list[Any]
    path: Path
    anchor: str | None
    start: int
    key: str | None = None
    is_key: bool = False
    depth: int = 1
    column: int = -1


def _wants_key(top: _Open) -> bool:
    return isinstance(top.value, dict) and top.key is None


class _Builder:
    """Turns the events of one document into plain data."""

    def __init__(self, first: int, hides: bool) -> None:
        self.first, self.hides = first, hides
        self.text, self.rows = "", list[str]()
        self.has_includes = False
        self.lines: dict[Path, int] = {}
        self.anchors: dict[str, tuple[Any, int, int]] = {}
        self.open: list[_Open] = []
        self.size = 0
        self.root: Any = None

    def build(self, text: str) -> "_Builder":
        self.text, self.rows = text, []
        try:
            loader = yaml.CBaseLoader(text)
            while event := loader.get_event():
                if take := TAKES.get(type(event)):
                    take(self, event)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            what = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
            last = text.rstrip().count("\n")
            raise Unreadable(what, self.first + (min(mark.line, last) if mark else 0)) from error
        return self

    def _end(self, event: yaml.Event) -> None:
        done = self.open.pop()
        if self.open:
            self.open[-1].depth = max(self.open[-1].depth, done.depth + 1)
        if done.anchor:
            self.anchors[done.anchor] = (done.value, self.size - done.start, done.depth)
        if done.is_key:
            self._set_key(self.open[-1], json.dumps(done.value, ensure_ascii=False), event)

    def _take_scalar(self, event: yaml.ScalarEvent) -> None:
        value = self._shown(event.value) if self._hidden(event.value) else scalar(event)
        if "\x00" in event.value:
            raise Unreadable("holds a NUL character", self._line(event))
        if event.anchor:
            self.anchors[event.anchor] = (value, 1, 0)
        top = self.open[-1] if self.open else None
        if event.style in QUOTES:
            self._check_quoted(event)
        if top and _wants_key(top):
            self._set_key(top, self._shown(event.value), event)
        else:
            self._place(value, event, 1)

    def _hidden(self, text: str) -> bool:
        return self.hides and bool(HIDDEN.search(text))

    def _shown(self, text: str) -> str:
        """The text with the characters that were hidden from libyaml."""
        return text.translate(SHOWING) if self.hides else text

    def _check_quoted(self, event: Any) -> None:
        """A quote that runs on must stay indented, or it was never closed: libyaml alone does not mind."""
        first, last = event.start_mark.line, event.end_mark.line
        if first == last:
            return
        if not self.rows:
            self.rows = self.text.split("\n")
        least = self.open[-1].column + 1 if self.open else 0
        for line in self.rows[first + 1 : last + 1]:
            if line.strip(" \r") and len(line) - len(line.lstrip(" ")) < least:
                raise Unreadable(f"the {event.style} that opens here is not closed", self._line(event))

    def _set_key(self, top: _Open, key: str, event: yaml.Event) -> None:
        if key in top.value:
            raise Unreadable(f"the key {key!r} stands twice in one mapping", self._line(event))
        if key[:1] == "$":
            self.has_includes = True
        top.key = key
        self.lines[(*top.path, key)] = self._line(event)

    def _take_alias(self, event: yaml.AliasEvent) -> None:
        if event.anchor not in self.anchors:
            raise Unreadable(f"the alias *{event.anchor} points to nothing before it", self._line(event))
        value, size, depth = self.anchors[event.anchor]
        self._check_depth(len(self.open) + depth, event)
        if self.open:
            self.open[-1].depth = max(self.open[-1].depth, depth + 1)
        self._place(value, event, size)

    def _check_depth(self, depth: int, event: yaml.Event) -> None:
        """Aliases count as what they stand for, so that nobody who walks the data goes deeper."""
        if depth > MAX_DEPTH:
            raise Unreadable(f"nested deeper than {MAX_DEPTH} levels", self._line(event))

    def _start(self, event: Any) -> None:
        fresh: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._check_depth(len(self.open) + 1, event)
        around = self.open[-1].column if self.open else -1
        column = around if event.flow_style else event.start_mark.column
        if self.open and _wants_key(self.open[-1]):
            # A template's bare `{{ name }}` reads as a mapping that is a key; its text becomes the key.
            self.open.append(
                _Open(fresh, self.open[-1].path, event.anchor, self.size, is_key=True, column=column)
            )
        else:
            self.open.append(
                _Open(fresh, self._place(fresh, event, 1), event.anchor, self.size, column=column)
            )

    def _place(self, value: Any, event: Any, size: int) -> Path:
        """Put a value where it belongs and return its path."""
        self.size += size
        if self.size > MAX_VALUES:
            raise Unreadable(f"holds more than {MAX_VALUES} values (aliases counted)", self._line(event))
        if not self.open:
            self.root = value
            self.lines[()] = self._line(event)
            return ()
        top = self.open[-1]
        if isinstance(top.value, list):
            top.value.append(value)
            path: Path = (*top.path, len(top.value) - 1)
        elif top.key is None:
            raise Unreadable("an alias cannot be a key", self._line(event))
        else:
            top.value[top.key] = value
            path, top.key = (*top.path, top.key), None
        self.lines.setdefault(path, self._line(event))
        return path

    def _line(self, event: Any) -> int:
        return int(self.first + event.start_mark.line)


TAKES: dict[type[yaml.Event], Any] = {
    yaml.ScalarEvent: _Builder._take_scalar,
    yaml.AliasEvent: _Builder._take_alias,
    yaml.MappingStartEvent: _Builder._start,
    yaml.SequenceStartEvent: _Builder._start,
    yaml.MappingEndEvent: _Builder._end,
    yaml.SequenceEndEvent: _Builder._end,
}

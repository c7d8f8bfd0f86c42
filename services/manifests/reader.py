"""YAML in, read as Kubernetes reads it, with the line of every value; hostile files are refused quickly.

One pass over the C parser's events: nothing is built beyond the limits, no alias is expanded without being
counted, and a duplicate key is an error rather than a silent choice.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from yaml import events

from services.manifests import pointers
from services.manifests.pointers import Path
from services.manifests.scalars import plain_value

MAX_CHARACTERS: Final = 5_000_000
MAX_NODES: Final = 300_000
MAX_DEPTH: Final = 60
MAX_DOCUMENTS: Final = 2_000
MAX_PARTS: Final = 600_000  # lines and commas: more values than these there cannot be, and counting is quick
Event = Any  # a yaml.events.Event; its published types call the marks optional, from text they are not


class ManifestError(ValueError):
    """A file that cannot be read. Lines and columns count from 1, documents from 0.

    `template`: it is no YAML yet, for it has placeholders such as Helm's that a tool fills in first.
    `foreign`: nothing in it says that it is a manifest at all.
    """

    template = False
    foreign = False

    def __init__(
        self, message: str, file: str = "", document: int = 0, line: int = 0, column: int = 0
    ) -> None:
        place = ":".join(str(part) for part in (file, line or "", column or "") if part)
        super().__init__(f"{place}: {message}" if place else message)
        self.message = message
        self.file = file
        self.document = document
        self.line = line
        self.column = column


@dataclass(frozen=True)
class Document:
    """One document of a file. `positions` gives line and column of every key or item, by its path.

    `origin` is the place that the name of the file is relative to.
    """

    index: int
    line: int
    data: Any
    positions: Mapping[Path, tuple[int, int]] = field(default_factory=dict, repr=False)
    file: str = ""
    origin: str = ""

    def position(self, path: str | Sequence[str | int]) -> tuple[int, int]:
        """Where a path (`spec.template.spec.containers[0].image`) stands, or else its nearest parent."""
        keys = pointers.parse(path) if isinstance(path, str) else tuple(path)
        while keys and keys not in self.positions:
            keys = keys[:-1]
        return self.positions.get(keys, (self.line, 1))

    def line_of(self, path: str | Sequence[str | int]) -> int:
        return self.position(path)[0]


_MARKER: Final = re.compile(r"---(?=\s|$)")
# Blanks within a line only: over line ends these would go through a file of empty lines again for each.
_SOMETHING: Final = re.compile(r"^[ \t]*[^\s#]", re.MULTILINE)
_TEMPLATE: Final = re.compile(r"^[ \t]*\{\{|[:-][ \t]+\{\{", re.MULTILINE)
_SKELETON: Final = re.compile(r"^[ \t]*\{%|\$\{\{", re.MULTILINE)
_NOT_YAML: Final = "not YAML: "
_MANIFEST: Final = re.compile(r"""^[ \t{,-]*["']?(apiVersion|kind)["']?[ \t]*:""", re.MULTILINE)
UNRENDERED: Final = (
    "a template, no manifest yet: check what it renders (the output of helm template or the like)"
)
# libyaml's words are about its tokens; these are about what people write.
_PLAINLY: Final = {
    "found character that cannot start any token": "a tab, @, ` or % stands where a key or a value begins;"
    " indent with spaces and put such values in quotes",
    "mapping values are not allowed in this context": "there is a colon too many, or this line is not"
    " indented like those beside it",
    "did not find expected key": "this line is not indented like those beside it, or a quote or bracket is"
    " still open",
    "did not find expected '-' indicator": "this line is not indented like the other items of the list",
    "could not find expected ':'": "a key without its colon, or a text of several lines without | or quotes",
    "did not find expected node content": "a bracket or a brace is still open",
    "did not find expected ',' or ']'": "a bracket is still open",
    "did not find expected ',' or '}'": "a brace is still open",
    "found unexpected end of stream": "a quote is still open",
    "did not find expected <document start>": "something follows the end of the document",
}


def load_all(text: str | bytes, file: str = "", *, repeated_keys: bool = False) -> list[Document]:
    """Every document that is not empty; `ManifestError` says where and why a file is refused.

    With `repeated_keys` the last of two equal keys wins: for reading what others wrote, never for judging it.
    """
    text = _decoded(text, file)
    if len(text) > MAX_CHARACTERS:
        raise ManifestError(f"the file is larger than {MAX_CHARACTERS // 1_000_000} MB", file)
    if text.count("\n") + text.count(",") > MAX_PARTS:
        raise ManifestError("the file has too many lines and lists", file)
    return _read(_Reader(text, file, repeated_keys))


def load_each(
    text: str | bytes, file: str = "", *, repeated_keys: bool = False
) -> tuple[list[Document], list[ManifestError]]:
    """As `load_all`, but one broken document loses no other: those one can read, and the errors."""
    try:
        return load_all(text, file, repeated_keys=repeated_keys), []
    except ManifestError as error:
        chunks = _chunks(_decoded(text, file)) if error.line else []
        if not 1 < len(chunks) <= MAX_DOCUMENTS:
            return [], [error]
    documents: list[Document] = []
    errors: list[ManifestError] = []
    for index, (line, chunk) in enumerate(chunks):
        try:
            documents += _read(_Reader(chunk, file, repeated_keys, index, line))
        except ManifestError as error:
            errors.append(error)
    return documents, errors


def _chunks(text: str) -> list[tuple[int, str]]:
    """The text of each document with the number of lines before it, split where YAML splits it."""
    if "\n---" not in text:
        return [(0, text)]
    found: list[tuple[int, list[str]]] = [(0, [])]
    for number, line in enumerate(text.splitlines(keepends=True)):
        if _MARKER.match(line):
            found.append((number, []))
        found[-1][1].append(line)
    first = "".join(found[0][1])
    kept = found[1:] if not _SOMETHING.search(first) else found
    return [(line, "".join(lines)) for line, lines in kept]


def _read(reader: "_Reader") -> list[Document]:
    try:
        return _parsed(reader)
    except ManifestError as error:
        text = reader.text
        error.foreign = not _found(_MANIFEST, ("apiVersion", "kind"), text)
        error.template = error.message.startswith(_NOT_YAML) and _found(_SKELETON, ("{%", "${{"), text)
        if not error.line or not _found(_TEMPLATE, ("{{",), text):
            raise
        told = ManifestError(UNRENDERED, reader.file, error.document, error.line, error.column)
        told.template = True
        raise told from error


def _found(pattern: re.Pattern[str], words: tuple[str, ...], text: str) -> bool:
    """Looking for a word is a hundred times quicker, and files that are all blanks have none of them."""
    return any(word in text for word in words) and pattern.search(text) is not None


def _parsed(reader: "_Reader") -> list[Document]:
    try:
        return list(reader.documents())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + reader.first, mark.column + 1) if mark else (0, 0)
        raise ManifestError(_problem(error), reader.file, max(reader.index, 0), line, column) from error
    except yaml.YAMLError as error:
        message = f"{_NOT_YAML}{error}".splitlines()[0]
        raise ManifestError(message, reader.file, max(reader.index, 0)) from error


def _problem(error: yaml.MarkedYAMLError) -> str:
    said = error.problem or error.context or "unreadable"
    return _NOT_YAML + _PLAINLY.get(said, said)


def _decoded(text: str | bytes, file: str) -> str:
    if isinstance(text, str):
        return text
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        refused = ManifestError("the file is not UTF-8 text", file)
        refused.foreign = b"apiVersion" not in text
        raise refused from error


@dataclass
class _Anchor:
    value: Any
    nodes: int


class _Reader:
    """`index` and `before` are the documents and the lines of the file that come before this text."""

    def __init__(
        self, text: str, file: str, repeated_keys: bool = False, index: int = 0, before: int = 0
    ) -> None:
        self.text = text
        self.file = file
        self.repeated_keys = repeated_keys
        self.index = index - 1
        self.first = before + 1
        self.nodes = 0
        self._next: Callable[[], Event] = yaml.CSafeLoader(text).get_event
        self._anchors: dict[str, _Anchor | None] = {}
        self._positions: dict[Path, tuple[int, int]] = {}

    def documents(self) -> Iterator[Document]:
        while not isinstance(event := self._next(), events.StreamEndEvent):
            if not isinstance(event, events.DocumentStartEvent):
                continue
            self.index += 1
            if self.index >= MAX_DOCUMENTS:
                raise self._refused(f"more than {MAX_DOCUMENTS} documents", event)
            self._anchors, self._positions = {}, {}
            first = self._next()
            data = self._value(first, ())
            if data is not None:
                line = first.start_mark.line + self.first
                yield Document(self.index, line, data, self._positions, self.file)

    def _refused(self, message: str, event: Event) -> ManifestError:
        mark = event.start_mark
        return ManifestError(message, self.file, max(self.index, 0), mark.line + self.first, mark.column + 1)

    def _value(self, event: Event, path: Path) -> Any:
        self.nodes += 1
        if isinstance(event, events.AliasEvent):
            return self._alias(event)
        if self.nodes > MAX_NODES:
            raise self._refused("the file has too many values", event)
        if len(path) > MAX_DEPTH:
            raise self._refused(f"nested more than {MAX_DEPTH} deep", event)
        before = self.nodes
        anchor = getattr(event, "anchor", None)
        if anchor:
            self._anchors[anchor] = None
        value = self._built(event, path)
        if anchor:
            self._anchors[anchor] = _Anchor(value, self.nodes - before + 1)
        return value

    def _built(self, event: Event, path: Path) -> Any:
        if isinstance(event, events.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, events.SequenceStartEvent):
            return self._sequence(path)
        return self._mapping(path)

    def _alias(self, event: Event) -> Any:
        anchor = self._anchors.get(event.anchor)
        if anchor is None:
            reason = "refers to itself" if event.anchor in self._anchors else "was never defined"
            raise self._refused(f"the alias *{event.anchor} {reason}", event)
        self.nodes += anchor.nodes
        if self.nodes > MAX_NODES:
            raise self._refused("aliases make the file expand beyond all measure", event)
        return anchor.value

    def _scalar(self, event: Event) -> Any:
        if event.tag in (None, "!"):
            return plain_value(event.value) if event.implicit[0] and not event.tag else event.value
        if event.tag in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:binary"):
            return event.value
        if event.tag.startswith("tag:yaml.org,2002:"):
            return plain_value(event.value)
        raise self._refused(f"the tag {event.tag} is not known here", event)

    def _sequence(self, path: Path) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := self._next(), events.SequenceEndEvent):
            here = (*path, len(items))
            self._positions[here] = (event.start_mark.line + self.first, event.start_mark.column + 1)
            items.append(self._value(event, here))
        return items

    def _mapping(self, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: list[Any] = []
        while not isinstance(event := self._next(), events.MappingEndEvent):
            key = self._key(event, path)
            if key in result and not self.repeated_keys:
                raise self._refused(f"the key {key!r} is there twice", event)
            here = (*path, key)
            if key == "<<" and getattr(event, "implicit", (False,))[0]:
                merged.append(self._value(self._next(), here))
                continue
            self._positions[here] = (event.start_mark.line + self.first, event.start_mark.column + 1)
            result[key] = self._value(self._next(), here)
        return self._merged(result, merged) if merged else result

    def _key(self, event: Event, path: Path) -> str:
        if not isinstance(event, events.ScalarEvent | events.AliasEvent):
            raise self._refused("a key must be plain text, not a list or a mapping", event)
        value = self._value(event, path)
        if isinstance(value, bool):
            return "true" if value else "false"
        return "null" if value is None else str(value)

    def _merged(self, result: dict[str, Any], merged: list[Any]) -> dict[str, Any]:
        for source in merged:
            for mapping in source if isinstance(source, list) else [source]:
                if not isinstance(mapping, dict):
                    raise ManifestError("<< must name a mapping", self.file, max(self.index, 0))
                for key, value in mapping.items():
                    result.setdefault(key, value)
        return result

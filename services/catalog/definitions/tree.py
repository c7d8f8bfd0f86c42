"""What every kind of definition is turned into: groups of operations, and the shapes they speak of."""

import re
import time
from dataclasses import dataclass, field

MAX_CHARACTERS = 5_000_000
MAX_OPERATIONS = 2_000
MAX_SCHEMAS = 2_000
MAX_ROWS = 30_000
MAX_ROWS_EACH = 400
LONGEST = 4_000
SECONDS = 3.0


class Broken(ValueError):
    """A definition that cannot be read; line and column count from 1, 0 when nobody knows."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Row:
    """One field, parameter or value; `link` is the anchor of the schema its type names."""

    name: str
    type: str = ""
    link: str = ""
    depth: int = 0
    required: bool = False
    deprecated: bool = False
    text: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """What goes in or comes out: parameters, a body, one answer."""

    title: str
    hint: str = ""
    tone: str = ""
    type: str = ""
    link: str = ""
    text: str = ""
    rows: tuple[Row, ...] = ()
    example: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    anchor: str
    verb: str
    name: str
    tone: str = ""
    summary: str = ""
    text: str = ""
    deprecated: bool = False
    facts: tuple[tuple[str, str], ...] = ()
    blocks: tuple[Block, ...] = ()

    def matches(self, words: list[str]) -> bool:
        said = f"{self.verb} {self.name} {self.summary} {self.text}".lower()
        return all(word in said for word in words)


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    anchor: str
    operations: tuple[Operation, ...]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Schema:
    anchor: str
    name: str
    kind: str
    text: str = ""
    rows: tuple[Row, ...] = ()
    example: str = ""

    def matches(self, words: list[str]) -> bool:
        said = f"{self.kind} {self.name} {self.text}".lower()
        return all(word in said for word in words)


@dataclass(frozen=True)
class Definition:
    language: str
    version: str
    title: str
    text: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    groups: tuple[Group, ...] = ()
    schemas: tuple[Schema, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def operations(self) -> int:
        return sum(len(group.operations) for group in self.groups)


@dataclass
class Anchors:
    """Each name's own anchor; equal ones are told apart by a number. `rows` is what may still be drawn.

    Whatever is drawn asks here for its place, so this is where a definition that takes too long is stopped.
    """

    used: dict[str, int] = field(default_factory=dict)
    rows: int = MAX_ROWS
    ends: float = field(default_factory=lambda: time.monotonic() + SECONDS)

    def make(self, *words: str) -> str:
        if time.monotonic() > self.ends:
            raise Broken("it takes too long to draw")
        slug = re.sub(r"[^a-z0-9]+", "-", " ".join(words).lower()[:200]).strip("-")[:80] or "x"
        self.used[slug] = self.used.get(slug, 0) + 1
        return slug if self.used[slug] == 1 else f"{slug}--{self.used[slug]}"

    def spend(self, rows: list[Row]) -> tuple[Row, ...]:
        """As many of the rows as there is room for, with a last one that says what is missing."""
        kept = rows[: max(0, min(MAX_ROWS_EACH, self.rows))]
        self.rows -= len(kept)
        if len(kept) < len(rows):
            kept.append(Row("…", text=f"{len(rows) - len(kept)} more, in the original"))
        return tuple(kept)


def text_of(value: object, most: int = LONGEST) -> str:
    """A text of the definition, cut where it is endless; anything else is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    said = str(value).strip()
    return said if len(said) <= most else said[: most - 1] + "…"

"""What an expression may cost at most, known before it runs: the library has no limit and cannot be stopped.

The unit is about 50 nanoseconds: what the library needs to copy one value. It copies more than one expects:
a field of a field copies what is between, and `map` and `filter` copy their result again for each element.
"""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from services.manifests import pointers

MAX_COST: Final = 2_000_000
MAX_NODES: Final = 200_000
MAX_TEXT: Final = 2_000_000
MAX_DEPTH: Final = 64
STEP: Final = 5  # an operator, a name, the beginning of a round
ENTRY: Final = 3  # the key of a value in a mapping
CALL: Final = 40  # a function of ours, called back
CHARACTER: Final = 20  # a list of characters, the worst that a function makes of a text
SCANNED: Final = 32  # characters looked through in a unit
SCALARS: Final = (int, float, type(None))
OWN_COPY: Final = frozenset(("map", "filter"))

# A raw text knows no escapes: a backslash before its quote is its last character.
_RAW: Final = r"""(?:[bB]?[rR]|[rR][bB])(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"[^"]*"|'[^']*')"""
_ESCAPING: Final = (
    r"""[bB]?(?:\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')"""
)
TEXT: Final = rf"(?P<text>{_RAW}|{_ESCAPING})|(?P<comment>//[^\n]*)"
_MACRO: Final = r"\.\s*(?P<macro>all|exists|exists_one|map|filter)\s*\(\s*(?P<binder>\w*)"
_WORDS: Final = frozenset(("in", "true", "false", "null"))
_NAME: Final = r"(?P<dot>\.\s*)?(?P<name>[A-Za-z_]\w*)(?P<call>\s*\()?"
_TOKEN = re.compile(rf"{TEXT}|{_MACRO}|{_NAME}|(?P<mark>[^\w\s.])", re.DOTALL)


class TooMuch(ValueError):
    """Data too large to begin with."""


@dataclass(frozen=True)
class Size:
    """How much there is: all values and characters; the largest list or map, the longest text."""

    nodes: int = 1
    characters: int = 0
    largest: int = 0

    def __or__(self, other: "Size") -> "Size":
        return Size(
            self.nodes + other.nodes,
            self.characters + other.characters,
            max(self.largest, other.largest),
        )

    def fits(self, other: "Size") -> bool:
        return (
            self.nodes <= other.nodes
            and self.characters <= other.characters
            and self.largest <= other.largest
        )


def size(value: Any) -> Size:
    """Of one variable; refuses what is too large or too deep for any expression."""
    largest = nodes = characters = 0
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        following: list[Any] = []
        for each in level:
            if isinstance(each, str):
                characters += len(each)
            elif isinstance(each, SCALARS):
                continue  # asking them for the abstract class would take most of the time
            elif isinstance(each, pointers.MAPPINGS):
                largest = max(largest, len(each))
                nodes += ENTRY * len(each)
                following.extend(each.values())
            elif isinstance(each, list | tuple):
                largest = max(largest, len(each))
                following.extend(each)
        nodes += len(level)
        if nodes > MAX_NODES or characters > MAX_TEXT:
            raise TooMuch("the data is too large for an expression")
        if not following:
            return Size(nodes, characters, largest)
        level = following
    raise TooMuch("the data is nested too deeply for an expression")


@dataclass
class Loop:
    """A macro, the outermost one or one inside. `within`: it goes through what its outer loop stands at.

    `made`: what it goes through comes from a function that makes lists of texts.
    """

    macro: str
    binder: str
    root: str | None
    outer: "Loop | None"
    within: bool
    made: bool
    reads: list["Use"] = field(default_factory=list)

    def length(self, sizes: "Sizes") -> int:
        """The most elements it meets in one run."""
        seen = sizes.of(None if self.within else self.root)
        return max(seen.largest, seen.characters if self.made else 0, 1)

    def rounds(self, sizes: "Sizes") -> int:
        """How often its body is evaluated, at most."""
        if self.outer is None:
            return self.length(sizes)
        all_of_them = self.outer.rounds(sizes) * self.length(sizes)
        return min(all_of_them, sizes.whole.nodes) if self.within and not self.made else all_of_them

    def elements(self, sizes: "Sizes") -> Size:
        """The size of everything it goes through, all rounds together."""
        seen = sizes.of(None if self.within else self.root)
        times = self.outer.rounds(sizes) if self.outer is not None and not self.within else 1
        nodes = seen.nodes + (seen.characters if self.made else 0)
        return Size(nodes * times, seen.characters * times, seen.largest)


@dataclass(frozen=True)
class Use:
    """A name, a field or a call: of a variable, of the loop's own element, or (None) of whatever is there."""

    root: str | None
    loop: Loop | None
    owner: Loop | None
    call: str = ""


class Sizes:
    """Of the variables there are, and of all of them together."""

    def __init__(self, known: Mapping[str, Size]) -> None:
        self._known: dict[str, Size] = {}
        self.whole = Size(0)
        for name, each in known.items():
            self.add(name, each)

    def add(self, name: str, each: Size) -> None:
        """One more, or one in the place of another."""
        replaced = name in self._known
        self._known[name] = each
        self.whole = functools.reduce(Size.__or__, self._known.values()) if replaced else self.whole | each

    def of(self, name: str | None) -> Size:
        return self._known.get(name, self.whole) if name is not None else self.whole


@dataclass
class Shape:
    """What the text of an expression tells: nesting of brackets and of macros, and each use of data."""

    nesting: int = 0
    macros: int = 0
    joins: int = 0
    uses: list[Use] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)

    def cost(self, sizes: Sizes) -> int:
        """At most, in units."""
        if self._roughly(sizes) <= MAX_COST:
            return 0
        reads = sum(_cost_of(use, sizes) for use in self.uses)
        copies = sum(_copied(loop, sizes) for loop in self.loops)
        return reads * (1 + self.joins) + copies

    def _roughly(self, sizes: Sizes) -> int:
        """Quickly, and never less than the real one."""
        whole, makes = sizes.whole, CHARACTER if self.collects else 1 / SCANNED
        most = max(whole.largest, whole.characters if self.collects else 0, 1)
        each = STEP + CALL + whole.nodes + int(whole.characters * makes)
        rounds: int = most**self.macros
        return len(self.uses) * each * (1 + self.joins + (most if self.loops else 0)) * rounds

    @property
    def collects(self) -> bool:
        return any(use.call in COLLECTING for use in self.uses)


def _cost_of(use: Use, sizes: Sizes) -> int:
    rounds = use.loop.rounds(sizes) if use.loop else 1
    if use.owner is not None:
        inside = use.loop is not None and use.loop is not use.owner
        seen, times = use.owner.elements(sizes), use.loop.length(sizes) if use.loop and inside else 1
    else:
        seen, times = sizes.of(use.root), rounds
    if not use.call:
        return rounds * STEP + times * (seen.nodes + seen.characters // SCANNED)
    if use.root is None and use.owner is None and use.call not in COLLECTING:
        return rounds * CALL  # its arguments are told of by themselves
    makes = CHARACTER if use.call in COLLECTING else 1 / SCANNED
    return rounds * CALL + int(times * (seen.nodes + seen.characters * makes))


def _copied(loop: Loop, sizes: Sizes) -> int:
    """Lists grow by being copied: half of the result for each round."""
    if loop.macro not in OWN_COPY:
        return 0
    content = loop.elements(sizes).nodes
    if loop.macro == "map":
        content += sum(_cost_of(use, sizes) for use in loop.reads)
    return content * loop.length(sizes) // 2


COLLECTING: Final = frozenset(
    ("split", "sort", "flatten", "distinct", "join", "format", "replace", "merge", "pluck", "digest", "slug")
)


@dataclass(frozen=True)
class _Bracket:
    loop: Loop | None
    root: str | None
    owner: Loop | None
    makes: bool = False


class _Reader:
    """Follows the text and its brackets; `root` and `owner` are of the chain (`a.b[0].c`) at hand."""

    def __init__(self) -> None:
        self.shape = Shape()
        self.stack: list[_Bracket] = []
        self.loops: list[Loop] = []
        self.root: str | None = None
        self.owner: Loop | None = None
        self.made = False

    def macro(self, match: re.Match[str]) -> None:
        outer = self.loops[-1] if self.loops else None
        within = self.owner is not None
        loop = Loop(match["macro"], match["binder"], self.root, outer, within, self.made)
        self.shape.loops.append(loop)
        self._open(_Bracket(loop, self.root, self.owner))
        self.loops.append(loop)

    def name(self, match: re.Match[str]) -> None:
        name, called = match["name"], bool(match["call"])
        if name in _WORDS and not match["dot"]:
            self._open(_Bracket(None, None, None)) if called else self._next()
            return
        if not match["dot"]:
            self.owner = next((loop for loop in reversed(self.loops) if loop.binder == name), None)
            self.root = None if called else name
        loop = self.loops[-1] if self.loops else None
        use = Use(self.root, loop, self.owner, name if called else "")
        self.shape.uses.append(use)
        for around in self.loops:
            around.reads.append(use)
        if called:
            self._open(_Bracket(None, self.root, self.owner, name in COLLECTING))

    def mark(self, mark: str) -> None:
        if mark == "[":
            self._open(_Bracket(None, self.root, self.owner))
        elif mark in "({":
            self._open(_Bracket(None, None, None))
        elif mark in ")]}":
            self._close()
        else:
            self.shape.joins += mark == "+"
            self._next()

    def _next(self) -> None:
        self.root = self.owner = None
        self.made = False

    def _open(self, bracket: _Bracket) -> None:
        self.stack.append(bracket)
        self._next()

    def _close(self) -> None:
        bracket = self.stack.pop() if self.stack else _Bracket(None, None, None)
        self.root, self.owner, self.made = bracket.root, bracket.owner, bracket.makes
        if bracket.loop is not None:
            self.loops.pop()


def shape(source: str) -> Shape:
    """Read once; a text that is no expression is refused by the library later."""
    reader = _Reader()
    for match in _TOKEN.finditer(source):
        if match["macro"]:
            reader.macro(match)
        elif match["name"]:
            reader.name(match)
        elif match["mark"]:
            reader.mark(match["mark"])
        reader.shape.nesting = max(reader.shape.nesting, len(reader.stack))
        reader.shape.macros = max(reader.shape.macros, len(reader.loops))
    return reader.shape

"""TOML as rows of settings. Its reader tells no lines, so each is looked for where its key stands."""

import tomllib
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field

from services.catalog.derivation.trees import leaves

AHEAD, SPAN, PARTS = 10, 4_000, 5
MAX_DOTS = 1_000  # in a line: the standard reader takes the square of a key's parts


def rows(content: str) -> list[tuple[str, str, int]] | None:
    """(dotted key, value, line) of everything; None for what is no TOML, or hardly anybody's."""
    if any(line.count(".") > MAX_DOTS for line in content.split("\n")):
        return None
    try:
        data = tomllib.loads(content)
    except (ValueError, RecursionError):
        return None
    places = _Places(content)
    return [(key, value, places.line_of(key, value)) for key, value, _ in leaves(data)]


@dataclass
class _Key:
    """Where a key stands in the text, each time with the end of what is its own, and how far it was read."""

    spans: list[tuple[int, int]] = field(default_factory=list)
    number: int = 0
    place: int = 0

    def find(self, text: str, value: str) -> int:
        """The next place of a value; -1 when it is not near, or written in another way."""
        for number in range(self.number, min(self.number + AHEAD, len(self.spans))):
            start, end = self.spans[number]
            start = max(start, self.place)
            place = text.find(value, start, min(end, start + len(value) + SPAN))
            if place >= 0:
                self.number, self.place = number, place + len(value)
                return place
        return -1


class _Places:
    """The lines of a text's keys; comments are not looked at."""

    def __init__(self, content: str) -> None:
        lines = [line if line.lstrip()[:1] != "#" else "" for line in content.split("\n")]
        self.text = "\n".join(lines)
        self.starts = [0]
        for line in lines:
            self.starts.append(self.starts[-1] + len(line) + 1)
        named = ((start, _head(line)) for line, start in zip(lines, self.starts, strict=False))
        heads = [(start, name) for start, name in named if name]
        ends = [start for start, _ in heads[1:]] + [len(self.text)]
        self.keys: dict[str, _Key] = defaultdict(_Key)
        for (start, name), end in zip(heads, ends, strict=True):
            self.keys[name].spans.append((max(start, self.text.find("=", start, end) + 1), end))

    def line_of(self, key: str, value: str) -> int:
        """The line of a value, else that of its key."""
        known = [self.keys[part] for part in reversed(key.split(".")[-PARTS:]) if part in self.keys]
        found = (place for each in known if (place := each.find(self.text, value)) >= 0)
        return bisect_right(self.starts, next(found, known[0].spans[known[0].number][0] if known else 0))


def _head(line: str) -> str:
    """The last part of the key that a line begins with, or the header of a table in its brackets."""
    bare = line.strip()
    if bare.startswith("[") and bare.endswith("]"):
        return bare
    key, sign, _ = line.partition("=")
    is_key = sign and key.count('"') % 2 == 0 and key.count("'") % 2 == 0
    return key.rpartition(".")[2].strip(" \t\"'") if is_key else ""

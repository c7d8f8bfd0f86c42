"""Patterns over paths: `*` stays within a folder, `**` does not; no pattern takes long."""

import re
from fnmatch import translate

SEPARATOR = "/"
ANY = None


def _segment(part: str) -> re.Pattern[str]:
    return re.compile(translate(part.replace("[", "[[]")))


class Glob:
    """A pattern of path segments, compiled once."""

    def __init__(self, parts: list[str]) -> None:
        self.parts = [ANY if part == "**" else _segment(part) for part in parts]

    def matches(self, path: str) -> bool:
        names = path.split(SEPARATOR)
        at = {0}
        for part in self.parts:
            if part is ANY:
                at = set(range(min(at), len(names) + 1))
            else:
                at = {n + 1 for n in at if n < len(names) and part.match(names[n])}
            if not at:
                return False
        return len(names) in at

"""Locations point at further files: which the same import holds, which not, which go in circles."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from services.catalog.descriptors.globs import Glob
from services.catalog.descriptors.placeholders import NotInside, inside
from services.catalog.descriptors.problems import Found, shown
from services.catalog.descriptors.reading import Path

MAX_TARGETS = 1000
MAX_STEPS = 10_000_000
COMPILED = 300  # steps that reading a pattern is worth
MOST_SHOWN = 20
Step = tuple[str, list[str]]


def targets_of(spec: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    """(path, target) of everything a Location points at."""
    if isinstance(spec.get("target"), str):
        yield ("spec", "target"), spec["target"]
    listed = spec.get("targets")
    for number, target in enumerate(listed[:MAX_TARGETS] if isinstance(listed, list) else ()):
        if isinstance(target, str):
            yield ("spec", "targets", number), target


@dataclass
class Follower:
    """The files of one import as Locations see them; all wildcards together take a bounded time."""

    files: Mapping[str, bytes]
    spent: int = 0
    known: dict[str, list[str]] = field(default_factory=dict)

    def follow(self, descriptor: dict[str, Any], file: str) -> tuple[list[str], list[Found]]:
        """The files that a Location means, and a note for each target that is none of this import."""
        spec = descriptor.get("spec") or {}
        found: dict[str, None] = {}
        notes: list[Found] = []
        for path, target in targets_of(spec):
            try:
                found |= dict.fromkeys(self._meant(target, file))
            except NotInside as reason:
                if spec.get("presence") != "optional":
                    notes.append(Found(path, "location", f"{shown(target)} was not followed: {reason}"))
        return list(found), notes

    def _meant(self, target: str, file: str) -> list[str]:
        path = inside(target, file)
        if "*" in path or "?" in path:
            if path not in self.known:
                self.known[path] = self._matching(path.split("/"))
            if not self.known[path]:
                raise NotInside("no file of this import matches it")
            return self.known[path]
        if path not in self.files:
            raise NotInside("there is no such file in what was imported")
        return [path]

    def _matching(self, parts: list[str]) -> list[str]:
        self.spent += len(parts) * (COMPILED + self.segments)
        if self.spent > MAX_STEPS:
            raise NotInside("this import has too many wildcards")
        pattern = Glob(parts)
        return sorted(name for name in self.files if pattern.matches(name))

    @cached_property
    def segments(self) -> int:
        return sum(name.count("/") + 1 for name in self.files)


def circles(steps: Iterable[Step]) -> dict[str, str]:
    """Files whose Locations lead back to themselves, each with the way it goes; told once per circle."""
    leads: dict[str, list[str]] = {}
    for file, targets in steps:
        leads.setdefault(file, []).extend(targets)
    told: dict[str, str] = {}
    done: set[str] = set()
    for start in leads:
        _walk(start, leads, done, told)
    return told


def _walk(start: str, leads: dict[str, list[str]], done: set[str], told: dict[str, str]) -> None:
    """Depth first without recursion; a file met again on its own way closes a circle."""
    way: list[str] = []
    on_way: set[str] = set()
    waiting = [(start, False)]
    while waiting:
        file, left = waiting.pop()
        if left:
            on_way.discard(way.pop())
            done.add(file)
        elif file in on_way:
            if way[-1] not in told:
                told[way[-1]] = _shown_way([*way[way.index(file) :], file])
        elif file not in done:
            way.append(file)
            on_way.add(file)
            waiting.append((file, True))
            waiting.extend((target, False) for target in leads.get(file, ()))


def _shown_way(way: list[str]) -> str:
    half = MOST_SHOWN // 2
    return " → ".join(way if len(way) <= MOST_SHOWN else [*way[:half], "…", *way[-half:]])

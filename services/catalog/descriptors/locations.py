"""Locations point at further files: which the same import holds, which not, which go in circles."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from services.catalog.descriptors.globs import Glob
from services.catalog.descriptors.placeholders import NotInside, inside
from services.catalog.descriptors.problems import Found, shown
from services.catalog.descriptors.reading import Path

MAX_TARGETS = 1000
Step = tuple[str, list[str]]


def targets_of(spec: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    """(path, target) of everything a Location points at."""
    if isinstance(spec.get("target"), str):
        yield ("spec", "target"), spec["target"]
    listed = spec.get("targets")
    for number, target in enumerate(listed[:MAX_TARGETS] if isinstance(listed, list) else ()):
        if isinstance(target, str):
            yield ("spec", "targets", number), target


def follow(
    descriptor: dict[str, Any], file: str, files: Mapping[str, bytes]
) -> tuple[list[str], list[Found]]:
    """The files of this import that a Location means, and a note for each target that is none of them."""
    spec = descriptor.get("spec") or {}
    found: dict[str, None] = {}
    notes: list[Found] = []
    for path, target in targets_of(spec):
        try:
            found |= dict.fromkeys(_meant(target, file, files))
        except NotInside as reason:
            if spec.get("presence") != "optional":
                notes.append(Found(path, "location", f"{shown(target)} was not followed: {reason}"))
    return list(found), notes


def _meant(target: str, file: str, files: Mapping[str, bytes]) -> list[str]:
    path = inside(target, file)
    if "*" in path or "?" in path:
        pattern = Glob(path.split("/"))
        names = [name for name in files if pattern.matches(name)]
        if not names:
            raise NotInside("no file of this import matches it")
        return sorted(names)
    if path not in files:
        raise NotInside("there is no such file in what was imported")
    return [path]


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
    waiting = [(start, False)]
    while waiting:
        file, left = waiting.pop()
        if left:
            way.pop()
            done.add(file)
        elif file in way:
            told.setdefault(way[-1], " → ".join([*way[way.index(file) :], file]))
        elif file not in done:
            way.append(file)
            waiting.append((file, True))
            waiting.extend((target, False) for target in leads.get(file, ()))

"""Kinds that say how they are in words of their own: `kinds.yaml`, read line by line.

A line is `Health if test and test`; the first line whose tests all hold gives the verdict, and where none
holds the general rule judges. Tests: `status.phase = Ready | Running` (one of these), `!=`, `~` (a regular
expression), `<` and `>` (numbers, on either side a place or a number), `has place`, `no place`, `same place
place` (as many numbers, each equal to its counterpart), and `every place = …`, which wants at least one.
Places are dotted; `[]` goes through a list, `{}` through the values of a mapping, `[type=Ready]` through a
list's entries with that value, `[some.label/key]` to a mapping's key. `[Ready]` alone is short for that
condition's status, `[Ready].reason` for its reason. `behind` holds while `status.observedGeneration` is
older than the object's generation.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args

import yaml

from services.diagnosis.judgement import Health, Status
from services.diagnosis.objects import Object, condition, find, group, kind, number

FILE = Path(__file__).with_name("kinds.yaml")
Test = Callable[[Object], bool]


@dataclass(frozen=True)
class Line:
    health: Status
    tests: tuple[Test, ...]
    about: str  # the condition that the line is about, whose message is told

    def holds(self, obj: Object) -> bool:
        return all(test(obj) for test in self.tests)


def judge(obj: Object) -> Health | None:
    """By its kind's lines; None where there are none, or none holds."""
    for line in lines_for(group(obj), kind(obj)):
        if line.holds(obj):
            return Health(line.health, _message(obj, line))
    return None


def _message(obj: Object, line: Line) -> str:
    said = condition(obj, line.about).get("message") if line.about else None
    return str(said or find(obj, "status.message") or find(obj, "status.reason") or "")


@cache
def lines_for(group_: str, kind_: str) -> tuple[Line, ...]:
    """Those of the kind itself, else of all kinds of its group, else of groups that end alike."""
    table = written()
    parents = group_.split(".")
    above = [f"*.{'.'.join(parents[i:])}" for i in range(1, len(parents))]
    for place in (group_, *above):
        for name in (kind_, "*"):
            if (found := table.get(f"{place}/{name}")) is not None:
                return tuple(map(read_line, found))
    return ()


@cache
def written() -> dict[str, list[str]]:
    """The table as it is: `group/Kind, group/Kind:` and lines; a line is read when its kind is met."""
    with FILE.open(encoding="utf-8") as file:
        table = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  # both are safe
    return {name.strip(): lines for names, lines in table.items() for name in names.split(",")}


class BadLine(ValueError):
    """A line of the table that cannot be read."""


def read_line(text: str) -> Line:
    verdict, _, tests = text.partition(" if ")
    if verdict not in get_args(Status):
        raise BadLine(text)
    parts = [each.strip() for each in tests.split(" and ")] if " if " in text else []
    about = re.match(r"(?:every |has |no )?\[(\w+)\]", parts[0]) if parts else None
    return Line(verdict, tuple(map(read_test, parts)), about[1] if about else "")  # type: ignore[arg-type]  # checked above


def read_test(text: str) -> Test:
    if text == "behind":
        return is_behind
    if text.startswith(("has ", "no ")):
        word, _, place = text.partition(" ")
        return lambda obj: any(_is_there(each) for each in values(obj, place)) is (word == "has")
    if text.startswith("same "):
        one, other = text.split(" ")[1:]
        return lambda obj: list(values(obj, one)) == list(values(obj, other))
    match = re.fullmatch(r"(every )?(\S+) (!=|=|~|<|>) (.+)", text)
    if match is None:
        raise BadLine(text)
    every, place, how, wanted = match.groups()
    if how in "<>":
        return lambda obj: _compared(amount(obj, place), how, amount(obj, wanted))
    matches = _matcher(how, wanted)
    if every:
        return lambda obj: bool(found := list(values(obj, place))) and all(map(matches, found))
    if how == "!=":
        return lambda obj: all(matches(each) for each in values(obj, place))
    return lambda obj: any(map(matches, values(obj, place)))


def is_behind(obj: Object) -> bool:
    seen = find(obj, "status.observedGeneration", 0)
    seen = int(seen) if isinstance(seen, str) and seen.isdigit() else seen
    return isinstance(seen, int) and number(obj, "metadata.generation") > seen


def _is_there(found: Any) -> bool:
    return found is not None and found not in ("", [], {})


def _matcher(how: str, wanted: str) -> Callable[[Any], bool]:
    if how == "~":
        pattern = re.compile(wanted)
        return lambda found: bool(pattern.search(as_text(found)))
    words = {each.strip() for each in wanted.split("|")}
    return lambda found: (as_text(found) in words) is (how == "=")


def as_text(found: Any) -> str:
    return str(found).lower() if isinstance(found, bool) else str(found)


def _compared(one: float, how: str, other: float) -> bool:
    return one < other if how == "<" else one > other


def amount(obj: Object, place: str) -> float:
    """A number as written, else the sum of those in that place."""
    try:
        return float(place)
    except ValueError:
        return float(sum(each for each in values(obj, place) if isinstance(each, int | float)))


@cache
def _steps(place: str) -> tuple[str, ...]:
    if place.startswith("["):
        type_, _, rest = place[1:].partition("]")
        place = f"status.conditions[type={type_}]" + (rest or ".status")
    return tuple(re.findall(r"\[[^\]]*\]|\{\}|[^.\[\]{}]+", place))


def values(obj: Any, place: str) -> Iterator[Any]:
    """Everything in that place, null left out."""
    found = [obj]
    for step in _steps(place):
        found = [each for holder in found for each in _into(holder, step)]
    return (each for each in found if each is not None)


def _into(holder: Any, step: str) -> Iterator[Any]:
    if step.startswith("["):
        key, _, wanted = step[1:-1].partition("=")
        if isinstance(holder, Mapping):
            yield holder.get(key)
            return
        entries = holder if isinstance(holder, list) else []
        yield from (each for each in entries if not key or _carries(each, key, wanted))
    elif isinstance(holder, Mapping):
        yield from holder.values() if step == "{}" else [holder.get(step)]


def _carries(entry: Any, key: str, wanted: str) -> bool:
    return isinstance(entry, Mapping) and as_text(entry.get(key)) == wanted

"""Several blueprints in one request: which there are, and whose answer is whose.

The answers of all parts are one flat mapping. The main part's keep their names, those of another stand
behind its key (`db-storage`); which parts there are is an answer of its own, a list of `key:blueprint`. So a
draft, a correction or a fix carries the parts along wherever it carries answers.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from services.onboarding.blueprints.answers import with_carried
from services.onboarding.blueprints.loader import MAIN
from services.onboarding.blueprints.model import Blueprint, Field

PLAN: Final = "+parts"
MOST: Final = 12
_ENTRY = re.compile(r"([a-z][a-z0-9]{0,15}):([a-z0-9-]{1,63})")
# A connection's own answers: `main-db-on`, `main-db-DATABASE_HOST`.
WIRE = re.compile(r"([a-z][a-z0-9]{0,15})-([a-z][a-z0-9]{0,15})-(on|[A-Za-z_][A-Za-z0-9_]{0,62})")
ON: Final = "on"


@dataclass(frozen=True)
class Part:
    """The main part has the empty key."""

    key: str
    blueprint: Blueprint

    def outer(self, name: str) -> str:
        """A field's name in the whole form; also of a place within it, `config.0.name`."""
        return f"{self.key}-{name}" if self.key else name

    def inner(self, answers: Mapping[str, Any]) -> dict[str, Any]:
        """Its own answers, by its fields' own names."""
        named = ((name, self.outer(name)) for name in self.blueprint.fields)
        return {name: answers[outer] for name, outer in named if outer in answers}

    @property
    def handle(self) -> str:
        return self.key or MAIN


def parts_of(
    blueprint: Blueprint, answers: Mapping[str, Any], known: Mapping[str, Blueprint]
) -> tuple[Part, ...]:
    """The main part and the others in their order; what names no blueprint that joins others is left out."""
    found = {MAIN: Part("", blueprint)}
    for entry in entries(answers):
        key, _, name = entry.partition(":")
        if key not in found and name in known and known[name].joining is not None:
            found[key] = Part(key, known[name])
    return tuple(found.values())[: MOST + 1]


def entries(answers: Mapping[str, Any]) -> list[str]:
    """The plan in the answers, without what is none."""
    said = answers.get(PLAN)
    return [each for each in said if _is_entry(each)] if isinstance(said, list) else []


def _is_entry(value: Any) -> bool:
    return isinstance(value, str) and _ENTRY.fullmatch(value) is not None


def with_part(answers: Mapping[str, Any], blueprint: Blueprint) -> dict[str, Any]:
    """The answers with one more part: `db`, or `db2` beside one that is there."""
    plan = entries(answers)
    if blueprint.joining is None or len(plan) >= MOST:
        return dict(answers)
    taken, key = {each.partition(":")[0] for each in plan}, blueprint.joining.key
    free = next(each for each in (key, *(f"{key}{n}" for n in range(2, MOST + 2))) if each not in taken)
    return {**answers, PLAN: [*plan, f"{free}:{blueprint.name}"]}


def without_part(answers: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The answers without a part, and without what was said about it."""
    plan = [each for each in entries(answers) if each.partition(":")[0] != key]
    kept = {name: value for name, value in answers.items() if not _concerns(name, key)}
    return {**kept, PLAN: plan} if plan else {name: kept[name] for name in kept if name != PLAN}


def _concerns(name: str, key: str) -> bool:
    wire = WIRE.fullmatch(name)
    return name.startswith(f"{key}-") or (wire is not None and key in wire.group(1, 2))


def fields_of(parts: Iterable[Part]) -> dict[str, Field]:
    """Every field of the whole form, by its name there."""
    return {
        part.outer(name): replace(field, name=part.outer(name))
        for part in parts
        for name, field in part.blueprint.fields.items()
    }


def with_changes(
    parts: Iterable[Part], answers: Mapping[str, Any], changes: Mapping[str, Any]
) -> dict[str, Any]:
    """The answers with a fix in them, each part's with what goes with it."""
    result = dict(answers)
    for part in parts:
        own = part.inner(changes)
        found = with_carried(part.blueprint, part.inner(answers), own) if own else {}
        result |= {part.outer(name): value for name, value in found.items()}
    return result

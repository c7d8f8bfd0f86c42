"""What a plan says about each entity it changes: field by field, before and after."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from services.catalog.descriptors.problems import dotted, short
from services.catalog.importing import planning
from services.catalog.models import Entity

MOST_ENTITIES, MOST_FIELDS = 200, 20
Path = tuple[str | int, ...]


def told(changes: Sequence[planning.Change], payload: list[dict[str, Any]]) -> list[planning.Change]:
    """The changes with the fields of those that alter what is there; of the first few hundred of them."""
    altered = [c for c in changes if c.action in (planning.CHANGED, planning.RENAMED)][:MOST_ENTITIES]
    if not altered:
        return list(changes)
    rows = Entity.objects.filter(ref__any_of=[c.was or c.ref for c in altered]).defer("search")
    before = {entity.ref: entity.descriptor for entity in rows}
    after = {item["ref"]: item["descriptor"] for item in payload}
    fields = {c.ref: fields_of(before.get(c.was or c.ref, {}), after[c.ref]) for c in altered}
    return [replace(c, fields=fields.get(c.ref, ())) for c in changes]


def kept(said: list[dict[str, Any]], changes: list[planning.Change]) -> list[planning.Change]:
    """The changes of a plan that is applied, with the fields the plan told of."""
    fields = {row["ref"]: tuple(row.get("fields", ())) for row in said}
    return [replace(c, fields=c.fields or fields.get(c.ref, ())) for c in changes]


def fields_of(before: Any, after: Any) -> tuple[dict[str, Any], ...]:
    """Every field that differs, as text; the last row says so when there are more."""
    found: list[dict[str, Any]] = []
    for path, old, new in _walk(before, after, ()):
        if len(found) == MOST_FIELDS:
            found.append({"field": "…", "old": "", "new": "more fields differ"})
            break
        found.append({"field": dotted(path), "old": _shown(old), "new": _shown(new)})
    return tuple(found)


def _walk(old: Any, new: Any, path: Path) -> Iterator[tuple[Path, Any, Any]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from _walk(old.get(key), new.get(key), (*path, key))
    elif old != new:
        yield path, old, new


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return short(value if isinstance(value, str) else repr(value))[:200]

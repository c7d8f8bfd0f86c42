"""`fields`: only these parts of each entity."""

from collections.abc import Sequence
from typing import Any

from portal.shell.api import ApiError

Fields = Sequence[str]


def checked(fields: Fields) -> Fields:
    for field in fields:
        if "[" in field:
            raise ApiError(f"fields cannot reach into lists: {field[:100]}")
    return fields


def only(entity: dict[str, Any], fields: Fields) -> dict[str, Any]:
    """The parts that are named; all of it where none is."""
    if not fields:
        return entity
    found: dict[str, Any] = {}
    for field in fields:
        path = _resolve(entity, field)
        if path is not None:
            _put(found, path, entity)
    return found


def wants(fields: Fields, part: str) -> bool:
    """Whether anything of a part is shown."""
    return not fields or any(field == part or field.startswith(f"{part}.") for field in fields)


def _resolve(value: Any, field: str) -> list[str] | None:
    """The keys a dotted name stands for: the longest key that fits first, for keys may have dots."""
    if not isinstance(value, dict):
        return None
    if field in value:
        return [field]
    cut = field.rfind(".")
    while cut > 0:
        if field[:cut] in value:
            rest = _resolve(value[field[:cut]], field[cut + 1 :])
            return None if rest is None else [field[:cut], *rest]
        cut = field.rfind(".", 0, cut)
    return None


def _put(found: dict[str, Any], path: list[str], entity: dict[str, Any]) -> None:
    here: Any = entity
    for key in path[:-1]:
        here, found = here[key], found.setdefault(key, {})
    found[path[-1]] = here[path[-1]]

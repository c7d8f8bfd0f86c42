"""Parsed documents: merge keys, leaves with their lines, and safe looks into what may have any shape."""

from collections.abc import Callable, Iterator
from typing import Any

from services.catalog.descriptors.reading import Path

MAX_LEAVES, MAX_KEY = 20_000, 1_000
MAX_MERGES = 40
Line = Callable[[Path], int]


def mapping(holder: Any, *keys: str) -> dict[str, Any]:
    """The mapping at a path, or an empty one."""
    for key in keys:
        holder = holder.get(key) if isinstance(holder, dict) else None
    return holder if isinstance(holder, dict) else {}


def listed(holder: Any, *keys: str) -> list[Any]:
    """The list at a path, or an empty one."""
    found = mapping(holder, *keys[:-1]).get(keys[-1]) if keys else holder
    return found if isinstance(found, list) else []


def numbered(holder: Any, *keys: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The mappings in the list at a path, with their places."""
    return ((number, each) for number, each in enumerate(listed(holder, *keys)) if isinstance(each, dict))


def text(holder: Any, key: str) -> str:
    """A scalar of a mapping as text; nothing for anything else."""
    return plain(holder.get(key)) if isinstance(holder, dict) else ""


def plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (str, int, float)) else ""


def texts(holder: Any, *keys: str) -> dict[str, str]:
    """The text entries of the mapping at a path."""
    return {key: value for key, value in mapping(holder, *keys).items() if isinstance(value, str)}


def merged(value: Any, depth: int = 0) -> Any:
    """A tree with its `<<` keys carried out, as compose files use them."""
    if depth > MAX_MERGES:
        return value
    if isinstance(value, list):
        return [merged(each, depth + 1) for each in value] if _has_merge(value) else value
    if not isinstance(value, dict):
        return value
    base: dict[str, Any] = {}
    bases = value.get("<<")
    for each in bases if isinstance(bases, list) else [bases]:
        if isinstance(each, dict):
            base = {**merged(each, depth + 1), **base}
    return {**base, **{key: merged(each, depth + 1) for key, each in value.items() if key != "<<"}}


def _has_merge(items: list[Any]) -> bool:
    return any(isinstance(each, (dict, list)) for each in items)


def leaves(data: Any, line: Line | None = None) -> Iterator[tuple[str, str, int]]:
    """(dotted key, text, line) of every scalar; list places are left out of the key."""
    waiting: list[tuple[str, Path, Any]] = [("", (), data)]
    seen = 0
    while waiting and seen < MAX_LEAVES:
        key, path, value = waiting.pop()
        seen += 1
        if isinstance(value, dict):
            waiting += [
                ((f"{key}.{name}" if key else str(name))[:MAX_KEY], (*path, name), each)
                for name, each in reversed(value.items())
            ]
        elif isinstance(value, list):
            waiting += [(key, (*path, number), value[number]) for number in reversed(range(len(value)))]
        elif found := plain(value):
            yield key, found, line(path) if line else 1

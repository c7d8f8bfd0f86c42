"""Places inside an object: `spec.containers[0].image`, `metadata.labels["app.kubernetes.io/name"]`."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

Path = tuple[str | int, ...]
MAPPINGS = (dict, Mapping)  # in this order: asking the abstract class takes longer

_PLAIN = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*\Z")
_TOKEN = re.compile(r'\.?([A-Za-z_$][A-Za-z0-9_$-]*)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]')


def text(path: Sequence[str | int]) -> str:
    """Write a path the way people read it; `parse` reads it back."""
    return "".join(_step(part) for part in path).removeprefix(".")


def _step(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    if _PLAIN.match(part):
        return f".{part}"
    return '["' + part.replace("\\", "\\\\").replace('"', '\\"') + '"]'


def parse(pointer: str) -> Path:
    """Refuses with ValueError what `text` would not have written."""
    parts: list[str | int] = []
    at = 0
    while at < len(pointer):
        token = _TOKEN.match(pointer, at)
        if token is None:
            raise ValueError(f"not a path: {pointer!r}")
        name, index, key = token.groups()
        parts.append(int(index) if index else name or re.sub(r"\\(.)", r"\1", key))
        at = token.end()
    return tuple(parts)


def find(data: Any, path: Sequence[str | int], default: Any = None) -> Any:
    """What stands at the path, or the default where nothing does."""
    for part in path:
        if isinstance(data, dict):
            if part not in data:
                return default
        elif not _has(data, part):
            return default
        data = data[part]
    return data


def mapping(data: Any, path: Sequence[str | int]) -> Mapping[str, Any]:
    """The mapping at the path; an empty one where there is none, or something else."""
    found = find(data, path)
    return found if isinstance(found, Mapping) else {}


def _has(data: Any, part: str | int) -> bool:
    if isinstance(data, list):
        return isinstance(part, int) and part < len(data)
    return isinstance(data, Mapping) and part in data


def with_value(data: Any, path: Sequence[str | int], value: Any) -> Any:
    """A copy with `value` at the path; missing mappings on the way are made. Only the way there is copied."""
    if not path:
        return value
    part, rest = path[0], path[1:]
    if isinstance(part, int):
        copy = list(data) if isinstance(data, list) else []
        copy.extend([None] * (part + 1 - len(copy)))
        copy[part] = with_value(copy[part], rest, value)
        return copy
    mapping = dict(data) if isinstance(data, Mapping) else {}
    mapping[part] = with_value(mapping.get(part), rest, value)
    return mapping

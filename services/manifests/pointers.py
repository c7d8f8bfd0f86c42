"""Places inside an object: `spec.containers[0].image`, `metadata.labels["app.kubernetes.io/name"]`."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.manifests.reader import Path, join_path, split_path

__all__ = ["Path", "find", "parse", "text", "with_value"]

text, parse = join_path, split_path


def find(data: Any, path: Sequence[str | int], default: Any = None) -> Any:
    """What stands at the path, or the default where nothing does."""
    for part in path:
        known = part in data if isinstance(data, Mapping) else _in_list(data, part)
        if not known:
            return default
        data = data[part]
    return data


def _in_list(data: Any, part: str | int) -> bool:
    return isinstance(data, list) and isinstance(part, int) and part < len(data)


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

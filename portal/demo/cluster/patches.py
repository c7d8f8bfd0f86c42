"""The ways to say a change: a merge, a strategic merge, a list of operations."""

import copy
from collections.abc import Callable
from typing import Any

from portal.demo.cluster.fields import Fields, Path
from portal.demo.cluster.status import ApiError

Patch = Callable[[Any, Any], Any]


def merge(live: Any, patch: Any) -> Any:
    """RFC 7396: null removes, maps merge, all else replaces."""
    if not isinstance(patch, dict):
        return patch
    return _merged(live, patch, lambda key, before, value: merge(before, value))


def strategic(live: Any, patch: Any, path: Path = ()) -> Any:
    """As a merge, but lists of things with a key merge item by item; `$patch: delete` takes one out."""
    if isinstance(patch, list):
        return _items(live, patch, path)
    if not isinstance(patch, dict):
        return patch
    return _merged(live, patch, lambda key, before, value: strategic(before, value, (*path, f"f:{key}")))


def _merged(live: Any, patch: dict[str, Any], below: Callable[[str, Any, Any], Any]) -> dict[str, Any]:
    merged = dict(live) if isinstance(live, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = below(key, merged.get(key), value)
    return merged


def _items(live: Any, patch: list[Any], path: Path) -> Any:
    fields = Fields(keyed=True)
    after = fields.children(patch, path)
    if after is None or not isinstance(live, list):
        return patch
    found = dict(fields.children(live, path) or [])
    for step, item in after:
        if isinstance(item, dict) and item.get("$patch") == "delete":
            found.pop(step, None)
        else:
            found[step] = strategic(found.get(step), item, (*path, step))
    return list(found.values())


def operations(live: Any, patch: Any) -> Any:
    """RFC 6902. Refuses with 422 what cannot be done, as a whole."""
    if not isinstance(patch, list):
        raise ApiError(400, "a JSON patch is a list of operations")
    changed = copy.deepcopy(live)
    try:
        for operation in patch:
            changed = _operate(changed, operation)
    except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
        raise ApiError(422, "the server rejected our request due to an error in our request") from error
    return changed


def _operate(obj: Any, operation: Any) -> Any:
    path, value = _steps(operation["path"]), operation.get("value")
    match operation["op"]:
        case "test":
            if _find(obj, path) != value:
                raise ValueError(path)
        case "remove":
            _take(obj, path)
        case "replace":
            _take(obj, path)
            _put(obj, path, value)
        case "add":
            _put(obj, path, value)
        case "move":
            _put(obj, path, _take(obj, _steps(operation["from"])))
        case "copy":
            _put(obj, path, copy.deepcopy(_find(obj, _steps(operation["from"]))))
        case other:
            raise ValueError(other)
    return obj


def _steps(pointer: str) -> list[str]:
    if not pointer.startswith("/"):
        raise ValueError(pointer)
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/")]


def _find(here: Any, steps: list[str]) -> Any:
    for step in steps:
        here = here[int(step)] if isinstance(here, list) else here[step]
    return here


def _take(obj: Any, steps: list[str]) -> Any:
    parent = _find(obj, steps[:-1])
    return parent.pop(int(steps[-1]) if isinstance(parent, list) else steps[-1])


def _put(obj: Any, steps: list[str], value: Any) -> None:
    parent, last = _find(obj, steps[:-1]), steps[-1]
    if not isinstance(parent, list):
        parent[last] = value
    elif last == "-":
        parent.append(value)
    else:
        if not 0 <= int(last) <= len(parent):
            raise IndexError(last)
        parent.insert(int(last), value)

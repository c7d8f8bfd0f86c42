"""Objects against the published schemas of their kinds: what an API server cannot even read.

Server-side apply refuses a field it does not know; an ordinary write drops it, or refuses it when asked to.
"""

import copy
from typing import Any

from portal.demo.cluster.custom import Schema
from portal.demo.cluster.kinds import Kind
from portal.demo.cluster.status import ApiError
from services.manifests import schema as published

Object = dict[str, Any]
VERSION = "1.33"
UNTYPED = "failed to create typed patch object"


def check_apply(kind: Kind, obj: Object, own: Schema | None) -> None:
    """Refuses with 500, for that is what API servers answer, what does not fit the schema's types."""
    if own:
        if unknown := own.unknown(obj):
            raise ApiError(500, f"{UNTYPED}: {unknown}: field not declared in schema")
        wrong = [field for field, text in own.problems(obj) if "is not of type" in text]
        if wrong:
            raise ApiError(500, f"{UNTYPED}: .{wrong[0]}: expected another type")
    for rule, path in _misfits(kind, obj):
        said = "field not declared in schema" if rule == "unknown-field" else "expected another type"
        raise ApiError(500, f"{UNTYPED}: {_shown(path)}: {said}")


def read(kind: Kind, obj: Object, *, strict: bool) -> Object:
    """`obj` as a server reads it. Refuses with 400 a wrong type and, if strict, an unknown field."""
    kept = obj
    for rule, path in _misfits(kind, obj):
        if rule == "wrong-type":
            version = kind.api_version.rpartition("/")[2]
            said = f'{kind.kind} in version "{version}" cannot be handled as a {kind.kind}'
            raise ApiError(400, f"{said}: {_shown(path)}: another type is expected")
        if strict:
            raise ApiError(400, f'strict decoding error: unknown field "{_shown(path)[1:]}"')
        kept = copy.deepcopy(kept) if kept is obj else kept
        _drop(kept, path)
    return kept


def _misfits(kind: Kind, obj: Object) -> list[tuple[str, tuple[Any, ...]]]:
    if not kind.builtin:
        return []
    written = {key: value for key, value in obj.items() if key != "status"}  # by controllers, not by people
    found = published.validate(written, VERSION).errors
    return [(error.rule, error.path) for error in found if error.rule in ("wrong-type", "unknown-field")]


def _drop(obj: Any, path: tuple[Any, ...]) -> None:
    for step in path[:-1]:
        obj = obj[step]
    obj.pop(path[-1], None)


def _shown(path: tuple[Any, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)

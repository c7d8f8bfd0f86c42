"""What a cluster answers, held against what it must be: an object, a page of a list, an event."""

from typing import Any

from services.integrations.kube import errors, transport
from services.integrations.kube.objects import Json, WatchEvent, complaint, shown


def mapping(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> list[Json]:
    """The mappings of a list; of anything else none."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def whole(obj: Json, *, mutating: bool) -> Json:
    """The answer itself when it is an object; a page that says "ok" is none."""
    if bad := complaint(obj):
        raise errors.Malformed(f"The cluster's answer is not an object: {bad}.", outcome_unknown=mutating)
    return obj


def page(answer: Json) -> Json:
    """The answer itself when it is a list; another must not pass for an empty one."""
    items = answer.get("items", "")
    if not isinstance(items, list | None) or not str(answer.get("kind") or "").endswith("List"):
        raise errors.Malformed("The cluster's answer is not a list.")
    return answer


def _named(item: Json, api_version: str, kind: str) -> Json:
    """Items of a list do not say what they are; partial ones say only that."""
    return shown(item | {"apiVersion": api_version, "kind": kind})


def sorted_out(items: list[Any] | None, api_version: str, kind: str) -> tuple[list[Json], list[str]]:
    """The objects of a page, and what is wrong with each item that is none."""
    found = items or []
    complaints = [complaint(item) for item in found]
    good = [_named(item, api_version, kind) for item, bad in zip(found, complaints, strict=True) if not bad]
    return good, [bad for bad in complaints if bad]


def event(line: bytes, api_version: str, kind: str) -> WatchEvent:
    told = transport.parsed(line)
    if not isinstance(told, dict):
        return WatchEvent("MALFORMED", reason="a line is not a JSON object")
    obj = told.get("object")
    if told.get("type") == "ERROR":
        status = mapping(obj)
        code = status.get("code")
        raise errors.from_status(
            code if isinstance(code, int) else 500, status, mutating=False, secret=kind == "Secret"
        )
    if told.get("type") == "BOOKMARK" and isinstance(obj, dict) and isinstance(obj.get("metadata"), dict):
        return WatchEvent("BOOKMARK", obj)
    bad = complaint(obj)
    if bad or told.get("type") not in ("ADDED", "MODIFIED", "DELETED"):
        return WatchEvent("MALFORMED", reason=bad or "an event has no known type")
    return WatchEvent(str(told["type"]), _named(mapping(obj), api_version, kind))

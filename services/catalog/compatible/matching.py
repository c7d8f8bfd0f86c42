"""Predicates over plain rows, for what is few enough to be looked through: locations."""

from typing import Any, Final

from django.core import signing

from portal.shell.api import ApiError
from services.catalog.compatible.facts import as_text

SALT: Final = "catalog.locations"
DEEPEST: Final = 20
Row = dict[str, Any]


def paged(given: dict[str, Any]) -> tuple[Any, int]:
    """The query and where its page begins, from a body or the cursor in it."""
    if not given.get("cursor"):
        return given.get("query", {}), 0
    try:
        query, at = signing.loads(str(given["cursor"]), salt=SALT)
    except (signing.BadSignature, ValueError) as error:
        raise ApiError("Malformed cursor, could not be decoded.") from error
    return query, at


def cursor(query: Any, at: int) -> str:
    return signing.dumps([query, at], salt=SALT, compress=True)


def holds(query: Any, row: Row, depth: int = 0) -> bool:
    """Whether a row is let through. Refuses what is no query."""
    if not isinstance(query, dict) or depth > DEEPEST:
        raise ApiError(f"A query is an object, at most {DEEPEST} deep.")
    found = [_part(key, value, row, depth) for key, value in query.items()]
    return all(found)


def _part(key: str, value: Any, row: Row, depth: int) -> bool:
    if key in ("$all", "$any") and isinstance(value, list):
        found = [holds(each, row, depth + 1) for each in value]
        return all(found) if key == "$all" else any(found)
    if key == "$not":
        return not holds(value, row, depth + 1)
    if key.startswith("$"):
        raise ApiError(f"{key[:20]} is none of $all and $any with a list, $not with a query.")
    return _value(_low(row.get(key)), value)


def _value(said: str, wanted: Any) -> bool:
    if not isinstance(wanted, dict):
        return said == _low(wanted)
    if set(wanted) == {"$exists"}:
        return bool(said) == bool(wanted["$exists"])
    if set(wanted) == {"$in"} and isinstance(wanted["$in"], list):
        return said in [_low(each) for each in wanted["$in"]]
    if set(wanted) == {"$hasPrefix"}:
        return said.startswith(_low(wanted["$hasPrefix"]))
    raise ApiError("A value is asked for by itself, or by $exists, $in or $hasPrefix.")


def _low(value: Any) -> str:
    return (as_text(value) or "").lower()

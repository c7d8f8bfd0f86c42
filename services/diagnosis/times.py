"""Times as the API writes them; the time of a picture is the latest that it tells of."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any


def parse(written: object) -> datetime | None:
    """None for what is no time."""
    try:
        found = datetime.fromisoformat(str(written))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def span(written: object) -> timedelta | None:
    """`1h30m`, as Go writes how long something lasts; None for what is not written so, or is nothing."""
    parts = _SPAN.findall(str(written))
    if not parts or "".join(f"{count}{unit}" for count, unit in parts) != str(written):
        return None
    return timedelta(seconds=sum(float(count) * _UNITS[unit] for count, unit in parts)) or None


def latest(objects: Iterable[Mapping[str, Any]]) -> datetime | None:
    """When a dump was made, or soon before: nothing here asks a clock."""
    return max((each for obj in objects for each in _times(obj)), default=None)


def _times(obj: Mapping[str, Any]) -> Iterator[datetime]:
    status = obj.get("status") if isinstance(obj.get("status"), Mapping) else {}
    given = [
        obj.get("lastTimestamp"),
        obj.get("eventTime"),
        (obj.get("metadata") or {}).get("creationTimestamp"),
    ]
    for each in (status or {}).get("conditions") or []:
        if isinstance(each, Mapping):
            given += [each.get(key) for key in ("lastTransitionTime", "lastUpdateTime", "lastHeartbeatTime")]
    return (found for each in given if each and (found := parse(each)))

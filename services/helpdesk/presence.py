"""Who looks at a ticket now, and who writes: kept for some seconds in the cache, nowhere else."""

import time
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache

SECONDS = 25


@dataclass(frozen=True)
class Present:
    name: str
    writes: bool


def seen(ticket: int, person: Any, *, writes: bool) -> list[Present]:
    """Note that somebody looks at it, and say who else does, those who write first.

    Two who arrive at the same moment may miss each other until they are noted again, seconds later.
    """
    key, now = f"helpdesk:present:{ticket}", time.time()
    found: dict[int, tuple[str, bool, float]] = cache.get(key) or {}
    found = {pk: row for pk, row in found.items() if now - row[2] < SECONDS}
    found[person.pk] = (person.get_short_name(), writes, now)
    cache.set(key, found, SECONDS)
    others = [Present(name, typing) for pk, (name, typing, _) in found.items() if pk != person.pk]
    return sorted(others, key=lambda one: (not one.writes, one.name))

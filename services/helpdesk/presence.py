"""Who looks at a ticket now, and who writes: kept for some seconds in Redis, nowhere else."""

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from portal.shell import shared

if TYPE_CHECKING:
    import redis

SECONDS = 25


@dataclass(frozen=True)
class Present:
    name: str
    writes: bool


def seen(ticket: int, person: Any, *, writes: bool) -> list[Present]:
    """Note that somebody looks at it, and say who else does, those who write first; nobody without Redis."""
    key, now = f"slipway:present:{ticket}", time.time()
    mine = json.dumps([person.get_short_name(), writes, now])

    def note(client: "redis.Redis") -> dict[bytes, bytes]:
        with client.pipeline(transaction=False) as pipe:
            pipe.hset(key, str(person.pk), mine)
            pipe.expire(key, SECONDS)
            pipe.hgetall(key)
            found: dict[bytes, bytes] = pipe.execute()[-1]
            return found

    rows = {int(pk): json.loads(row) for pk, row in (shared.ask(note) or {}).items()}
    others = [
        Present(name, typing)
        for pk, (name, typing, at) in rows.items()
        if pk != person.pk and now - at < SECONDS
    ]
    return sorted(others, key=lambda one: (not one.writes, one.name))

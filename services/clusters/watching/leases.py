"""Which watcher watches which cluster: leases in the database, by its clock.

Every watcher takes its share and renews what it holds; what one that is gone held is free when its leases
run out. Whoever writes asks in the same transaction whether the lease is still its own (`confirm`), and
nobody can take it over until that transaction ends: two watchers never write of the same cluster.
"""

import math
import os
import secrets
import socket
import time
from collections.abc import Iterable

from django.db import connection, transaction

CLUSTER, WATCHER = "cluster:", "watcher:"
_TAKE = """
    INSERT INTO clusters_lease (name, holder, until)
    SELECT name, %(me)s, clock_timestamp() + %(length)s * interval '1 second'
    FROM unnest(%(names)s::varchar[]) AS name ORDER BY name
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
    WHERE clusters_lease.holder = excluded.holder OR clusters_lease.until < clock_timestamp()
    RETURNING name
"""
_KNOWN = "SELECT name, holder FROM clusters_lease WHERE until >= clock_timestamp()"
_CONFIRM = """
    SELECT name FROM clusters_lease
    WHERE name = ANY(%(names)s) AND holder = %(me)s AND until >= clock_timestamp() ORDER BY name FOR SHARE
"""
_LEAVE = "DELETE FROM clusters_lease WHERE holder = %(me)s AND name = ANY(%(names)s)"
_FORGET = "DELETE FROM clusters_lease WHERE until < clock_timestamp() - interval '1 hour'"


class Leases:
    """One watcher's leases; each lasts `length` seconds and is renewed three times within them."""

    def __init__(self, length: float = 10.0, me: str = "") -> None:
        self.length = length
        self.me = me or f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(3)}"
        self.held: set[int] = set()
        self._until = 0.0

    @property
    def every(self) -> float:
        return self.length / 3

    @property
    def is_over(self) -> bool:
        """Whether, by our own clock, all may be somebody else's by now."""
        return time.monotonic() >= self._until

    def turn(self, clusters: Iterable[int]) -> set[int]:
        """Renew, let go what is more than our share, take what is free: the clusters to watch from now on."""
        began, wanted = time.monotonic(), sorted(clusters)
        with transaction.atomic():
            self._take([f"{WATCHER}{self.me}"])
            known = self._known()
            mine = [pk for pk in wanted if known.get(f"{CLUSTER}{pk}") == self.me]
            share = math.ceil(len(wanted) / max(1, sum(name.startswith(WATCHER) for name in known)))
            surplus = mine[share:]
            self._leave([f"{CLUSTER}{pk}" for pk in surplus])
            free = [pk for pk in wanted if f"{CLUSTER}{pk}" not in known]
            mine = [*mine[:share], *free[: max(0, share - len(mine))]]
            taken = self._take([f"{CLUSTER}{pk}" for pk in mine])
        self.held = {int(name.removeprefix(CLUSTER)) for name in taken}
        self._until = began + self.length
        return self.held

    def confirm(self, clusters: Iterable[int]) -> set[int]:
        """Those of them that are ours until this transaction ends."""
        names = [f"{CLUSTER}{pk}" for pk in clusters]
        rows = self._ask(_CONFIRM, names=names) if names and not self.is_over else []
        return {int(str(name).removeprefix(CLUSTER)) for (name,) in rows}

    def leave(self) -> None:
        """Let all go at once, so that nobody has to wait."""
        with transaction.atomic():
            self._leave([f"{WATCHER}{self.me}", *(f"{CLUSTER}{pk}" for pk in self.held)])
        self.held, self._until = set(), 0.0

    def forget(self) -> None:
        """Take away what ran out long ago."""
        with connection.cursor() as cursor:
            cursor.execute(_FORGET)

    def _known(self) -> dict[str, str]:
        return {str(name): str(holder) for name, holder in self._ask(_KNOWN)}

    def _take(self, names: list[str]) -> list[str]:
        return [str(name) for (name,) in self._ask(_TAKE, names=names, length=self.length)]

    def _leave(self, names: list[str]) -> None:
        if names:
            with connection.cursor() as cursor:
                cursor.execute(_LEAVE, {"names": names, "me": self.me})

    def _ask(self, statement: str, **values: list[str] | float) -> list[tuple[object, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement, {**values, "me": self.me})
            return list(cursor.fetchall())

"""Migrating under load: wait for a lock only briefly, let the pages pass, and try again.

A migration that waits for its lock makes every page behind it wait too; so it gives up after `lock_seconds`.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection
from psycopg import errors

# Any number nobody else locks in this database: one migration at a time.
LOCK = 0x51_19_7A_02


def patiently(
    work: Callable[[], object],
    *,
    say: Callable[[str], None],
    attempts: int = 30,
    lock_seconds: float = 2.0,
    pause: float = 3.0,
) -> None:
    """Run `work` until it gets its locks. Raises the last `OperationalError` after `attempts`.

    What was applied before a lock was missed stays applied; `work` goes on from there.
    """
    for attempt in range(1, attempts + 1):
        try:
            with _alone(lock_seconds):
                work()
        except OperationalError as error:
            if not isinstance(error.__cause__, errors.LockNotAvailable) or attempt == attempts:
                raise
            say(f"Somebody holds a lock (attempt {attempt} of {attempts}); trying again in {pause:g} s.")
            time.sleep(pause)
        else:
            return


@contextmanager
def _alone(lock_seconds: float) -> Iterator[None]:
    """This session waits for locks briefly, its statements may take long, nobody migrates beside it."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = %s", [f"{int(lock_seconds * 1000)}ms"])
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SET idle_in_transaction_session_timeout = 0")
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_all()")
            for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"):
                cursor.execute(f"RESET {name}")

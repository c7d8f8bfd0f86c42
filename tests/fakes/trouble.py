"""Ways to make trouble: several threads at once, and a process that dies in the middle."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connection, connections

DIED = 9


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """What each of `count` threads got, or the exception it ended with; all start together."""
    barrier = Barrier(count)

    def run(number: int) -> Any:
        barrier.wait()
        try:
            return work(number)
        except Exception as error:  # what it is, the test asserts
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def in_a_process_that_dies(work: Callable[[], Any]) -> None:
    """Runs `work` in a forked process, which has to end by `die`, as if killed: no rollback, no cleanup."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == DIED


def die() -> None:
    os._exit(DIED)


def die_at(step: str) -> Callable[[str], None]:
    return lambda here: die() if here == step else None

"""Losing a deadlock is nobody's fault: PostgreSQL has undone everything, so the whole of it is done again."""

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import structlog
from django.db import OperationalError, connection
from psycopg import errors

log = structlog.get_logger(__name__)

TRIES = 3
FIRST_WAIT = 0.05
P = ParamSpec("P")
T = TypeVar("T")


def again_when_lost(action: Callable[P, T]) -> Callable[P, T]:
    """Do an action again, three times in all, after a deadlock or a serialization failure.

    Inside a transaction of the caller's it is the caller's to do again: the error is passed on.
    """

    @wraps(action)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        for attempt in range(1, TRIES):
            try:
                return action(*args, **kwargs)
            except OperationalError as error:
                if connection.in_atomic_block or not _lost(error):
                    raise
                log.warning("action.lost", action=action.__name__, attempt=attempt, error=str(error))
            time.sleep(FIRST_WAIT * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311  # jitter, not a secret
        return action(*args, **kwargs)

    return run


def _lost(error: OperationalError) -> bool:
    return isinstance(error.__cause__, errors.DeadlockDetected | errors.SerializationFailure)

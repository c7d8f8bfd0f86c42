"""What all processes know for a while: kept in Redis, and worth no waiting."""

import threading
import time
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Final, TypeVar

import structlog
from django.conf import settings

if TYPE_CHECKING:
    import redis

log = structlog.get_logger()
PATIENCE: Final = 0.25  # seconds a page waits for Redis
REST: Final = 5.0  # seconds a Redis that did not answer is left alone
T = TypeVar("T")

_resting: dict[str, float] = {}
_making = threading.Lock()


def ask(question: "Callable[[redis.Redis], T]") -> T | None:
    """What Redis answers; None when it does not, which then rests a while."""
    import redis  # 20 MB that most processes never need

    if time.monotonic() < _resting.get(settings.REDIS_URL, 0):
        return None
    try:
        with _making:  # two clients made at once would be one too many: its end closes connections in use
            client = _client(settings.REDIS_URL)
        return question(client)
    except redis.RedisError as error:
        _resting[settings.REDIS_URL] = time.monotonic() + REST
        log.warning("redis.silent", error=type(error).__name__)
        return None


@cache
def _client(url: str) -> "redis.Redis":
    import redis

    return redis.Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)

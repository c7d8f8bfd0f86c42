"""The broker's address and how it is spoken to, for workers and beat alike; knows no Django.

Redis by default, RabbitMQ with `SLIPWAY_BROKER_URL=amqp://…`. It is a doorbell: what it loses is found
by the sweep, what it delivers twice is claimed once.
"""

import os
from typing import Any

from portal import embedded

# Longer than the longest task, or Redis hands a running one out again.
VISIBILITY_SECONDS = 3600


def address() -> str:
    """SLIPWAY_BROKER_URL, else the Redis that was configured, else the embedded one, as Celery spells it."""
    chosen = os.environ.get("SLIPWAY_BROKER_URL") or os.environ.get("REDIS_URL")
    return embedded.broker_url(chosen or embedded.redis_url(embedded.state_dir()))


def is_redis(url: str) -> bool:
    return url.startswith(("redis", "sentinel"))


def transport_options(url: str) -> dict[str, Any]:
    """What each transport understands: RabbitMQ keeps no visibility time-out, and confirms what it took."""
    if is_redis(url):
        return {"visibility_timeout": VISIBILITY_SECONDS, "socket_timeout": 5, "socket_connect_timeout": 2}
    return {"confirm_publish": True}

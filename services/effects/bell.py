"""Ringing workers without making anybody wait for the broker.

Each step of a ring may take a second, and after one that failed none is tried for half a minute in this
process: what was not rung for is found by the sweep. So a broker that is down, full or silent slows one page.
"""

import threading
import time
from typing import Any

import structlog
from kombu import pools
from kombu.exceptions import KombuError

log = structlog.get_logger(__name__)

PATIENCE = 1.0
SILENT_FOR = 30.0
# One attempt to connect, one second for each step of it.
OPTIONS = {
    "socket_timeout": PATIENCE,
    "socket_connect_timeout": PATIENCE,
    "read_timeout": PATIENCE,
    "write_timeout": PATIENCE,
    "max_retries": 1,
    "interval_start": 0,
    "interval_max": 0,
}


class Bell:
    """Rings until a ring fails; then one caller at a time tries again, every `SILENT_FOR` seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._silent_until = 0.0

    def ring(self, task: Any, *arguments: Any) -> bool:
        """Publish `task`; False when nobody could be told. Never raises for a broker's sake."""
        if not self._may_try():
            return False
        try:
            with _producers(task.app).acquire(block=True, timeout=PATIENCE) as producer:
                task.apply_async(arguments, producer=producer, retry=False)
        except (KombuError, OSError) as error:
            self._silent_until = time.monotonic() + SILENT_FOR
            log.warning("doorbell.unheard", task=task.name, error=str(error), silent_for=SILENT_FOR)
            return False
        self._silent_until = 0.0
        return True

    def _may_try(self) -> bool:
        """Whether this caller rings; while the bell is silent the first one after its time probes for all."""
        with self._lock:
            now = time.monotonic()
            if now < self._silent_until:
                return False
            if self._silent_until:
                self._silent_until = now + SILENT_FOR
            return True


def _producers(app: Any) -> Any:
    """A pool of their own (kombu keeps one an address): workers may wait longer than a page."""
    return pools.producers[app.connection_for_write(connect_timeout=PATIENCE, transport_options=OPTIONS)]


bell = Bell()

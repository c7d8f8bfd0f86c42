"""Time as the cluster sees it: the machine's own, or set by whoever loads a past."""

import time
from datetime import UTC, datetime


class Clock:
    def __init__(self) -> None:
        self.fixed: float | None = None

    def now(self) -> float:
        return time.time() if self.fixed is None else self.fixed

    def stamp(self) -> str:
        return stamp(self.now())


def stamp(seconds: float) -> str:
    """Seconds since 1970 as Kubernetes writes a time."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()

"""The watcher process: keeps the picture of every registered cluster until it is told to stop.

Any number may run: the one that leads watches, another takes over when it is gone.
"""

import signal
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand

from portal import leading
from services.clusters.watching.loop import Watcher


class Command(BaseCommand):
    help = "Watch every registered cluster and keep what runs there in the database."
    # They import every view of the portal, which would double the memory of this process.
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        watcher = Watcher()

        def leave(number: int, frame: FrameType | None) -> None:
            watcher.stop()

        signal.signal(signal.SIGTERM, leave)
        signal.signal(signal.SIGINT, leave)
        leader = leading.Leader(leading.address(), lock=leading.WATCHER_LOCK, name="watcher")
        watcher.run(leader.keeps)
        leader.leave()

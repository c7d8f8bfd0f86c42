"""The watcher process: keeps the picture of every registered cluster until it is told to stop.

Any number may run: each watches its share of the clusters, and takes over what one that is gone watched.
"""

import signal
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from services.clusters.watching.leases import Leases
from services.clusters.watching.loop import Watcher


class Command(BaseCommand):
    help = "Watch every registered cluster and keep what runs there in the database."
    # They import every view of the portal, which would double the memory of this process.
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        watcher = Watcher(leases=Leases(settings.WATCHER_LEASE))

        def leave(number: int, frame: FrameType | None) -> None:
            watcher.stop()

        signal.signal(signal.SIGTERM, leave)
        signal.signal(signal.SIGINT, leave)
        watcher.run()

"""The clock that rings workers. It needs broker, database and timetable but not Django: half of the weight.

What is due is in PostgreSQL, so nothing of the timetable is kept on disk, where a kill could corrupt it. Any
number of beats may run; the one that leads rings, and another takes over when it is gone.
"""

import logging.config
import os
from typing import Any

from celery import Celery
from celery.beat import Scheduler

from portal import broker, leading, logs
from portal.schedule import SCHEDULE

os.environ.pop("DJANGO_SETTINGS_MODULE", None)  # Celery would set Django up
logging.config.dictConfig(logs.config(json=True, level=os.environ.get("SLIPWAY_LOG_LEVEL", "INFO")))

STANDBY_SECONDS = 1.0


class LeadingScheduler(Scheduler):
    """Rings while it leads; otherwise asks every second whether it may."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.leader = leading.Leader(leading.address())

    def tick(self, *args: Any, **options: Any) -> float:
        if not self.leader.leads():
            return STANDBY_SECONDS
        wait: float = super().tick(*args, **options)
        self.leader.pulse()
        return min(wait, STANDBY_SECONDS)

    def close(self) -> None:
        super().close()
        self.leader.leave()


app = Celery("slipway-beat", broker=broker.address(), set_as_current=False)
app.conf.update(
    beat_schedule=SCHEDULE,
    beat_scheduler="portal.beat:LeadingScheduler",
    worker_hijack_root_logger=False,
    broker_transport_options=broker.transport_options(broker.address()),
)

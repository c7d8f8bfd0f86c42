"""The clock that rings workers. It needs the broker and the timetable but not Django: a third of the weight.

What is due is in PostgreSQL, so nothing of the timetable is kept on disk, where a kill could corrupt it.
"""

import logging.config
import os

from celery import Celery

from portal import broker, logs
from portal.schedule import SCHEDULE

os.environ.pop("DJANGO_SETTINGS_MODULE", None)  # Celery would set Django up
logging.config.dictConfig(logs.config(json=True, level=os.environ.get("SLIPWAY_LOG_LEVEL", "INFO")))

app = Celery("slipway-beat", broker=broker.address(), set_as_current=False)
app.conf.update(
    beat_schedule=SCHEDULE,
    beat_scheduler="celery.beat:Scheduler",
    worker_hijack_root_logger=False,
    broker_transport_options=broker.transport_options(broker.address()),
)

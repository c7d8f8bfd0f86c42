import subprocess
import sys

from celery.beat import PersistentScheduler
from celery.utils.imports import symbol_by_name

from portal.beat import app
from portal.celery import app as workers
from portal.schedule import SCHEDULE


def test_beat_weighs_no_django():
    code = "import portal.beat, sys; sys.exit('django.db' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_beat_keeps_nothing_on_disk_that_a_kill_could_corrupt():
    scheduler = symbol_by_name(app.conf.beat_scheduler)
    assert not issubclass(scheduler, PersistentScheduler)


def test_beat_rings_only_tasks_that_exist():
    workers.loader.import_default_modules()
    assert {entry["task"] for entry in SCHEDULE.values()} <= set(workers.tasks)


def test_what_is_swept_expires_before_it_piles_up():
    assert all("expires" in entry.get("options", {}) for entry in SCHEDULE.values()), SCHEDULE

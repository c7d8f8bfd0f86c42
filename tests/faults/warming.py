"""What a worker does once in its life is done before the hands are forked: each is killed soon enough."""

import time
from pathlib import Path

from django.conf import settings
from kombu import pools

from services.catalog.models import Source
from services.effects import worker
from services.onboarding.models import Request, State
from tests.faults import imports
from tests.faults.acts import approve, comment, follow, hook, look, merge, submit
from tests.faults.journeys import Journey

SECONDS = 30.0


def warm_up() -> None:
    """Takes one request the whole way, untouched: everything is imported, compiled and cached then."""
    pk = submit("warm", "mira", Journey("warm", "plain", []).answers)["pk"]
    row = _after_effects(pk)
    approve(pk, row.tree_hash)
    comment(pk, "warm")
    merge(pk, row.head_sha, "mira")
    end = time.monotonic() + SECONDS
    while _after_effects(pk).state != State.LIVE:
        assert time.monotonic() < end, Request.objects.get(pk=pk).problem
        time.sleep(0.1)
        follow("component:default/warm")
    _warm_reading()
    pools.reset()  # connections are not for the hands to share


def _warm_reading() -> None:
    folder = Path(settings.STATE_DIR) / "sources" / "warm-source"
    folder.parent.mkdir()
    imports.push(folder, "warm-source", "First")
    look("warm-source", str(folder))
    hook("warm-source")
    while worker.run_one():
        pass
    Source.objects.get(title="warm-source").delete()


def _after_effects(pk: int) -> Request:
    while worker.run_one():
        pass
    return Request.objects.get(pk=pk)

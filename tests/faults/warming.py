"""What a worker does once in its life is done before the hands are forked: each is killed soon enough."""

import time

from kombu import pools

from services.effects import worker
from services.onboarding.models import Request, State
from tests.faults.acts import approve, comment, follow, merge, submit
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
    pools.reset()  # connections are not for the hands to share


def _after_effects(pk: int) -> Request:
    while worker.run_one():
        pass
    return Request.objects.get(pk=pk)

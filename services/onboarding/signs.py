"""Requests by state, for /metrics."""

from collections.abc import Iterator

from django.db.models import Count

from portal.shell import registry
from portal.shell.registry import Gauge
from services.onboarding.models import Request, State


def register() -> None:
    registry.metrics.add(gauges)


def gauges() -> Iterator[Gauge]:
    found = dict(Request.objects.order_by().values_list("state").annotate(Count("pk")))
    states = {(state,): float(found.get(state, 0)) for state in State.values}
    yield Gauge("slipway_requests", "Requests by state.", states, ("state",))

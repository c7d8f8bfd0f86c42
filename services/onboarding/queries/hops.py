"""The clocks: how long each leg of a request took, and how long legs take in general.

Row 79: from the form to healthy, in numbers.
"""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from ..models import TERMINAL, Hop, Request, State


@dataclass(frozen=True)
class Leg:
    """One of the six legs; one gone several times shows the sum. `state` is done, now, stuck or todo."""

    name: str
    label: str
    state: str
    took: timedelta | None
    waits_for: str
    is_human: bool
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True)
class HopStatistic:
    name: str
    label: str
    count: int
    p50: timedelta
    p90: timedelta


def legs(request: Request) -> list[Leg]:
    """All six, in order; for what ended on its way, only those it went."""
    now, hops = timezone.now(), list(request.hops.all())
    found = [_leg(request, name, [h for h in hops if h.name == name], now) for name in Hop.Name]
    ended = request.state in TERMINAL and request.state != State.LIVE
    return [leg for leg in found if leg.state != "todo" or not ended]


def _leg(request: Request, name: Hop.Name, hops: list[Hop], now: datetime) -> Leg:
    is_open = any(hop.finished_at is None for hop in hops)
    stuck = request.state == State.NEEDS_ATTENTION
    return Leg(
        name=name.value,
        label=name.label,
        state=("stuck" if stuck else "now") if is_open else "done" if hops else "todo",
        took=sum((hop.lasted(now) for hop in hops), timedelta()) if hops else None,
        waits_for=hops[-1].waits_for if hops else "",
        is_human=Hop(name=name).is_human,
        started_at=hops[0].started_at if hops else None,
        finished_at=None if is_open or not hops else hops[-1].finished_at,
    )


def hop_statistics(
    requests: QuerySet[Request] | None = None, since: datetime | None = None
) -> list[HopStatistic]:
    """p50 and p90 of each leg over finished legs (per request, summed), and of the whole way as `total`."""
    hops = Hop.objects.filter(finished_at__isnull=False)
    if requests is not None:
        hops = hops.filter(request__in=requests.values("pk"))
    if since is not None:
        hops = hops.filter(finished_at__gte=since)
    sums: dict[str, dict[int, timedelta]] = {}
    for hop in hops.only("request_id", "name", "started_at", "finished_at"):
        per_request = sums.setdefault(hop.name, {})
        per_request[hop.request_id] = per_request.get(hop.request_id, timedelta()) + hop.lasted()
    found = [_statistic(name.value, name.label, sums.get(name.value, {}).values()) for name in Hop.Name]
    return [*found, _statistic("total", "From form to live", _whole(requests, since))]


def _whole(requests: QuerySet[Request] | None, since: datetime | None) -> list[timedelta]:
    rows = (Request.objects.all() if requests is None else requests).filter(state=State.LIVE)
    rows = rows.filter(finished_at__gte=since) if since else rows
    return [row.finished_at - row.created_at for row in rows if row.finished_at]


def _statistic(name: str, label: str, durations: Iterable[timedelta]) -> HopStatistic:
    """Percentiles by linear interpolation between the nearest ranks (the inclusive method)."""
    seconds = sorted(each.total_seconds() for each in durations)
    if len(seconds) < 2:
        only = timedelta(seconds=seconds[0] if seconds else 0)
        return HopStatistic(name, label, len(seconds), only, only)
    tenths = statistics.quantiles(seconds, n=10, method="inclusive")
    return HopStatistic(name, label, len(seconds), timedelta(seconds=tenths[4]), timedelta(seconds=tenths[8]))

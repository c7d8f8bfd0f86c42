"""When each past request went through its hops, counted back from now and never later than now."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from portal.demo.history.clock import after_working, working_moment
from portal.demo.history.plan import PastRequest, past_requests

HOP_ORDER = ("form", "approval", "pull_request", "merged", "applied", "healthy")


@dataclass(frozen=True)
class Times:
    """Start and end of each hop the request went through, in order."""

    hops: dict[str, tuple[datetime, datetime]]

    @property
    def opened(self) -> datetime:
        return self.hops["form"][0]

    @property
    def submitted(self) -> datetime:
        return self.hops["form"][1]

    @property
    def ended(self) -> datetime:
        return max(end for _, end in self.hops.values())

    def end(self, hop: str) -> datetime:
        return self.hops[hop][1]


def all_times(now: datetime) -> dict[int, Times]:
    """By request number. Of one service, a later request is also merged later."""
    rng = Random("larkfield times")
    times: dict[int, Times] = {}
    last: dict[str, datetime] = {}
    for past in past_requests():
        found = _times(past, now, rng, last.get(past.service))
        times[past.number] = found
        if past.state == "live":
            last[past.service] = found.end("merged")
    return times


def open_times(past: PastRequest, now: datetime) -> Times:
    """Of a request on its way: its last hop has begun and ends, so far, now."""
    begins = [now - timedelta(minutes=minutes) for minutes in past.since.values()]
    return Times(dict(zip(past.since, zip(begins, [*begins[1:], now], strict=True), strict=True)))


def _times(past: PastRequest, now: datetime, rng: Random, earliest: datetime | None) -> Times:
    days = past.days_ago
    opened = working_moment(now, days, rng)
    for hurry in (1.0, 0.5, 0.2, 0.05):
        times = _walk(past, opened, hurry, earliest)
        if times.ended < now - timedelta(minutes=30):
            return times
    return _walk(past, working_moment(now, days + 4, rng), 0.05, earliest)


def _walk(past: PastRequest, opened: datetime, hurry: float, earliest: datetime | None) -> Times:
    at, hops = opened, {}
    for hop in _hops_of(past):
        end = after_working(at, max(0.3, past.minutes[hop] * (hurry if hop in ("approval", "merged") else 1)))
        if hop == "merged" and past.state == "live" and earliest is not None:
            end = max(end, earliest + timedelta(minutes=3))
        hops[hop] = (at, end)
        at = end
    return Times(hops)


def _hops_of(past: PastRequest) -> list[str]:
    """Refused and withdrawn requests ended in approval where one was asked for; all others in review."""
    skipped = set() if past.approver else {"approval"}
    last = "healthy" if past.state == "live" else "merged"
    if past.approver and past.state in ("rejected", "withdrawn"):
        last = "approval"
    reached = HOP_ORDER[: HOP_ORDER.index(last) + 1]
    return [hop for hop in reached if hop not in skipped]

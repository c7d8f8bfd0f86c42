"""What was requested in the past year: by whom, for which service, with what end. Always the same."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from portal.demo import company
from portal.demo.company import COLLEAGUES, Colleague
from portal.demo.history.clock import around

FIRST_NUMBER = 1001
CHANGES = 162
# Half and nine tenths of the requests got through a hop within so many minutes, today.
HOPS = {
    "form": (6, 22),
    "approval": (38, 210),
    "pull_request": (0.7, 1.8),
    "merged": (24, 96),
    "applied": (2, 6),
    "healthy": (5, 17),
}
ENDS = ["live"] * 34 + ["rejected"] * 3 + ["withdrawn"] * 2 + ["closed"] * 2
NEW_REASONS = [
    "It still runs on a virtual machine that is switched off in spring.",
    "Split off so that it can be released on its own.",
    "In our plan for this quarter.",
]
CHANGE_REASONS = [
    "More visitors than we planned for.",
    "Seen on the dashboard last week.",
    "It was killed twice at noon.",
    "Needed for the next release.",
]
REFUSALS = {
    "rejected": "Not in this shape: please talk to us first, the database would not carry it.",
    "withdrawn": "No longer needed, we found the cause elsewhere.",
    "closed": "Replaced by a newer request.",
}


@dataclass(frozen=True)
class Change:
    """What a request changes in a service's entry, with the value before, so that history can be unwound."""

    key: str
    before: Any
    after: Any
    detail: str = ""

    def applied_to(self, row: dict[str, Any]) -> dict[str, Any]:
        """A service's entry with this change made."""
        if self.key == "config":
            return {**row, "config": {**row["config"], self.detail: self.after}}
        return {**row, self.key: self.after}


@dataclass(frozen=True)
class PastRequest:
    number: int
    service: str
    title: str
    reason: str
    by: Colleague
    approver: Colleague | None
    reviewer: Colleague
    state: str
    days_ago: int
    change: Change | None
    minutes: dict[str, float] = field(default_factory=dict)
    since: dict[str, int] = field(default_factory=dict)  # of an open one: minutes ago each hop began

    @property
    def key(self) -> str:
        return f"R-{self.number}"

    @property
    def is_open(self) -> bool:
        return bool(self.since)

    @property
    def is_merged(self) -> bool:
        return self.state in ("live", "needs_attention")

    @property
    def is_onboarding(self) -> bool:
        return self.change is None

    @property
    def environments(self) -> list[str]:
        return [place.name for place in company.PLACES]


@dataclass(frozen=True)
class Release:
    """A version that came after the service's last request; `before` is what it took the place of."""

    service: str
    minutes_ago: int
    by: str
    message: str
    before: str = ""


RELEASES = (
    Release("gift-cards", 190, "mira", "Roll out gift-cards 0.22.0\n\nBalance by mail.", "0.21.4"),
    Release("checkout", 61, "noah", "Roll out checkout 2.41.0\n\nTax tables in process memory.", "2.40.6"),
)
# Only in staging, by hand, oldest first.
TRIALS = (
    Release("checkout", 120, "noah", "Try checkout 2.42.0-rc1 in staging"),
    Release("tax", 45, "noah", "Try tax 4.4.0-rc2 in staging\n\nIt reads rates from the new supplier."),
    Release("gift-cards", 25, "mira", "Try gift-cards 0.23.0-rc1 in staging"),
)


@cache
def past_requests() -> tuple[PastRequest, ...]:
    """All requests that have ended, oldest first."""
    rng = random.Random("larkfield requests")
    rough = sorted(_rough(rng), key=lambda item: (-item.days_ago, item.service))
    changes = _Changes(rough)
    return tuple(
        _request(rng, FIRST_NUMBER + index, item, changes.next(item)) for index, item in enumerate(rough)
    )


@cache
def open_requests() -> tuple[PastRequest, ...]:
    """What is on its way now: one waits for Sam, one is in review, one is merged and gets no further."""
    who = {each.username: each for each in COLLEAGUES}
    first = FIRST_NUMBER + len(past_requests())
    return (
        PastRequest(
            number=first,
            service="search-indexer",
            title="Onboard search-indexer",
            reason="The nightly build, to measure for one night whether the new tokeniser is faster.",
            by=who["jonas"],
            approver=None,
            reviewer=who["ella"],
            state="needs_attention",
            days_ago=0,
            change=Change("version", "7.14.0", "nightly-7.15"),
            since={"form": 178, "pull_request": 171, "merged": 170, "applied": 152, "healthy": 150},
        ),
        PastRequest(
            number=first + 1,
            service="size-guide",
            title="Onboard size-guide",
            reason="Half of all returns of clothes are for the wrong size.",
            by=who["jonas"],
            approver=None,
            reviewer=who["priya"],
            state="in_review",
            days_ago=0,
            change=None,
            since={"form": 96, "pull_request": 81, "merged": 80},
        ),
        PastRequest(
            number=first + 2,
            service="address-check",
            title="Onboard address-check",
            reason="One parcel in sixty comes back because of the address.",
            by=who["mira"],
            approver=who["sam"],
            reviewer=who["tomas"],
            state="awaiting_approval",
            days_ago=0,
            change=None,
            since={"form": 47, "approval": 38},
        ),
    )


def stuck_request() -> PastRequest:
    """Merged, but there is no such image: staging keeps its old pods, production is not touched."""
    return next(each for each in open_requests() if each.state == "needs_attention")


@cache
def every_request() -> dict[int, PastRequest]:
    return {each.number: each for each in (*past_requests(), *open_requests())}


@cache
def onboarding_keys() -> dict[str, str]:
    """The request each service came with: {"checkout": "R-1009"}."""
    return {past.service: past.key for past in past_requests() if past.is_onboarding}


@cache
def live_numbers(service: str) -> tuple[int, ...]:
    """The requests that changed a service, oldest first."""
    return tuple(r.number for r in past_requests() if r.service == service and r.state == "live")


def row_at(service: str, number: int) -> dict[str, Any]:
    """A service's entry as it was when request `number` had just been merged, before today's releases."""
    row = company.entry_of(service)
    for release in RELEASES:
        if release.service == service:
            row["version"] = release.before
    for past in reversed(past_requests()):
        if past.number <= number:
            break
        if past.service == service and past.state == "live" and past.change is not None:
            row = _unwound(row, past.change)
    return row


def team_of(service: str) -> list[Colleague]:
    team = company.workloads()[service]["team"]
    return [who for who in COLLEAGUES if who.team == team]


def needs_approval(service: str) -> bool:
    """What is public, or costs more than 40 EUR a month, is approved by the team's lead."""
    row, place = company.workloads()[service], company.PRODUCTION
    cpu, memory = row["cpu"] / 1000 * place.cpu_price, row["memory"][0] / 1024 * place.memory_price
    return "host" in row or row["replicas"][1] * (cpu + memory) > 40


def tuning(service: str) -> list[str]:
    """The variables of a service that tune it, in the order in which they were added."""
    return [key for key in company.workloads()[service]["config"] if key.startswith("TUNE_")]


@dataclass(frozen=True)
class _Rough:
    days_ago: int
    service: str
    key: str
    state: str


def _rough(rng: random.Random) -> Iterator[_Rough]:
    born = {name: row["onboarded"] for name, row in company.workloads().items() if "onboarded" in row}
    for name, days in born.items():
        yield _Rough(days, name, "", "live")
    for _ in range(CHANGES):
        name = rng.choice(sorted(born))
        days = round(rng.triangular(2, born[name] - 3, 2))
        yield _Rough(days, name, rng.choice(["memory", "memory", "cpu", "config"]), rng.choice(ENDS))


class _Changes:
    """Gives each request the value it found and the value it left, so that the last one left today's."""

    def __init__(self, rough: Iterable[_Rough]) -> None:
        self.left: dict[tuple[str, str], int] = {}
        for item in rough:
            if item.state == "live" and item.key:
                self.left[item.service, item.key] = self.left.get((item.service, item.key), 0) + 1

    def next(self, item: _Rough) -> Change | None:
        if not item.key:
            return None
        left = self.left.get((item.service, item.key), 0)
        if item.state != "live":
            return _step(item, max(1, left))
        self.left[item.service, item.key] = left - 1
        return _step(item, left)


def _step(item: _Rough, left: int) -> Change:
    """The change that is the `left`-th from the end of those of its kind."""
    row = company.workloads()[item.service]
    if item.key == "config" and left <= len(tuning(item.service)):
        name = tuning(item.service)[-left]
        return Change("config", None, row["config"][name], name)
    key = "memory" if item.key == "memory" else "cpu"
    return Change(key, _earlier(row[key], left), _earlier(row[key], left - 1))


def _earlier(value: Any, steps: int) -> Any:
    """Smaller by a tenth for each step back, rounded as people write such numbers."""
    if isinstance(value, list):
        return [_earlier(part, steps) for part in value]
    unit = 16 if value >= 64 else 10
    return max(unit, round(value * 0.92**steps / unit) * unit) if steps else value


def _unwound(row: dict[str, Any], change: Change) -> dict[str, Any]:
    if change.key == "config":
        return {**row, "config": {k: v for k, v in row["config"].items() if k != change.detail}}
    return {**row, change.key: change.before}


def _request(rng: random.Random, number: int, item: _Rough, change: Change | None) -> PastRequest:
    people = team_of(item.service)
    lead = next((who for who in people if who.is_lead), None)
    by = rng.choice([who for who in people if not who.is_lead])
    platform = [who for who in COLLEAGUES if who.team == "platform" and who != by]
    slower = 1 + 0.9 * item.days_ago / 365
    return PastRequest(
        number=number,
        service=item.service,
        title=_title(item.service, change),
        reason=rng.choice(NEW_REASONS if change is None else CHANGE_REASONS),
        by=by,
        approver=lead if needs_approval(item.service) else None,
        reviewer=rng.choice(platform),
        state=item.state,
        days_ago=item.days_ago,
        change=change,
        minutes={hop: around(rng, half * slower, most * slower) for hop, (half, most) in HOPS.items()},
    )


def _title(name: str, change: Change | None) -> str:
    if change is None:
        return f"New web service {name}"
    if change.key == "config":
        return f"Set {change.detail} of {name}"
    return f"More {'memory' if change.key == 'memory' else 'CPU'} for {name}"

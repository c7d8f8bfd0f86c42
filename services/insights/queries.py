"""The numbers behind the first page: each question is one query, grouped in the database."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    Aggregate,
    Case,
    CharField,
    Count,
    DurationField,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, Greatest, Substr, TruncDay

from services.accounts.models import Team
from services.catalog.models import Entity
from services.helpdesk.models import Ticket
from services.insights.periods import Period
from services.onboarding.models import BRINGING, Hop, Request, State


class Percentile(Aggregate):
    """The value below which this share of the rows lies, interpolated (PERCENTILE_CONT)."""

    template = "PERCENTILE_CONT(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = DurationField()

    def __init__(self, expression: Any, share: float, **extra: Any) -> None:
        super().__init__(expression, share=share, **extra)


@dataclass(frozen=True)
class Scope:
    """Whose numbers, and when."""

    period: Period
    team: Team | None = None

    @property
    def of_team(self) -> dict[str, Any]:
        return {"team": self.team} if self.team else {}


# Adoption -----------------------------------------------------------------------------------------------


@dataclass
class Adoption:
    """Services at the end of each bucket: those onboarded through Slipway, and the others."""

    onboarded: list[int]
    others: list[int]
    before: int
    by_owner: list[tuple[str, int, int]]

    @property
    def total(self) -> int:
        return self.onboarded[-1] + self.others[-1] if self.onboarded else 0


def adoption(scope: Scope) -> Adoption:
    """One query over all services: who owns them, since when, and since when through Slipway."""
    services = Entity.objects.services()
    if scope.team:
        services = services.filter(owner_ref=scope.team.ref)
    end = scope.period.end
    rows = list(
        services.filter(created_at__lt=end)
        .values_list("owner_ref", TruncDay("created_at"), TruncDay(_onboarded_at()))
        .annotate(n=Count("pk"))
        .order_by()
    )
    owners: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for owner, _, onboarded, n in rows:
        owners[owner][onboarded is not None and onboarded < end] += n
    known, through, ends = (
        [(day, n) for _, day, _, n in rows],
        [(day, n) for *_, day, n in rows],
        _ends(scope.period),
    )
    return Adoption(
        onboarded=[_until(through, at) for at in ends],
        others=[_until(known, at) - _until(through, at) for at in ends],
        before=_until(through, scope.period.start),
        by_owner=sorted(((o, b, a + b) for o, (a, b) in owners.items()), key=lambda row: (-row[2], row[0])),
    )


def _onboarded_at() -> Any:
    """When the request that brought a service went live; a service may have been in the catalog before."""
    number = Cast(Substr(OuterRef("onboarded_request"), 3), IntegerField())
    finished = Request.objects.filter(number=number).values("finished_at")
    live = Greatest(F("created_at"), Subquery(finished))  # PostgreSQL's leaves out what is unknown
    return Case(
        When(onboarded_request__regex=r"^R-[0-9]{1,9}$", then=live),
        When(~Q(onboarded_request=""), then=F("created_at")),
    )


def _ends(period: Period) -> list[datetime]:
    starts = [Period("", day, day).start for day in period.buckets[1:]]
    return [*starts, period.end]


def _until(counted: Iterable[tuple[datetime | None, int]], at: datetime) -> int:
    """How many there were at this moment."""
    return sum(n for day, n in counted if day is not None and day < at)


# Requests -----------------------------------------------------------------------------------------------


def requests_by_state(scope: Scope) -> Counter[str]:
    """Requests submitted in the period, by the state they are in now; without images that builds bring."""
    rows = _submitted(scope).values_list("state").annotate(n=Count("pk")).order_by()
    return Counter({str(state): n for state, n in rows})


def _submitted(scope: Scope) -> Any:
    period = scope.period
    return Request.objects.exclude(kind__in=BRINGING).filter(
        submitted_at__gte=period.start, submitted_at__lt=period.end, **scope.of_team
    )


@dataclass(frozen=True)
class HopTime:
    name: str
    label: str
    count: int
    p50: timedelta
    p90: timedelta


def hop_times(scope: Scope) -> list[HopTime]:
    """How long each leg took that ended in the period, in the order of the way."""
    period = scope.period
    hops = Hop.objects.filter(finished_at__gte=period.start, finished_at__lt=period.end)
    hops = hops.exclude(request__kind__in=BRINGING)
    if scope.team:
        hops = hops.filter(request__team=scope.team)
    took = F("finished_at") - F("started_at")
    rows = (
        hops.values("name")
        .annotate(n=Count("pk"), p50=Percentile(took, 0.5), p90=Percentile(took, 0.9))
        .order_by()
    )
    found = {row["name"]: row for row in rows}
    return [
        HopTime(name, label, found[name]["n"], found[name]["p50"], found[name]["p90"])
        for name, label in Hop.Name.choices
        if name in found
    ]


@dataclass(frozen=True)
class Median:
    """A median now, in the period before, and in each bucket (None where nothing happened)."""

    now: timedelta | None
    before: timedelta | None
    count: int
    by_bucket: list[timedelta | None] = field(default_factory=list)


def lead_time(scope: Scope) -> Median:
    """From the first look at the form to live, of requests that went live in the period."""
    live = Request.objects.filter(state=State.LIVE, **scope.of_team).exclude(kind__in=BRINGING)
    return _median(live, scope.period, "finished_at", "created_at")


def first_answer(scope: Scope) -> Median:
    """From the question to the first answer, of tickets first answered in the period."""
    return _median(Ticket.objects.filter(**scope.of_team), scope.period, "first_response_at", "created_at")


def _median(rows: Any, period: Period, until: str, since: str) -> Median:
    """Three levels of one median in one query: the sets are united, for percentiles cannot be added up."""
    took = Percentile(F(until) - F(since), 0.5)

    def level(first: datetime, last: datetime, key: Any) -> Any:
        found = rows.filter(**{f"{until}__gte": first, f"{until}__lt": last})
        return found.order_by().annotate(key=key).values("key").annotate(n=Count("pk"), p50=took)

    text = CharField()
    before = period.before
    united = level(period.start, period.end, Value("now", output_field=text)).union(
        level(before.start, before.end, Value("before", output_field=text)),
        level(period.start, period.end, _day_text(period, until)),
        all=True,
    )
    found = {row["key"]: row for row in united}
    return Median(
        now=found["now"]["p50"] if "now" in found else None,
        before=found["before"]["p50"] if "before" in found else None,
        count=found["now"]["n"] if "now" in found else 0,
        by_bucket=[found[d.isoformat()]["p50"] if d.isoformat() in found else None for d in period.buckets],
    )


def _day_text(period: Period, column: str) -> Any:
    """The first day of a bucket as text: 2026-11-02."""
    return Func(period.bucket(column), Value("YYYY-MM-DD"), function="to_char", output_field=CharField())


# Tickets ------------------------------------------------------------------------------------------------


@dataclass
class Support:
    """Tickets per bucket, and what they cost by cause."""

    opened: list[int]
    answered: list[int]
    resolved: list[int]
    minutes: dict[str, list[int]]
    tickets_of: Counter[str]
    minutes_of: Counter[str]
    minutes_before: int

    @property
    def total_minutes(self) -> int:
        return sum(self.minutes_of.values())


def support(scope: Scope) -> Support:
    """Opened, answered and resolved by bucket and cause, and the minutes of the period before: one query."""
    period, before = scope.period, scope.period.before
    parts = [
        _happened(scope, "opened", "created_at", period),
        _happened(scope, "answered", "first_response_at", period),
        _happened(scope, "resolved", "resolved_at", period, cause=True),
        _happened(scope, "before", "resolved_at", before),
    ]
    rows = list(parts[0].union(*parts[1:], all=True))
    days = [day.isoformat() for day in period.buckets]
    place = {day: i for i, day in enumerate(days)}
    counts = {kind: [0] * len(days) for kind in ("opened", "answered", "resolved")}
    minutes: dict[str, list[int]] = defaultdict(lambda: [0] * len(days))
    tickets_of, minutes_of, spent_before = Counter[str](), Counter[str](), 0
    for row in rows:
        if row["kind"] == "before":
            spent_before += row["spent"]
            continue
        counts[row["kind"]][place[row["day"]]] += row["n"]
        if row["kind"] == "resolved":
            minutes[row["why"]][place[row["day"]]] += row["spent"]
            tickets_of[row["why"]] += row["n"]
            minutes_of[row["why"]] += row["spent"]
    return Support(
        **counts,
        minutes=dict(minutes),
        tickets_of=tickets_of,
        minutes_of=minutes_of,
        minutes_before=spent_before,
    )


def _happened(scope: Scope, kind: str, column: str, period: Period, *, cause: bool = False) -> Any:
    text = CharField()
    return (
        Ticket.objects.filter(
            **{f"{column}__gte": period.start, f"{column}__lt": period.end}, **scope.of_team
        )
        .order_by()
        .annotate(
            kind=Value(kind, output_field=text),
            day=_day_text(scope.period, column),
            why=F("cause") if cause else Value("", output_field=text),
        )
        .values("kind", "day", "why")
        .annotate(n=Count("pk"), spent=Coalesce(Sum("minutes"), 0))
    )

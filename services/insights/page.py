"""The first page of insights as data for its template: tiles, charts, tables, and a link behind every
number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode

from portal.shell import charts, times
from portal.shell.charts import Series
from services.helpdesk.states import Cause
from services.insights import queries
from services.insights.periods import label
from services.insights.queries import Adoption, HopTime, Median, Scope, Support
from services.onboarding.models import State

# Colours in this order; causes beyond the fifth share the last one.
COLOURS = ["f1", "f2", "f3", "f4", "f5"]


@dataclass(frozen=True)
class Tile:
    """One number with its unit, what changed since the period before, and its curve."""

    label: str
    big: str
    unit: str
    change: str
    better: bool | None
    rising: bool
    spark: charts.Spark | None
    url: str


@dataclass(frozen=True)
class Cell:
    """A number in a table; `url` opens the rows it counts."""

    text: str
    url: str = ""


@dataclass(frozen=True)
class Chart:
    """A card: a conclusion, a picture, the same as a table, where its rows are, its CSV."""

    key: str
    title: str
    says: str
    kind: str
    drawing: Any
    header: Sequence[str]
    rows: Sequence[tuple[Cell, ...]]
    more: str
    more_url: str
    note: str = ""
    empty: str = ""


class Links:
    """Addresses of the rows behind numbers; each is what the other pages read from theirs."""

    def __init__(self, scope: Scope, *, platform: bool) -> None:
        self._when = scope.period.query
        self._team = {"team": scope.team.slug} if scope.team else {}
        self._owner = {"owner": scope.team.ref} if scope.team else {}
        self._tickets = "helpdesk:queue" if platform else "helpdesk:ticket_list"

    def services(self, **more: str) -> str:
        return _url("catalog:entity_list", {"kind": "service", **self._owner, **more})

    def requests(self, **more: str) -> str:
        return _url("onboarding:request_list", {"show": "all", **self._when, **self._team, **more})

    def tickets(self, on: str, **more: str) -> str:
        return _url(self._tickets, {"who": "all", "view": "", "on": on, **self._when, **self._team, **more})


def _url(name: str, query: dict[str, str]) -> str:
    """Empty when no page of that name is installed: then the number stands without a link."""
    try:
        return f"{reverse(name)}?{urlencode({k: v for k, v in query.items() if v})}"
    except NoReverseMatch:
        return ""


def build(scope: Scope, *, platform: bool) -> dict[str, Any]:
    """Everything the page shows: six queries."""
    links = Links(scope, platform=platform)
    adoption, support = queries.adoption(scope), queries.support(scope)
    lead, answer = queries.lead_time(scope), queries.first_answer(scope)
    hops, states = queries.hop_times(scope), queries.requests_by_state(scope)
    names = [label(day, scope.period.unit) for day in scope.period.buckets]
    return {
        "tiles": [
            _services_tile(adoption, links),
            _median_tile("Form to live, median", lead, links.requests(state="live", on="finished")),
            _median_tile("First answer, median", answer, links.tickets("answered")),
            _minutes_tile(support, scope, links),
        ],
        "charts": [
            _adoption(adoption, names, links),
            _teams(adoption, links),
            _hops(hops, lead, links),
            _states(states, links),
            _tickets(support, names, links),
            _causes(support, names, links),
        ],
    }


# Tiles --------------------------------------------------------------------------------------------------


def _services_tile(adoption: Adoption, links: Links) -> Tile:
    now = adoption.onboarded[-1] if adoption.onboarded else 0
    share = f"{100 * now / adoption.total:.0f}" if adoption.total else "0"
    more = now - adoption.before
    change = f"{more} more than before" if more > 0 else "none more than before"
    spark = charts.spark(adoption.onboarded)
    unit = f"% · {now} of {adoption.total}"
    return Tile(
        "Services through Slipway",
        share,
        unit,
        change,
        more > 0 or None,
        True,
        spark,
        links.services(onboarded="yes"),
    )


def _median_tile(name: str, median: Median, url: str) -> Tile:
    curve = charts.spark([t.total_seconds() for t in median.by_bucket if t is not None])
    if median.now is None:
        return Tile(name, "none", "", "nothing in this period", None, True, None, url)
    change, better = "no period before to compare with", None
    if median.before is not None:
        gap = median.now - median.before
        better = gap < timedelta()
        change = f"{times.span(abs(gap))} {'faster' if better else 'slower'}"
    return Tile(name, times.span(median.now), "", change, better, not better, curve, url)


def _minutes_tile(support: Support, scope: Scope, links: Links) -> Tile:
    weeks = scope.period.weeks
    now, before = support.total_minutes / weeks, support.minutes_before / weeks
    per_bucket = [sum(column) for column in zip(*support.minutes.values(), strict=True)]
    better = None if not before else now < before
    change = f"from {before:.0f} before" if before else "no period before to compare with"
    return Tile(
        "Minutes of support a week",
        f"{now:.0f}",
        "min",
        change,
        better,
        now > before,
        charts.spark(per_bucket),
        links.tickets("resolved"),
    )


# Charts -------------------------------------------------------------------------------------------------


def _adoption(adoption: Adoption, names: list[str], links: Links) -> Chart:
    series = [
        Series("onboarded through Slipway", "f1", adoption.onboarded),
        Series("in the catalog, not yet", "f0", adoption.others),
    ]
    left = adoption.others[-1] if adoption.others else 0
    says = (
        f"{left} service{'s' if left != 1 else ''} to go." if left else "Every service came through Slipway."
    )
    rows = [
        (Cell(name), Cell(str(a)), Cell(str(b)), Cell(str(a + b)))
        for name, a, b in zip(names, adoption.onboarded, adoption.others, strict=True)
    ]
    return Chart(
        "adoption",
        "Adoption",
        says if adoption.total else "No service in the catalog yet.",
        "bars",
        charts.stacked(names, series),
        ["", "Through Slipway", "Not yet", "All"],
        rows,
        f"{adoption.total} services",
        links.services(),
        "counted at the end of each bar",
        "Import what you have, or onboard a first service.",
    )


def _teams(adoption: Adoption, links: Links) -> Chart:
    rows = [
        (
            Cell(_name(owner)),
            Cell(str(through), links.services(owner=owner or "nobody", onboarded="yes") if through else ""),
            Cell(str(total), links.services(owner=owner or "nobody")),
        )
        for owner, through, total in adoption.by_owner
    ]
    done = sum(1 for _, through, total in adoption.by_owner if through == total)
    says = f"{done} of {len(rows)} owners have all their services on it."
    drawing = [
        {"cells": row, "value": through, "most": total, "label": f"{through} of {total}"}
        for row, (_, through, total) in zip(rows, adoption.by_owner, strict=True)
    ]
    return Chart(
        "teams",
        "Adoption by team",
        says,
        "meters",
        drawing,
        ["Owner", "Through Slipway", "Services"],
        rows,
        f"{adoption.total} services",
        links.services(),
        "now",
        "Nobody owns a service yet.",
    )


def _name(ref: str) -> str:
    return ref.rpartition("/")[2].replace("-", " ").title() if ref else "Nobody"


def _hops(hops: list[HopTime], lead: Median, links: Links) -> Chart:
    rows = [
        (Cell(h.label), Cell(times.span(h.p50)), Cell(times.span(h.p90)), Cell(str(h.count))) for h in hops
    ]
    slow = max(hops, key=lambda hop: hop.p50, default=None)
    drawing = charts.dumbbell([(h.label, h.p50, h.p90) for h in hops]) if hops else None
    return Chart(
        "hops",
        "Time per hop",
        f"{slow.label} takes longest." if slow else "",
        "dumbbell",
        drawing,
        ["Hop", "p50", "p90", "Passed"],
        rows,
        f"{lead.count} requests went live",
        links.requests(state="live", on="finished"),
        "logarithmic scale",
        "No request has moved in this period.",
    )


def _states(states: Any, links: Links) -> Chart:
    found = [(state, n) for state in State if (n := states.get(state, 0))]
    rows = [(Cell(str(State(s).label)), Cell(str(n), links.requests(state=s))) for s, n in found]
    total, live = sum(n for _, n in found), states.get("live", 0)
    drawing = [
        {"cells": row, "value": n, "most": max(n for _, n in found), "label": f"{n} requests"}
        for row, (_, n) in zip(rows, found, strict=True)
    ]
    return Chart(
        "states",
        "Requests by state",
        f"{live} of {total} submitted are live.",
        "meters",
        drawing,
        ["State", "Requests"],
        rows,
        f"{total} requests",
        links.requests(),
        "submitted in this period",
        "Nobody has submitted a request in this period.",
    )


def _tickets(support: Support, names: list[str], links: Links) -> Chart:
    opened, answered, resolved = support.opened, support.answered, support.resolved
    series = [
        Series("opened", "f1", opened),
        Series("answered", "f2", answered),
        Series("resolved", "f3", resolved),
    ]
    rows: list[tuple[Cell, ...]] = [
        (Cell(name), Cell(str(a)), Cell(str(b)), Cell(str(c)))
        for name, a, b, c in zip(names, opened, answered, resolved, strict=True)
    ]
    totals = {"opened": sum(opened), "answered": sum(answered), "resolved": sum(resolved)}
    rows.append((Cell("All"), *(Cell(str(n), links.tickets(on)) for on, n in totals.items())))
    gap = totals["opened"] - totals["resolved"]
    says = (
        f"{gap} more opened than resolved." if gap > 0 else "As many were resolved as were opened, or more."
    )
    return Chart(
        "tickets",
        "Tickets",
        says,
        "bars",
        charts.grouped(names, series),
        ["", "Opened", "Answered", "Resolved"],
        rows,
        f"{totals['opened']} opened",
        links.tickets("opened"),
        "",
        "Nobody asked anything in this period.",
    )


def _causes(support: Support, names: list[str], links: Links) -> Chart:
    ranked = [cause for cause, _ in support.minutes_of.most_common()]
    series = [
        Series(_cause(c).lower(), css, support.minutes[c]) for c, css in zip(ranked, COLOURS, strict=False)
    ]
    if rest := ranked[len(COLOURS) :]:
        sums = [sum(column) for column in zip(*(support.minutes[c] for c in rest), strict=True)]
        series.append(Series("the rest", "f0", sums))
    rows = [
        (
            Cell(_cause(c)),
            Cell(str(support.tickets_of[c]), links.tickets("resolved", cause=c or "unsaid")),
            Cell(str(support.minutes_of[c])),
            Cell(f"{100 * support.minutes_of[c] / (support.total_minutes or 1):.0f} %"),
        )
        for c in ranked
    ]
    says = f"Minutes. “{_cause(ranked[0])}” costs most." if ranked else ""
    total = sum(support.tickets_of.values())
    return Chart(
        "causes",
        "Support by cause",
        says,
        "bars",
        charts.stacked(names, series) if series else None,
        ["Cause", "Tickets", "Minutes", "Share"],
        rows,
        f"{total} tickets resolved",
        links.tickets("resolved"),
        "cause asked at resolve",
        "Nothing was resolved in this period.",
    )


def _cause(cause: str) -> str:
    return str(Cause(cause).label) if cause else "Not said"

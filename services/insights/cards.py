"""The charts: a conclusion, a picture, and the same as a table with links."""

from typing import Any

from portal.shell import charts, times
from portal.shell.charts import Series
from services.helpdesk.states import Cause
from services.insights.queries import Adoption, HopTime, Median, Support
from services.insights.shapes import Cell, Chart, Links
from services.onboarding.models import State

# Colours in this order; causes beyond the fifth share the last one.
COLOURS = ["f1", "f2", "f3", "f4", "f5"]


def adoption(adoption: Adoption, names: list[str], links: Links) -> Chart:
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


def teams(adoption: Adoption, links: Links) -> Chart:
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


def hops(hops: list[HopTime], lead: Median, links: Links) -> Chart:
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


def states(states: Any, links: Links) -> Chart:
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


def tickets(support: Support, names: list[str], links: Links) -> Chart:
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


def causes(support: Support, names: list[str], links: Links) -> Chart:
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

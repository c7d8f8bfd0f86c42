"""The four numbers at the top: each with what changed since the period before."""

from datetime import timedelta

from portal.shell import charts, times
from services.insights.queries import Adoption, Median, Scope, Support
from services.insights.shapes import Links, Tile


def services(adoption: Adoption, links: Links) -> Tile:
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


def median(name: str, found: Median, url: str) -> Tile:
    curve = charts.spark([t.total_seconds() for t in found.by_bucket if t is not None])
    if found.now is None:
        return Tile(name, "none", "", "nothing in this period", None, True, None, url)
    change, better = "no period before to compare with", None
    if found.before is not None:
        gap = found.now - found.before
        better = gap < timedelta()
        change = f"{times.span(abs(gap))} {'faster' if better else 'slower'}"
    return Tile(name, times.span(found.now), "", change, better, not better, curve, url)


def minutes(support: Support, scope: Scope, links: Links) -> Tile:
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

"""Which days a page of numbers speaks of."""

from datetime import date

import pytest

from services.insights.periods import Period, label, read

TODAY = date(2026, 11, 20)  # a Friday


def asked(**query: str) -> Period:
    return read(query, TODAY)


@pytest.mark.parametrize(
    ("query", "first", "unit", "count"),
    [
        ({}, date(2026, 8, 31), "week", 12),
        ({"range": "4w"}, date(2026, 10, 26), "week", 4),
        ({"range": "year"}, date(2025, 12, 1), "month", 12),
        ({"range": "nonsense"}, date(2026, 8, 31), "week", 12),
    ],
)
def test_named_ranges_begin_with_whole_weeks_and_months(query, first, unit, count) -> None:
    period = asked(**query)
    assert (period.first, period.last, period.unit) == (first, TODAY, unit)
    assert len(period.buckets) == count
    assert period.buckets[0] == first


@pytest.mark.parametrize(
    "query",
    [
        {"from": "2026-02-30", "to": "2026-03-01"},
        {"from": "2026-03-02", "to": "2026-03-01"},
        {"from": "1999-01-01", "to": "2026-03-01"},
        {"from": "yesterday", "to": "today"},
        {"from": "2026-03-01"},
    ],
)
def test_dates_that_make_no_sense_give_the_default(query) -> None:
    assert asked(**query).key == "12w"


def test_own_dates() -> None:
    period = asked(**{"from": "2026-11-01", "to": "2026-11-10"})
    assert (period.key, period.days, period.unit, len(period.buckets)) == ("custom", 10, "day", 10)
    assert period.query == {"from": "2026-11-01", "to": "2026-11-10"}
    assert period.words == "1 Nov 2026 to 10 Nov 2026"
    assert (period.end - period.start).days == 10


def test_the_period_before_is_as_long_and_ends_the_day_before() -> None:
    period = asked(**{"from": "2026-11-01", "to": "2026-11-10"})
    assert (period.before.first, period.before.last) == (date(2026, 10, 22), date(2026, 10, 31))


def test_buckets_hold_their_first_days() -> None:
    weeks = asked(**{"from": "2026-10-01", "to": "2026-11-10"})
    assert weeks.buckets[0] == date(2026, 9, 28)
    months = asked(**{"from": "2025-12-15", "to": "2026-11-10"})
    assert (months.buckets[0], months.buckets[-1]) == (date(2025, 12, 1), date(2026, 11, 1))
    assert (label(date(2026, 8, 31), "week"), label(date(2026, 8, 1), "month")) == ("31 Aug", "Aug")

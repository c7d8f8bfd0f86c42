from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from portal.shell import times

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _in_utc():
    with timezone.override(UTC):
        yield


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (45, "45 s"),
        (60, "1 min"),
        (59 * 60 + 59, "59 min"),
        (3600, "1 h"),
        (5460, "1 h 31 min"),
        (86400, "1 d"),
        (90000, "1 d 1 h"),
    ],
)
def test_span(seconds, text):
    assert times.span(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("before", "text"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(minutes=14), "14 min ago"),
        (timedelta(hours=5, minutes=59), "5 h ago"),
        (timedelta(hours=7), "today 05:00"),
        (timedelta(hours=20), "yesterday 16:00"),
        (timedelta(days=15), "5 Nov"),
        (timedelta(days=400), "16 Oct 2025"),
        (timedelta(hours=-2), "in 2 h"),
    ],
)
def test_ago(before, text):
    assert times.ago(NOON - before, NOON) == text


def test_clock_adds_the_day_when_it_is_another_one():
    assert times.clock(NOON, NOON) == "12:00"
    assert times.clock(NOON - timedelta(days=2), NOON) == "18 Nov 12:00"


@pytest.mark.parametrize(
    ("hour", "text"), [(6, "Good morning"), (13, "Good afternoon"), (20, "Good evening"), (2, "Good evening")]
)
def test_greeting(hour, text):
    assert times.greeting(NOON.replace(hour=hour)) == text


@pytest.mark.parametrize("text", ["9999-12-31", "0001-01-01", "2026-02-30", "soon", ""])
def test_days_nobody_can_count_with_mean_nothing(text):
    assert times.parse_day(text) is None


def test_midnight_of_the_last_days_of_the_calendar():
    assert times.midnight(date.max, days=1) is None
    assert times.midnight(date.min) is None
    assert times.midnight(date(2026, 11, 20), days=1).isoformat().startswith("2026-11-21T00:00")

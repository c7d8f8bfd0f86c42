"""Working time: several intervals, holidays, nights on which the clocks change."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.helpdesk import hours
from services.helpdesk.hours import Hours

BERLIN = ZoneInfo("Europe/Berlin")
LUNCH = (("09:00", "12:30"), ("13:30", "18:00"))
OFFICE = Hours("Europe/Berlin", (LUNCH,) * 5 + ((), ()), "DE", "BE")
NIGHT = Hours("Europe/Berlin", ((("00:00", "24:00"),),) * 7, special=((date(2026, 12, 24), LUNCH),))


def at(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("start", "end", "worked"),
    [
        ("2026-11-02T09:00", "2026-11-02T18:00", 8.0),  # lunch does not count
        ("2026-11-02T12:00", "2026-11-02T14:00", 1.0),
        ("2026-11-06T17:00", "2026-11-09T10:00", 2.0),  # a weekend between
        ("2026-12-25T00:00", "2026-12-26T23:00", 0.0),  # Christmas
        ("2026-03-08T00:00", "2026-03-09T00:00", 0.0),  # a Sunday, and a holiday in Berlin
        ("2026-11-02T18:00", "2026-11-02T09:00", 0.0),  # turned
    ],
)
def test_working_time_lies_where_somebody_is_there(start: str, end: str, worked: float) -> None:
    assert hours.between(OFFICE, at(start), at(end)) == timedelta(hours=worked)


def test_a_region_has_holidays_of_its_own() -> None:
    day = (at("2027-03-08T00:00"), at("2027-03-09T00:00"))  # women's day, a Monday
    assert hours.between(OFFICE, *day) == timedelta()
    assert hours.between(Hours("Europe/Berlin", OFFICE.week, "DE", "BY"), *day) == timedelta(hours=8)
    assert (hours.holiday("DE", "BE", date(2027, 3, 8)) != "", hours.holiday("", "", date(2027, 3, 8))) == (
        True,
        "",
    )


@pytest.mark.parametrize(("day", "worked"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-12-24", 8)])
def test_a_day_is_as_long_as_it_is(day: str, worked: int) -> None:
    start = at(f"{day}T00:00")
    end = at((date.fromisoformat(day) + timedelta(days=1)).isoformat() + "T00:00")
    assert hours.between(NIGHT, start, end) == timedelta(hours=worked)


def test_special_days_go_before_holidays_and_closed_ones_open_nothing() -> None:
    shut = Hours(
        "Europe/Berlin", OFFICE.week, "DE", "", ((date(2026, 11, 2), ()), (date(2026, 12, 25), LUNCH))
    )
    assert not hours.is_open(shut, at("2026-11-02T10:00"))
    assert hours.is_open(shut, at("2026-12-25T10:00"))
    assert hours.opens_next(shut, at("2026-11-02T10:00")) == at("2026-11-03T09:00")
    never = Hours("UTC", ((),) * 7)
    assert hours.after(never, at("2026-11-02T10:00"), timedelta(minutes=1)) is None


moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(
    lambda naive: naive.replace(tzinfo=UTC)
)
spans = st.timedeltas(timedelta(), timedelta(days=12))


@st.composite
def calendars(draw: st.DrawFn) -> Hours:
    def day() -> hours.Intervals:
        edges = sorted(draw(st.sets(st.integers(0, 96), max_size=6)))
        texts = [f"{edge // 4:02}:{edge % 4 * 15:02}" for edge in edges]
        return tuple(zip(texts[::2], texts[1::2], strict=False))

    zone = draw(
        st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
    )
    return Hours(zone, tuple(day() for _ in range(7)), draw(st.sampled_from(["", "DE", "US"])))


@settings(max_examples=60, deadline=None)
@given(calendars(), moments, spans, spans)
def test_working_time_adds_up(calendar: Hours, start: datetime, one: timedelta, two: timedelta) -> None:
    """However a stretch is cut, its parts make the whole; and none is longer than the time that passed."""
    middle, end = start + one, start + one + two
    parts = hours.between(calendar, start, middle) + hours.between(calendar, middle, end)
    assert parts == hours.between(calendar, start, end) <= end - start


@settings(max_examples=60, deadline=None)
@given(calendars(), moments, st.timedeltas(timedelta(seconds=1), timedelta(days=3)))
def test_a_deadline_is_the_first_moment_at_which_the_time_is_over(
    calendar: Hours, start: datetime, span: timedelta
) -> None:
    due = hours.after(calendar, start, span)
    assume(due is not None)
    assert hours.between(calendar, start, due) == span
    assert hours.between(calendar, start, due - timedelta(microseconds=1)) < span


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", ()),
        ("9-12", (("09:00", "12:00"),)),
        ("13:30–24, 09:00-12:30", (("09:00", "12:30"), ("13:30", "24:00"))),
    ],
)
def test_days_are_read_as_people_write_them(text: str, read: hours.Intervals) -> None:
    assert hours.read_day(text) == read
    assert hours.read_day(hours.write_day(read)) == read


@pytest.mark.parametrize(
    "text", ["nine to five", "09:00", "18:00-09:00", "9-12, 11-13", "24:30-25:00", "9-9:61", "-"]
)
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        hours.read_day(text)


def test_unknown_countries_are_refused() -> None:
    with pytest.raises(LookupError):
        hours.regions("XX")
    assert "BE" in hours.regions("DE")
    assert hours.holiday("XX", "", date(2026, 12, 25)) == ""


@pytest.mark.parametrize(
    ("zone", "day", "interval", "opens", "closes"),
    [
        ("America/New_York", "2026-03-08", ("02:15", "03:30"), "03:00", "03:30"),
        ("America/New_York", "2026-03-08", ("01:00", "02:30"), "01:00", "03:00"),
        ("America/Santiago", "2026-09-06", ("00:00", "08:00"), "01:00", "08:00"),
        ("America/Santiago", "2026-09-05", ("20:00", "24:00"), "20:00", "01:00"),
        ("Australia/Lord_Howe", "2026-10-04", ("02:10", "02:20"), None, None),
        ("Europe/Berlin", "2026-10-25", ("00:00", "02:00"), "00:00", "02:00"),
    ],
)
def test_a_time_the_clocks_leap_over_is_the_moment_of_the_leap(zone, day, interval, opens, closes) -> None:
    place = ZoneInfo(zone)
    calendar = Hours(zone, ((),) * 7, special=((date.fromisoformat(day), (interval,)),))
    start = at(f"{day}T12:00", place) - timedelta(hours=24)
    windows = list(hours.windows(calendar, start, start + timedelta(days=2)))
    found = [tuple(f"{end.astimezone(place):%H:%M}" for end in window) for window in windows]
    assert found == ([(opens, closes)] if opens else [])
    assert all(closes - opens <= timedelta(hours=8) for opens, closes in windows)

"""The clocks of promises against an oracle that looks at every minute, one after the other.

It knows nothing of windows or sums: for each minute it asks what the calendar on the wall says, whether the
clock is wanted and whether it stands still, and counts. `SLIPWAY_EXAMPLES=500` compares more.
"""

import os
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.helpdesk import clocks
from services.helpdesk.clocks import ASKER, DESK, FIRST, NEXT, RESOLUTION, Moment, Promise
from services.helpdesk.hours import DAYS, Hours, Intervals

EXAMPLES = int(os.environ.get("SLIPWAY_EXAMPLES", "15"))
MINUTE = timedelta(minutes=1)
# Where clocks change by an hour, by half an hour, at midnight, and never; and the days on which they do.
ZONES = {
    "Europe/Berlin": ["2026-03-28", "2026-10-24"],
    "America/New_York": ["2026-03-07", "2026-10-31"],
    "Australia/Lord_Howe": ["2026-04-04", "2026-10-03"],
    "America/Santiago": ["2026-04-04", "2026-09-05"],
    "Asia/Kolkata": ["2026-08-14"],
    "UTC": ["2026-12-24"],
}
OPEN = ["new", "triaged", "in_progress", "waiting_requester", "waiting_external", "converted"]
OVER = ["resolved", "duplicate"]


@cache
def free_days(country: str, year: int) -> set[date]:
    return set(holidays.country_holidays(country, years=year))


def intervals(calendar: Hours, day: date) -> Intervals:
    special = dict(calendar.special)
    if day in special:
        return special[day]
    free = calendar.country and day in free_days(calendar.country, day.year)
    return () if free else calendar.week[day.weekday()]


@lru_cache(2000)
def open_minutes(calendar: Hours, day: date) -> set[datetime]:
    """The minutes of a local day in which somebody is there: they come with the first minute at which the
    clock on the wall has reached the opening, and leave after the last one before the closing.
    """
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=14)
    zone, walls = ZoneInfo(calendar.zone), {}
    for number in range(54 * 60):
        local = (at := start + MINUTE * number).astimezone(zone)
        if local.date() == day:
            walls[at] = local.isoformat()[11:16]
    found: set[datetime] = set()
    for opens, closes in intervals(calendar, day):
        come = min((at for at, wall in walls.items() if wall >= opens), default=None)
        leave = max((at for at, wall in walls.items() if wall < closes), default=None)
        found |= {at for at in walls if come and leave and come <= at <= leave}
    return found


def is_open(calendar: Hours, at: datetime) -> bool:
    return at in open_minutes(calendar, at.astimezone(ZoneInfo(calendar.zone)).date())


class Naive:
    """One clock, run minute by minute from the opening."""

    def __init__(self, kind: str, story: list[Moment], promise: Promise, now: datetime) -> None:
        self.kind, self.promise = kind, promise
        self.wanted = self.answered = self.over = False
        self.state, self.spent, self.late = "", timedelta(), None
        self.began = False
        at, coming = story[0].at, list(story)
        while at < now or (coming and coming[0].at <= at):
            while coming and coming[0].at <= at:
                self.hear(coming.pop(0))
            if at < now:
                self.tick(at)
                at += MINUTE

    def hear(self, moment: Moment) -> None:
        self.state = moment.to or self.state
        done = moment.to in (*OVER, "closed")
        if self.kind == FIRST:
            if not self.began:
                self.began = self.wanted = True
            if moment.said == DESK or done:
                self.end()
        elif self.kind == NEXT:
            if moment.said == ASKER and self.answered and not self.wanted:
                self.began, self.wanted, self.over = True, True, False
                self.spent, self.late = timedelta(), None
            elif moment.said == DESK or done:
                self.answered = self.answered or moment.said == DESK
                self.end()
        elif moment.to:
            self.began = True
            self.wanted, self.over = not done, done

    def end(self) -> None:
        self.over = self.over or self.wanted
        self.wanted = False

    def tick(self, at: datetime) -> None:
        stands = self.state in self.promise.pauses or self.state in (*OVER, "closed")
        if self.wanted and not stands and is_open(self.promise.hours, at):
            if self.spent == self.promise.targets[self.kind] and self.late is None:
                self.late = at
            self.spent += MINUTE


@st.composite
def calendars(draw: st.DrawFn, zone: str, around: date) -> Hours:
    """Up to three intervals a day on quarters of an hour, a country's holidays, days of their own."""

    def day() -> tuple[tuple[str, str], ...]:
        edges = sorted(draw(st.sets(st.integers(0, 96), max_size=6)))
        texts = [f"{edge // 4:02}:{edge % 4 * 15:02}" for edge in edges]
        return tuple(zip(texts[::2], texts[1::2], strict=False))

    special = {
        around + timedelta(days=draw(st.integers(0, 3))): day() for _ in range(draw(st.integers(0, 2)))
    }
    country = draw(st.sampled_from(["", "DE", "US", "CL", "IN"]))
    return Hours(zone, tuple(day() for _ in DAYS), country, "", tuple(sorted(special.items())))


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[Moment], Promise, datetime]:
    """A story of whole minutes around a night on which the clocks change, its promise, and a moment in it."""
    zone = draw(st.sampled_from(sorted(ZONES)))
    around = date.fromisoformat(draw(st.sampled_from(ZONES[zone])))
    start = datetime(around.year, around.month, around.day, tzinfo=UTC) + MINUTE * draw(st.integers(0, 900))
    gaps = draw(st.lists(st.integers(1, 900), max_size=7))
    story, at, state = [Moment(start, to="new")], start, "new"
    for gap in gaps:
        at += MINUTE * gap
        to = draw(st.sampled_from([*OPEN, *OVER, DESK, ASKER, ASKER, DESK]))
        if to in (DESK, ASKER):
            story.append(Moment(at, said=to))
        elif to != state and (state not in OVER or to not in OVER):
            story.append(Moment(at, to=to))
            state = to
    minutes = {kind: MINUTE * draw(st.integers(1, 1500)) for kind in (FIRST, NEXT, RESOLUTION)}
    pauses = draw(st.sets(st.sampled_from(["waiting_requester", "waiting_external", "converted"])))
    promise = Promise(minutes, draw(calendars(zone, around)), frozenset(pauses))
    return story, promise, at + MINUTE * draw(st.integers(0, 1500))


@pytest.mark.timeout(60 + EXAMPLES)
@settings(
    max_examples=EXAMPLES, deadline=None, database=None, derandomize=EXAMPLES == 15,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(lives())
def test_clocks_say_what_somebody_says_who_looks_every_minute(life) -> None:
    story, promise, now = life
    found = clocks.read(story, promise, now)
    for kind in promise.targets:
        naive = Naive(kind, story, promise, now)
        assert (kind in found) == naive.began, kind
        if kind not in found:
            continue
        clock = found[kind]
        assert clock.spent == naive.spent, kind
        assert clock.over == naive.over, kind
        assert clock.is_late == (naive.spent > clock.target), kind
        if naive.late is not None:
            # The deadline is where the last promised minute ended; the first late one comes when somebody
            # is there again.
            assert clock.late_at is not None
            assert clock.late_at <= naive.late
            assert Naive(kind, story, promise, max(clock.late_at, story[0].at)).spent <= clock.target
        if clock.due_at is not None and not clock.is_late and clock.due_at - now < timedelta(days=4):
            assert Naive(kind, story, promise, clock.due_at).spent == clock.target
            assert Naive(kind, story, promise, clock.due_at - MINUTE).spent == clock.target - MINUTE

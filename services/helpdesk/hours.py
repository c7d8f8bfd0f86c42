"""When somebody is there: several intervals a day, a time zone, holidays; and how much of it lies between two
moments.

Pure: no Django, no database. All lengths are of real time: a night on which the clocks change has an hour
less or more.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = timedelta(days=1)
MIDNIGHT = "24:00"
FARTHEST = 366 * 3  # days looked ahead for a deadline; a calendar that is never open gives none
Window = tuple[datetime, datetime]
Intervals = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Hours:
    """Opening hours. `week` has a tuple of ("09:00", "12:30") pairs for each day, Monday first; `special` are
    days with hours of their own, none for closed.
    """

    zone: str = "UTC"
    week: tuple[Intervals, ...] = ((("00:00", MIDNIGHT),),) * 7
    country: str = ""
    region: str = ""
    special: tuple[tuple[date, Intervals], ...] = field(default=())

    @property
    def is_always(self) -> bool:
        whole = (("00:00", MIDNIGHT),)
        return all(day == whole for day in self.week) and not self.country and not self.special


ALWAYS = Hours()


def windows(hours: Hours, start: datetime, end: datetime) -> Iterator[Window]:
    """The open stretches between two moments, cut to them, in order and never overlapping."""
    if hours.is_always:
        if start < end:
            yield start, end
        return
    zone = ZoneInfo(hours.zone)
    day, last = start.astimezone(zone).date() - DAY, end.astimezone(zone).date()
    reached = start
    while day <= last:
        for opens, closes in _day(hours, day):
            opens, closes = max(opens, reached), min(closes, end)
            if opens < closes:
                yield opens, closes
                reached = closes
        day += DAY


def between(hours: Hours, start: datetime, end: datetime) -> timedelta:
    """How much working time lies between two moments; nothing when `end` is not later."""
    return sum((closes - opens for opens, closes in windows(hours, start, end)), timedelta())


def after(hours: Hours, start: datetime, span: timedelta) -> datetime | None:
    """The moment at which `span` of working time has passed since `start`: the earliest such moment.

    None when the calendar does not open for years. A span of nothing is over at once.
    """
    if span <= timedelta():
        return start
    if hours.is_always:
        return start + span
    for opens, closes in windows(hours, start, start + FARTHEST * DAY):
        if span <= closes - opens:
            return opens + span
        span -= closes - opens
    return None


def is_open(hours: Hours, at: datetime) -> bool:
    return any(True for _ in windows(hours, at, at + timedelta(microseconds=1)))


def opens_next(hours: Hours, at: datetime) -> datetime | None:
    """When somebody is there again: `at` itself when somebody is."""
    return next((opens for opens, _ in windows(hours, at, at + 60 * DAY)), None)


@lru_cache(maxsize=4096)
def _day(hours: Hours, day: date) -> tuple[Window, ...]:
    """The open stretches of one local day, in UTC, merged where they touch."""
    zone = ZoneInfo(hours.zone)
    found: list[Window] = []
    for opens, closes in sorted(_intervals(hours, day)):
        window = _moment(day, opens, zone, fold=0), _moment(day, closes, zone, fold=1)
        if found and window[0] <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], window[1])
        elif window[0] < window[1]:
            found.append(window)
    return tuple(found)


def _intervals(hours: Hours, day: date) -> Intervals:
    for special, intervals in hours.special:
        if special == day:
            return intervals
    return () if holiday(hours.country, hours.region, day) else hours.week[day.weekday()]


def _moment(day: date, text: str, zone: ZoneInfo, *, fold: int) -> datetime:
    """A local time as a moment; of one that comes twice opening takes the first, closing the second, unless
    that is where the clocks were put back to. One that never comes, for the clocks leap over it, is the
    moment of the leap.
    """
    if text == MIDNIGHT:
        day, text = day + DAY, "00:00"
    local = datetime.combine(day, time.fromisoformat(text))
    first, second = (local.replace(tzinfo=zone, fold=each).astimezone(UTC) for each in (0, 1))
    if second < first:
        return _leap(second, first, zone)
    until = (second - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None)
    return second if fold and until < local else first


def _leap(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The moment between these two at which the clocks of a zone change, which they do on a whole second."""
    offset = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after


def holiday(country: str, region: str, day: date) -> str:
    """The name of a public holiday, or nothing."""
    return _holidays(country, region, day.year).get(day, "") if country else ""


@lru_cache(maxsize=64)
def _holidays(country: str, region: str, year: int) -> dict[date, str]:
    import holidays  # its tables are read when a calendar needs them

    if country not in holidays.list_supported_countries(include_aliases=False):
        return {}
    return dict(holidays.country_holidays(country, subdiv=region or None, years=year, language="en_US"))


def regions(country: str) -> tuple[str, ...]:
    """The parts of a country that have holidays of their own. Refuses (LookupError) an unknown country."""
    import holidays

    known = holidays.list_supported_countries(include_aliases=False)
    if country not in known:
        raise LookupError(country)
    return tuple(known[country])


def read_day(text: str) -> Intervals:
    """ "09:00-12:30, 13:30-18:00" as intervals. Refuses (ValueError) what is turned or overlaps."""
    found = sorted(_interval(part) for part in text.replace("–", "-").split(",") if part.strip())
    for (_, closes), (opens, _) in pairwise(found):
        if opens < closes:
            raise ValueError(f"Two intervals overlap at {opens}.")
    return tuple(found)


def _interval(text: str) -> tuple[str, str]:
    opens, dash, closes = (part.strip() for part in text.partition("-"))
    if not dash:
        raise ValueError(f"“{text.strip()}” is no interval; write 09:00-12:30.")
    opens, closes = _clock(opens), _clock(closes)
    if opens >= closes:
        raise ValueError(f"{opens}-{closes} ends before it begins; a night is two intervals.")
    return opens, closes


def _clock(text: str) -> str:
    hour, colon, minute = text.partition(":")
    minute = minute if colon else "00"
    if not (hour.isdecimal() and minute.isdecimal() and len(hour) <= 2 and len(minute) == 2):
        raise ValueError(f"“{text}” is no time of day.")
    if (int(hour), int(minute)) > (24, 0) or int(minute) > 59:
        raise ValueError(f"“{text}” is no time of day.")
    return f"{int(hour):02}:{minute}"


def write_day(intervals: Iterable[Iterable[str]]) -> str:
    return ", ".join("-".join(pair) for pair in intervals)

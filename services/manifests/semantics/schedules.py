"""Cron schedules as robfig/cron v3 reads them (the library inside Kubernetes), and their time zones."""

import calendar
from collections.abc import Iterator
from functools import lru_cache
from zoneinfo import available_timezones

from services.manifests import pointers
from services.manifests.objects import Object, kind
from services.manifests.pointers import Path
from services.manifests.problems import Problem, Rule

BAD_SCHEDULE = Rule(
    "bad-schedule",
    "Not a cron schedule",
    "Five fields: minute, hour, day, month, weekday; the API refuses others, and some dates never come.",
    {"": "block"},
    (9,),
)
EVERY_MINUTE = Rule(
    "every-minute",
    "A job every minute",
    "Starting a pod takes seconds and leaves litter; what must run each minute is a worker, not a job.",
    {"": "warn"},
    (9,),
)
TIME_ZONE = Rule(
    "bad-time-zone",
    "A time zone nobody knows",
    "Names are those of the IANA database, such as Europe/Berlin; TZ= inside the schedule is refused.",
    {"": "block"},
    (9,),
)

FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 6))
MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}
WEEKDAYS = {"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}
MACROS = frozenset({"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"})
DAYS_IN_MONTH = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
SCHEDULE: Path = ("spec", "schedule")
ZONE: Path = ("spec", "timeZone")


class BadSchedule(ValueError):
    """What is wrong with it, in words."""


def parse(schedule: str) -> tuple[frozenset[int], ...]:
    """The values each of the five fields allows; refuses what never comes."""
    parts = schedule.split()
    if len(parts) != len(FIELDS):
        raise BadSchedule(f"{len(parts)} fields where five are wanted: minute hour day month weekday")
    fields = tuple(_field(text, *field) for text, field in zip(parts, FIELDS, strict=True))
    days, months = fields[2], fields[3]
    if parts[4] in ("*", "?") and not any(day <= DAYS_IN_MONTH[month] for month in months for day in days):
        raise BadSchedule("that day is in none of these months")
    return fields


def _field(text: str, what: str, low: int, high: int) -> frozenset[int]:
    return frozenset(value for part in text.split(",") for value in _range(part, what, low, high))


def _range(part: str, what: str, low: int, high: int) -> range:
    span, slash, step_text = part.partition("/")
    step = int(step_text) if step_text.isdecimal() else 0 if slash else 1
    if step < 1:
        raise BadSchedule(f"{part!r} is not a step for the {what}")
    if span in ("*", "?"):
        return range(low, high + 1, step)
    first, dash, last = span.partition("-")
    start = _value(first, what)
    end = _value(last, what) if dash else high if slash else start
    if not low <= start <= end <= high:
        raise BadSchedule(f"{part!r} is not a {what} from {low} to {high}")
    return range(start, end + 1, step)


def _value(text: str, what: str) -> int:
    names = {"month": MONTHS, "weekday": WEEKDAYS}.get(what, {})
    if text.lower() in names:
        return names[text.lower()]
    if not text.isdecimal():
        raise BadSchedule(f"{text!r} is not a {what}")
    return int(text)


def schedule(obj: Object) -> Iterator[Problem]:
    given = pointers.find(obj, SCHEDULE)
    if kind(obj) != "CronJob" or not isinstance(given, str):
        return
    if given.startswith(("TZ=", "CRON_TZ=")):
        zone, _, rest = given.partition("=")[2].partition(" ")
        changes = {SCHEDULE: rest.strip(), ZONE: zone}
        yield Problem(
            TIME_ZONE, SCHEDULE, "the time zone belongs into timeZone", changes, f"Use timeZone {zone}"
        )
        return
    yield from _readable(given)


def _readable(given: str) -> Iterator[Problem]:
    if given in MACROS or given.startswith("@every "):
        return
    try:
        fields = parse(given)
    except BadSchedule as error:
        yield Problem(BAD_SCHEDULE, SCHEDULE, f"{given!r}: {error}")
        return
    if len(fields[0]) == 60 and len(fields[1]) == 24:
        changes = {SCHEDULE: "*/5 * * * *"}
        yield Problem(
            EVERY_MINUTE, SCHEDULE, f"{given!r} starts a pod every minute", changes, "Every five minutes"
        )


@lru_cache(maxsize=1)
def known_zones() -> frozenset[str]:
    """Looking through the database takes longer than everything else here."""
    return frozenset(available_timezones())


def time_zone(obj: Object) -> Iterator[Problem]:
    zone = pointers.find(obj, ZONE)
    if kind(obj) == "CronJob" and isinstance(zone, str) and zone not in known_zones():
        yield Problem(TIME_ZONE, ZONE, f"{zone!r} is not in the time zone database")


CHECKS = (schedule, time_zone)

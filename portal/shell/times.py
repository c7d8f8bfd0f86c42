"""Times and durations as people say them. `static/js/live.js` counts on with the same words."""

from datetime import date, datetime, time, timedelta

from django.utils import timezone
from django.utils.dateparse import parse_date

RECENT = timedelta(hours=6)
# What a calendar of ours can count with; other days mean nothing.
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2200, 12, 31)


def span(value: timedelta) -> str:
    """ "45 s", "14 min", "1 h 31 min", "3 d 4 h"; the smaller part only where it matters."""
    seconds = max(0, int(value.total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 60:
        return f"{seconds} s"
    if minutes < 60:
        return f"{minutes} min"
    if hours < 24:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{days} d {hours % 24} h" if hours % 24 else f"{days} d"


def ago(at: datetime, now: datetime) -> str:
    age = now - at
    if age < timedelta(0):
        return "in " + span(-age)
    if age < timedelta(minutes=1):
        return "just now"
    if age < timedelta(hours=1):
        return f"{int(age.total_seconds()) // 60} min ago"
    if age < RECENT:
        return f"{int(age.total_seconds()) // 3600} h ago"
    return day(at, now)


def day(at: datetime, now: datetime) -> str:
    """ "today 09:31", "yesterday 17:02", "5 Nov", "5 Nov 2025"."""
    local, today = timezone.localtime(at), timezone.localtime(now).date()
    if local.date() == today:
        return f"today {local:%H:%M}"
    if local.date() == today - timedelta(days=1):
        return f"yesterday {local:%H:%M}"
    return f"{local.day} {local:%b}" if local.year == today.year else f"{local.day} {local:%b %Y}"


def clock(at: datetime, now: datetime) -> str:
    local = timezone.localtime(at)
    if local.date() == timezone.localtime(now).date():
        return f"{local:%H:%M}"
    return f"{local.day} {local:%b} {local:%H:%M}"


def greeting(now: datetime) -> str:
    hour = timezone.localtime(now).hour
    if 5 <= hour < 12:
        return "Good morning"
    return "Good afternoon" if 12 <= hour < 18 else "Good evening"


def parse_day(text: str) -> date | None:
    """A day as addresses write it, 2026-11-20; None for anything else, the thirtieth of February included."""
    try:
        found = parse_date(text)
    except ValueError:
        return None
    return found if found and FIRST_DAY <= found <= LAST_DAY else None


def midnight(day: date | None, *, days: int = 0) -> datetime | None:
    """The first moment of a day, or of one some days later, in the time zone of the page.

    None for no day, and for one so far away that time zones cannot be counted there.
    """
    if day is None or not FIRST_DAY <= day <= LAST_DAY:
        return None
    return timezone.make_aware(datetime.combine(day + timedelta(days=days), time.min))

"""Bookings as days on a page, and as a calendar other programs read (RFC 5545)."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from services.clusters.models import Environment

from .models import Booking

SHOWN_DAYS = 14
LONGEST_LINE = 73


def said(at: datetime) -> str:
    return f"{timezone.localtime(at):%-d %b, %H:%M}"


def field(at: datetime) -> str:
    """As a form's field of date and time holds it, never earlier than `at`."""
    local = timezone.localtime(at)
    return f"{local + timedelta(minutes=1) if local.second else local:%Y-%m-%dT%H:%M}"


def days(rows: Sequence[Booking], now: datetime) -> list[dict[str, Any]]:
    """The next two weeks, day by day: free, partly taken, or taken all of its working hours."""
    first = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    found = []
    for number in range(SHOWN_DAYS):
        begin = first + timedelta(days=number)
        inside = [row for row in rows if row.begins_at < begin + timedelta(days=1) and row.ends_at > begin]
        working = begin + timedelta(hours=8), begin + timedelta(hours=18)
        whole = any(row.begins_at <= working[0] and row.ends_at >= working[1] for row in inside)
        found.append(
            {"day": begin, "rows": inside, "state": "whole" if whole else "part" if inside else "free"}
        )
    return found


def ics(environment: Environment, rows: Iterable[Booking]) -> str:
    """One event for each booking; lines are folded, texts escaped."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Slipway//Bookings//EN",
        f"X-WR-CALNAME:{_text(str(environment))}",
    ]
    for row in rows:
        lines += _event(row)
    return "".join(f"{part}\r\n" for line in [*lines, "END:VCALENDAR"] for part in _folded(line))


def _event(row: Booking) -> list[str]:
    host = settings.BASE_URL.partition("://")[2].partition(":")[0]
    return [
        "BEGIN:VEVENT", f"UID:booking-{row.pk}@{host}", f"DTSTAMP:{_time(row.created_at)}",
        f"DTSTART:{_time(row.begins_at)}", f"DTEND:{_time(row.ends_at)}",
        f"SUMMARY:{_text(f'{row.environment}: {row.purpose}')}", f"DESCRIPTION:{_text(str(row.booked_by))}",
        "END:VEVENT",
    ]  # fmt: skip


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(text: str) -> str:
    plain = "".join(c if c.isprintable() else " " for c in text)
    return plain.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")


def _folded(line: str) -> Iterator[str]:
    """At most 75 bytes a line; what goes on begins with a space."""
    start, size, first = 0, 0, True
    for at, letter in enumerate(line):
        size += len(letter.encode())
        if size > LONGEST_LINE:
            yield ("" if first else " ") + line[start:at]
            start, size, first = at, len(letter.encode()), False
    yield ("" if first else " ") + line[start:]

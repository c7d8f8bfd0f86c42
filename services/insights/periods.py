"""The stretch of time a page of numbers speaks of, the one before it, and the buckets in between."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models.functions import TruncDay, TruncMonth, TruncWeek
from django.utils import timezone

from portal.shell import times

RANGES = [("4w", "4 weeks"), ("12w", "12 weeks"), ("year", "Year")]
DEFAULT = "12w"
LONGEST = timedelta(days=3 * 366)
TRUNCATE = {"day": TruncDay, "week": TruncWeek, "month": TruncMonth}


@dataclass(frozen=True)
class Period:
    """Days from `first` to `last`, both counted. `key` is what the address says."""

    key: str
    first: date
    last: date

    @property
    def start(self) -> datetime:
        return _begin(self.first)

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return _begin(self.last + timedelta(days=1))

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def weeks(self) -> float:
        return self.days / 7

    @property
    def before(self) -> "Period":
        """As many days, just before."""
        return Period("custom", self.first - timedelta(days=self.days), self.first - timedelta(days=1))

    @property
    def unit(self) -> str:
        if self.days <= 14:
            return "day"
        return "week" if self.days <= 26 * 7 else "month"

    @property
    def buckets(self) -> list[date]:
        """The first day of each day, week or month of the period, as the database truncates it."""
        return list(_buckets(self.first, self.last, self.unit))

    def bucket(self, column: str) -> Any:
        """The database's expression for the bucket of a column."""
        return TRUNCATE[self.unit](column)

    @property
    def words(self) -> str:
        return f"{self.first.day} {self.first:%b %Y} to {self.last.day} {self.last:%b %Y}"

    @property
    def query(self) -> dict[str, str]:
        """What a link to the rows of this period carries."""
        return {"from": self.first.isoformat(), "to": self.last.isoformat()}


def read(query: Any, today: date | None = None) -> Period:
    """The period an address asks for; what makes no sense is the default."""
    today = today or timezone.localdate()
    key = query.get("range", "")
    first, last = times.parse_day(query.get("from", "")), times.parse_day(query.get("to", ""))
    if first and last and first <= last and (not key or key == "custom") and last - first <= LONGEST:
        return Period("custom", first, last)
    return _named(key if key in dict(RANGES) else DEFAULT, today)


def _named(key: str, today: date) -> Period:
    if key == "year":
        year, month = divmod(today.year * 12 + today.month - 1 - 11, 12)
        return Period(key, date(year, month + 1, 1), today)
    monday = today - timedelta(days=today.weekday())
    return Period(key, monday - timedelta(weeks={"4w": 3, "12w": 11}[key]), today)


def _buckets(first: date, last: date, unit: str) -> Iterator[date]:
    at = first
    if unit == "week":
        at -= timedelta(days=at.weekday())
    elif unit == "month":
        at = at.replace(day=1)
    while at <= last:
        yield at
        if unit == "month":
            at = (at.replace(day=1) + timedelta(days=32)).replace(day=1)
        else:
            at += timedelta(days=7 if unit == "week" else 1)


def _begin(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def label(day: date, unit: str) -> str:
    """How an axis names a bucket: "31 Aug", or "Aug"."""
    return f"{day:%b}" if unit == "month" else f"{day.day} {day:%b}"

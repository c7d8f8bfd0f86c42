"""Dates as expressions have them: texts such as `2026-11-20`."""

from datetime import date, timedelta


def is_date(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def plus_days(day: str, number: int) -> str:
    """The date so many days later (earlier for a negative number)."""
    return (date.fromisoformat(day) + timedelta(days=number)).isoformat()


def days_between(first: str, last: str) -> int:
    """How many days lead from the first to the last; negative when the last comes before."""
    return (date.fromisoformat(last) - date.fromisoformat(first)).days

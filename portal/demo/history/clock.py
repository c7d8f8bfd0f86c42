"""Working time: people at Larkfield work Monday to Friday, nine to six, in Berlin."""

import math
import random
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

BERLIN = ZoneInfo("Europe/Berlin")
OPENS, CLOSES = time(9), time(18)


def working_moment(now: datetime, days_ago: int, rng: random.Random) -> datetime:
    """Some time on the working day that many days ago (a weekend counts as the Friday before)."""
    day = (now - timedelta(days=days_ago)).astimezone(BERLIN).date()
    while day.weekday() > 4:
        day -= timedelta(days=1)
    start = datetime.combine(day, OPENS, BERLIN)
    return (start + timedelta(minutes=rng.triangular(0, 520, 150))).astimezone(UTC)


def after_working(start: datetime, minutes: float) -> datetime:
    """`start` and so many minutes of working time; nights and weekends pass without counting."""
    at, left = start.astimezone(BERLIN), timedelta(minutes=minutes)
    while True:
        at = _into_working_time(at)
        until = datetime.combine(at.date(), CLOSES, BERLIN)
        if at + left <= until:
            return (at + left).astimezone(UTC)
        left -= until - at
        at = until + timedelta(minutes=1)


def _into_working_time(at: datetime) -> datetime:
    if at.weekday() > 4 or at.time() >= CLOSES:
        at = datetime.combine(at.date() + timedelta(days=1), OPENS, BERLIN)
        return _into_working_time(at)
    return max(at, datetime.combine(at.date(), OPENS, BERLIN))


def around(rng: random.Random, median: float, ninetieth: float) -> float:
    """A waiting time in minutes whose half and nine tenths lie at these values (log-normal)."""
    sigma = math.log(ninetieth / median) / 1.2816
    return max(0.2, median * math.exp(rng.gauss(0, sigma)))

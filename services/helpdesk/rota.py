"""Who is on duty on which day, from turns, changes, absences and holidays. Rows are read once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from services.accounts.models import Delegation
from services.helpdesk import hours
from services.helpdesk.hours import ALWAYS, Hours
from services.helpdesk.models import Rota, RotaChange

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Duty:
    """One day: who, and why it is somebody else than whose turn it is. Nobody on days that are closed."""

    day: date
    person: Any
    second: Any = None
    turn_of: Any = None
    why: str = ""
    closed: str = ""

    @property
    def is_other(self) -> bool:
        return self.person is not None and self.person != self.turn_of


@dataclass(frozen=True)
class Absence:
    person: Any
    first: date
    last: date


@dataclass(frozen=True)
class Plan:
    """A rota with everything that bends it."""

    starts_on: date
    weeks: int
    people: Sequence[Any]
    changes: Sequence[RotaChange] = ()
    absences: Sequence[Absence] = ()
    hours: Hours = ALWAYS

    def turn(self, day: date) -> int:
        """How many turns after the first; before it they count backwards."""
        return (day - self.starts_on).days // (7 * self.weeks)

    def first_day(self, turn: int) -> date:
        return self.starts_on + timedelta(days=7 * self.weeks * turn)

    def turn_holder(self, turn: int) -> Any:
        order = self._order(turn)
        return order[0] if order else None

    def on(self, day: date) -> Duty:
        """Who is on duty that day: a change, else whose turn it is, else the next who is there."""
        order = self._order(self.turn(day))
        whose = order[0] if order else None
        change = next((c for c in self.changes if c.first <= day <= c.last), None)
        if change is not None:
            second = next((p for p in order if p != change.person and not self.is_away(p, day)), None)
            why = change.reason or ("swapped" if change.swap else "stands in")
            return Duty(day, change.person, second, whose, why)
        closed = self._closed(day)
        if closed:
            return Duty(day, None, None, whose, "", closed)
        there = [person for person in order if not self.is_away(person, day)]
        person = there[0] if there else None
        why = f"{whose} is away" if person is not None and person != whose else ""
        return Duty(day, person, there[1] if there[1:] else None, whose, why)

    def at(self, moment: datetime) -> Duty:
        return self.on(moment.astimezone(ZoneInfo(self.hours.zone)).date())

    def days(self, first: date, count: int) -> Iterator[Duty]:
        return (self.on(first + n * DAY) for n in range(count))

    def _order(self, turn: int) -> list[Any]:
        people = list(self.people)
        start = turn % len(people) if people else 0
        return people[start:] + people[:start]

    def is_away(self, person: Any, day: date) -> bool:
        return any(a.person == person and a.first <= day <= a.last for a in self.absences)

    def _closed(self, day: date) -> str:
        """Why nobody is there; nothing on a day with hours. Weekends belong to whose turn it is."""
        for special, intervals in self.hours.special:
            if special == day:
                return "" if intervals else "closed"
        return hours.holiday(self.hours.country, self.hours.region, day)


def the_rota() -> Rota:
    """The one there is; an empty one where nobody has made one yet."""
    return Rota.objects.select_related("calendar").order_by("pk").first() or Rota()


class Desk:
    """The rota and its plan, read when they are asked for."""

    @cached_property
    def rota(self) -> Rota:
        return the_rota()

    @cached_property
    def plan(self) -> Plan:
        if self.rota.pk is None:
            return Plan(self.rota.starts_on, 1, ())
        members = self.rota.members.select_related("person").filter(person__is_active=True)
        changes = self.rota.changes.filter(removed_at=None).select_related("person")
        zone = self.rota.calendar.hours if self.rota.calendar else Hours(settings.TIME_ZONE)
        return Plan(
            self.rota.starts_on,
            self.rota.weeks,
            [member.person for member in members],
            list(changes),
            list(_absences(ZoneInfo(zone.zone))),
            zone,
        )


def _absences(zone: ZoneInfo) -> Iterator[Absence]:
    """Who said on their page that a colleague decides for them, is away."""
    for row in Delegation.objects.filter(ended_at=None).select_related("of"):
        yield Absence(row.of, row.since.astimezone(zone).date(), row.until.astimezone(zone).date())


def on_duty(now: datetime) -> Duty:
    return Desk().plan.at(now)

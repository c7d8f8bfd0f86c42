"""Giving a new ticket to somebody: to who is on duty, or to who has the least to do."""

from datetime import datetime
from typing import Any

from django.db.models import Count

from services.helpdesk.actions.sorting import assign
from services.helpdesk.models import Rota, Ticket
from services.helpdesk.rota import Desk

Giving = Rota.Giving


def give(*, ticket: Ticket, at: datetime, desk: Desk | None = None) -> Ticket:
    """Assign as the rota says; to nobody when it is done by hand, or everybody's hands are full."""
    desk = desk or Desk()
    if desk.rota.giving == Giving.HAND or ticket.assignee_id is not None:
        return ticket
    person = _whom(desk, at)
    return assign(ticket=ticket, to=person, by=None, at=at) if person is not None else ticket


def _whom(desk: Desk, at: datetime) -> Any:
    today = desk.plan.at(at)
    if desk.rota.giving == Giving.ROTA:
        people = [person for person in (today.person, today.second) if person is not None]
    else:
        people = [person for person in desk.plan.people if not desk.plan.is_away(person, today.day)]
    held = open_by(people)
    free = [person for person in people if person.is_platform and held[person.pk] < desk.rota.most_open]
    if desk.rota.giving == Giving.LOAD:
        free.sort(key=lambda person: held[person.pk])
    return free[0] if free else None


def open_by(people: list[Any]) -> dict[int, int]:
    """How many open tickets each of them has."""
    rows = Ticket.objects.open().filter(assignee__in=people).order_by().values_list("assignee")
    found = dict(rows.annotate(n=Count("pk")))
    return {person.pk: found.get(person.pk, 0) for person in people}

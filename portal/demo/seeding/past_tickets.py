"""A year of tickets, written in bulk with the events and audit entries that the actions would have left."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from portal.demo.history.questions import PastTicket, past_tickets
from portal.demo.seeding.people import everybody
from services.accounts.models import Team, User
from services.audit.models import Event
from services.helpdesk.models import Category, Message, Ticket, TicketEvent
from services.helpdesk.states import CLOSE_AFTER, PRIORITY_MATRIX, State

MARK = "demo-past"
Kind = TicketEvent.Kind


@transaction.atomic
def seed(now: datetime) -> str:
    if Ticket.objects.filter(submission__startswith=MARK).exists():
        return "the past tickets are there"
    people, past = everybody(), past_tickets(now)
    tickets = Ticket.objects.bulk_create(_rows(past, people, now))
    pairs = list(zip(tickets, past, strict=True))
    asked, answers = _messages(pairs, people)
    TicketEvent.objects.bulk_create(
        event
        for (ticket, was), said, answer in zip(pairs, asked, answers, strict=True)
        for event in _events(ticket, was, said, answer)
    )
    Event.objects.bulk_create(_audit(ticket, was) for ticket, was in pairs)
    return f"{len(tickets)} tickets of the past year"


def _rows(past: list[PastTicket], people: Mapping[str, User], now: datetime) -> list[Ticket]:
    categories = {category.slug: category for category in Category.objects.all()}
    teams = {team.slug: team for team in Team.objects.all()}
    return [
        _row(number, was, people, now, category=categories[was.category], teams=teams)
        for number, was in enumerate(past, start=1)
    ]


def _row(
    number: int,
    was: PastTicket,
    people: Mapping[str, User],
    now: datetime,
    *,
    category: Category,
    teams: Mapping[str, Team],
) -> Ticket:
    closed = was.resolved + CLOSE_AFTER + timedelta(minutes=10)
    is_closed = closed < now
    return Ticket(
        title=was.title,
        category=category,
        impact=was.impact,
        urgency=was.urgency,
        priority=PRIORITY_MATRIX[(was.impact, was.urgency)],
        state=State.CLOSED if is_closed else State.RESOLVED,
        state_since=closed if is_closed else was.resolved,
        submission=f"{MARK}-{number}",
        asker=people[was.by.username],
        team=teams[was.by.team],
        queue=teams["platform"],
        assignee=people[was.assignee.username],
        entity_ref=f"component:default/{was.service}",
        environment=was.environment,
        cause=was.cause,
        minutes=was.minutes,
        created_at=was.opened,
        updated_at=closed if is_closed else was.resolved,
        first_response_at=was.answered,
        resolved_at=was.resolved,
        closed_at=closed if is_closed else None,
        version=6 if is_closed else 5,
    )


def _messages(
    pairs: list[tuple[Ticket, PastTicket]], people: Mapping[str, User]
) -> tuple[list[Message], list[Message]]:
    asked = [
        Message(ticket=ticket, author=ticket.asker, body=was.body, created_at=was.opened, version=1)
        for ticket, was in pairs
    ]
    answers = [
        Message(ticket=ticket, author=ticket.assignee, body=was.answer, created_at=was.answered, version=3)
        for ticket, was in pairs
    ]
    return Message.objects.bulk_create(asked), Message.objects.bulk_create(answers)


def _events(ticket: Ticket, was: PastTicket, asked: Message, answer: Message) -> list[TicketEvent]:
    by = ticket.assignee
    to = {"from": "", "to": was.assignee.username, "name": was.assignee.name}
    steps: list[dict[str, Any]] = [
        {"kind": Kind.OPENED, "by": ticket.asker, "at": was.opened, "to_state": State.NEW, "message": asked},
        {"kind": Kind.ASSIGNED, "by": by, "at": was.answered, "data": to},
        {"kind": Kind.MESSAGE, "by": by, "at": was.answered, "message": answer},
        _step(by, was.answered, State.NEW, State.IN_PROGRESS),
        _step(by, was.resolved, State.IN_PROGRESS, State.RESOLVED)
        | {"data": {"cause": was.cause, "minutes": was.minutes}},
    ]
    if ticket.closed_at:
        steps.append(_step(None, ticket.closed_at, State.RESOLVED, State.CLOSED))
    return [TicketEvent(ticket=ticket, version=v, **step) for v, step in enumerate(steps, start=1)]


def _step(by: User | None, at: datetime, before: str, after: str) -> dict[str, Any]:
    return {"kind": Kind.STATE, "by": by, "at": at, "from_state": before, "to_state": after}


def _audit(ticket: Ticket, was: PastTicket) -> Event:
    return Event(
        at=was.opened,
        actor=was.by.username,
        actor_name=was.by.name,
        action="ticket.opened",
        object_type="helpdesk.ticket",
        object_id=str(ticket.pk),
        summary=f"{ticket.key} {ticket.title}",
    )

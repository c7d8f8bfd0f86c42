"""What others than the desk do about a ticket: me too, a nudge, calling a colleague in."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from services.audit import actions as audit
from services.helpdesk import rota, rules
from services.helpdesk.actions.base import Kind, happened, locked
from services.helpdesk.actions.escalating import leads
from services.helpdesk.errors import NotAllowed, TooLate
from services.helpdesk.models import MeToo, Ticket
from services.helpdesk.states import PHASES, Phase
from services.notices import actions as notices
from services.notices.actions import Words

NUDGE_AGAIN = timedelta(hours=24)


@transaction.atomic
def me_too(*, ticket: Ticket, by: Any, on: bool = True) -> int:
    """Say that one has the same trouble, or no longer; one follows it then. Returns how many have.

    Refuses tickets one may not see, and one's own.
    """
    ticket = locked(ticket)
    if not rules.can_see(by, ticket):
        raise NotAllowed("This ticket is private.")
    if by.pk == ticket.asker_id:
        raise NotAllowed("It is your own ticket.")
    if on:
        _, changed = MeToo.objects.get_or_create(ticket=ticket, person=by)
        ticket.watchers.add(by)
    else:
        changed = bool(MeToo.objects.filter(ticket=ticket, person=by).delete()[0])
    if changed:
        happened(ticket, Kind.ME_TOO, by=by, at=timezone.now(), data={"on": on})
        audit.record(by=by, action="ticket.me_too", obj=ticket, summary=ticket.key, details={"on": on})
    return ticket.me_toos.count()


def may_nudge(ticket: Ticket, by: Any, now: datetime) -> bool:
    """Whoever waits for the desk, once a day and once after each of its answers."""
    if by.pk != ticket.asker_id or not ticket.is_open or PHASES[ticket.state] == Phase.WAITING_REQUESTER:
        return False
    last = ticket.events.filter(kind=Kind.NUDGE).last()
    return last is None or now - last.at >= NUDGE_AGAIN


@transaction.atomic
def nudge(*, ticket: Ticket, by: Any, at: datetime | None = None) -> Ticket:
    """Remind whoever has it, else who is on duty. Refuses all but the asker, and more than once a day."""
    at = at or timezone.now()
    ticket = locked(ticket)
    if by.pk != ticket.asker_id:
        raise NotAllowed("Only the person who asked nudges.")
    if not may_nudge(ticket, by, at):
        raise TooLate("Once a day is enough: they know.")
    duty = rota.on_duty(at).person
    people = [ticket.assignee] if ticket.assignee else [duty] if duty else leads()
    event = happened(ticket, Kind.NUDGE, by=by, at=at, data={"told": [str(person) for person in people]})
    words = Words(
        f"{ticket.key} {ticket.title}", f"{by} asks how far it is.", ticket.get_absolute_url(), "bell",
        "warn", waits=True,
    )  # fmt: skip
    notices.tell(people=people, key=f"ticket-nudge-{event.pk}", words=words, about=ticket)
    audit.record(by=by, action="ticket.nudged", obj=ticket, summary=ticket.key)
    return ticket


@transaction.atomic
def call_in(*, ticket: Ticket, person: Any, by: Any) -> Ticket:
    """Let a colleague follow a ticket. Refuses those who may not see it, and to show a private one to others
    to all but its asker and the platform.
    """
    ticket = locked(ticket)
    if not rules.can_see(by, ticket):
        raise NotAllowed("This ticket is private.")
    if ticket.private and not rules.can_change_privacy(by, ticket):
        raise NotAllowed("Only the person who asked decides who reads along.")
    if ticket.watchers.filter(pk=person.pk).exists():
        return ticket
    ticket.watchers.add(person)
    data = {"on": True, "name": str(person)}
    happened(ticket, Kind.WATCHER, by=by, at=timezone.now(), data=data)
    words = Words(
        f"{ticket.key} {ticket.title}",
        f"{by} would like you to read along.",
        ticket.get_absolute_url(),
        "bell",
    )
    notices.tell(people=[person], key=f"ticket-called-{ticket.pk}-{person.pk}", words=words, about=ticket)
    audit.record(by=by, action="ticket.called_in", obj=ticket, summary=f"{ticket.key} {person}")
    return ticket

"""Assigning, priority, category, privacy, watching: what sorts a ticket without moving it."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from services.audit import actions as audit
from services.helpdesk import rules
from services.helpdesk.actions.base import Kind, happened, locked
from services.helpdesk.actions.state import change_state
from services.helpdesk.errors import NotAllowed
from services.helpdesk.models import Category, Ticket
from services.helpdesk.states import State


@transaction.atomic
def assign(*, ticket: Ticket, to: Any, by: Any, at: datetime | None = None) -> Ticket:
    """Give a ticket to somebody of the platform, or to nobody (`to=None`). Refuses everybody else, and
    closed ones. What the portal gives by itself (`by=None`) nobody has looked at yet.
    """
    at = at or timezone.now()
    ticket = locked(ticket)
    _refuse_unless_triage(ticket, by)
    if to is not None and not to.is_platform:
        raise NotAllowed(f"{to} does not answer tickets; only people of the platform can be assigned.")
    if ticket.assignee_id == (to.pk if to else None):
        return ticket
    before, ticket.assignee = ticket.assignee, to
    data = {"from": before.get_username() if before else "", "to": to.get_username() if to else ""}
    happened(ticket, Kind.ASSIGNED, by=by, at=at, data={**data, "name": str(to) if to else ""})
    audit.record(
        by=by, action="ticket.assigned", obj=ticket, summary=f"{ticket.key} to {to or 'nobody'}", details=data
    )
    if to is not None and by is not None and ticket.state == State.NEW:
        ticket = change_state(ticket=ticket, to=State.TRIAGED, by=by, at=at)
    return ticket


@transaction.atomic
def set_priority(*, ticket: Ticket, priority: int, by: Any, at: datetime | None = None) -> Ticket:
    """Overrule the priority that impact and urgency gave. Refuses all but the platform, and closed
    tickets.
    """
    ticket = locked(ticket)
    _refuse_unless_triage(ticket, by)
    if ticket.priority == priority:
        return ticket
    data = {"from": ticket.priority, "to": priority}
    ticket.priority = priority
    happened(ticket, Kind.PRIORITY, by=by, at=at or timezone.now(), data=data)
    audit.record(by=by, action="ticket.priority", obj=ticket, summary=ticket.key, details=data)
    return ticket


@transaction.atomic
def set_category(*, ticket: Ticket, category: Category, by: Any, at: datetime | None = None) -> Ticket:
    """Move a ticket to the category it belongs to. Refuses all but the platform, and closed tickets."""
    ticket = locked(ticket)
    _refuse_unless_triage(ticket, by)
    if ticket.category_id == category.pk:
        return ticket
    data = {"from": ticket.category.title, "to": category.title}
    ticket.category = category
    happened(ticket, Kind.CATEGORY, by=by, at=at or timezone.now(), data=data)
    audit.record(by=by, action="ticket.category", obj=ticket, summary=ticket.key, details=data)
    return ticket


@transaction.atomic
def set_private(*, ticket: Ticket, private: bool, by: Any, at: datetime | None = None) -> Ticket:
    """Show a ticket to colleagues or hide it from them. Refuses all but its asker and the platform."""
    ticket = locked(ticket)
    if not rules.can_change_privacy(by, ticket):
        raise NotAllowed("Only the person who asked decides who reads along.")
    if ticket.private == private:
        return ticket
    ticket.private = private
    happened(ticket, Kind.PRIVACY, by=by, at=at or timezone.now(), data={"private": private})
    audit.record(by=by, action="ticket.privacy", obj=ticket, summary=ticket.key, details={"private": private})
    return ticket


@transaction.atomic
def watch(*, ticket: Ticket, by: Any, on: bool = True, at: datetime | None = None) -> Ticket:
    """Follow a ticket, or stop. Refuses tickets one may not see."""
    ticket = locked(ticket)
    if not rules.can_see(by, ticket):
        raise NotAllowed("This ticket is private.")
    if ticket.watchers.filter(pk=by.pk).exists() == on:
        return ticket
    (ticket.watchers.add if on else ticket.watchers.remove)(by)
    happened(ticket, Kind.WATCHER, by=by, at=at or timezone.now(), data={"on": on, "name": str(by)})
    audit.record(by=by, action="ticket.watched" if on else "ticket.unwatched", obj=ticket, summary=ticket.key)
    return ticket


def _refuse_unless_triage(ticket: Ticket, by: Any) -> None:
    if by is not None and not rules.can_triage(by):
        raise NotAllowed("Only people of the platform sort tickets.")
    if ticket.state == State.CLOSED:
        raise NotAllowed("A closed ticket is kept as it is; a reply opens a follow-up.")

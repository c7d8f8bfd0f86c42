"""Who may do what to a ticket; the same predicates serve page, template and API."""

from typing import Any

from services.helpdesk.models import Ticket
from services.helpdesk.states import OPEN_STATES, State


def can_triage(user: Any) -> bool:
    """Members of a team that runs the platform triage, assign, note and resolve."""
    return bool(user.is_authenticated and user.is_platform)


def can_see(user: Any, ticket: Ticket) -> bool:
    """Colleagues see each other's tickets, unless one was asked in private."""
    if not user.is_authenticated:
        return False
    if user.is_platform or not ticket.private:
        return True
    if user.pk is None:  # a token of a team
        return False
    return user.pk in (ticket.asker_id, ticket.assignee_id) or ticket.watchers.filter(pk=user.pk).exists()


def can_reply(user: Any, ticket: Ticket) -> bool:
    """Whoever sees a conversation may join it, unless it goes on in another ticket."""
    return can_see(user, ticket) and ticket.state != State.DUPLICATE


def can_write_note(user: Any) -> bool:
    """Internal notes are written by those who can read them."""
    return can_triage(user)


def can_change_state(user: Any, ticket: Ticket, to: str) -> bool:
    """The platform moves tickets; the asker may answer, say "solved", close and reopen. `None` is the
    portal itself.
    """
    if user is None or can_triage(user):
        return True
    if user.pk != ticket.asker_id:
        return False
    if ticket.state == State.RESOLVED:
        return to in (State.CLOSED, State.IN_PROGRESS)
    if ticket.state == State.WAITING_REQUESTER and to == State.IN_PROGRESS:
        return True
    return ticket.state in OPEN_STATES and to == State.RESOLVED


def can_change_privacy(user: Any, ticket: Ticket) -> bool:
    """The asker decides who reads along; the platform may correct a slip."""
    return can_triage(user) or user.pk == ticket.asker_id

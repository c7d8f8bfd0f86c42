"""The one door through which a ticket changes its state."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from services.audit import actions as audit
from services.helpdesk import rules
from services.helpdesk.actions.base import Kind, happened, locked, refuse_crossing
from services.helpdesk.errors import AnswerMissing, IllegalTransition, NotAllowed, TooLate
from services.helpdesk.models import Message, Ticket
from services.helpdesk.states import (
    CLOSE_AFTER,
    GIVE_UP_WAITING_AFTER,
    OPEN_STATES,
    TAKE_BACK_WITHIN,
    TRANSITIONS,
    Cause,
    State,
)


@transaction.atomic
def change_state(
    *,
    ticket: Ticket,
    to: str,
    by: Any,
    seen: int | None = None,
    cause: str = "",
    minutes: int | None = None,
    duplicate_of: Ticket | None = None,
    converted_to: str = "",
    reason: str = "",
    at: datetime | None = None,
) -> Ticket:
    """The one door through which a ticket changes its state. `by` is None for the portal itself.

    Refuses: a step that TRANSITIONS does not know (IllegalTransition); a person without the right
    (NotAllowed); a page older than the ticket's last step (TicketMoved); reopening after seven days and
    undoing a duplicate after a day (TooLate); resolving by the platform without cause and minutes, a
    duplicate without its original, a conversion without its request (AnswerMissing).
    """
    at = at or timezone.now()
    ticket = locked(ticket)
    _refuse_step(ticket, to, by=by, at=at)
    refuse_crossing(ticket, by=by, seen=seen)
    _refuse_unanswered(
        ticket, to, by=by, cause=cause, minutes=minutes, original=duplicate_of, request=converted_to
    )
    before = ticket.state
    if before == State.DUPLICATE and to in OPEN_STATES:
        _unmerge(ticket)
    ticket.state, ticket.state_since = to, at
    data = _stamp(
        ticket,
        to,
        at=at,
        cause=cause,
        minutes=minutes,
        original=duplicate_of,
        request=converted_to,
        reason=reason,
    )
    happened(ticket, Kind.STATE, by=by, at=at, from_state=before, to_state=to, data=data)
    summary = f"{ticket.key}: {State(before).label} → {State(to).label}"
    audit.record(by=by, action=f"ticket.{to}", obj=ticket, summary=summary, details=data)
    return ticket


@transaction.atomic
def take_back(*, ticket: Ticket, by: Any, at: datetime | None = None) -> Ticket:
    """Undo one's own last step: back to the state before it, with what it had set.

    Refuses what is older than ten minutes (TooLate), the step of somebody else, a ticket on which anything
    was said since, and one that was brought back from where it was merged into (NotAllowed).
    """
    at = at or timezone.now()
    ticket = locked(ticket)
    step = ticket.events.filter(kind=Kind.STATE).last()
    if step is None or step.by_id != by.pk:
        raise NotAllowed("Only your own last step can be taken back.")
    if at - step.at > TAKE_BACK_WITHIN:
        raise TooLate("A step can be taken back for ten minutes.")
    if ticket.events.filter(version__gt=step.version, kind__in=(Kind.MESSAGE, Kind.NOTE)).exists():
        raise NotAllowed("Somebody has said something since; it is too late to take this back.")
    if step.from_state == State.DUPLICATE:
        raise NotAllowed("It was brought back from where it had gone on; merge it again instead.")
    before = ticket.state
    if before == State.DUPLICATE:
        _unmerge(ticket)
    ticket.state, ticket.state_since = step.from_state, at
    _restore(ticket)
    data = {"taken_back": True}
    happened(ticket, Kind.STATE, by=by, at=at, from_state=before, to_state=ticket.state, data=data)
    audit.record(by=by, action="ticket.step_taken_back", obj=ticket, summary=ticket.key)
    return ticket


def _restore(ticket: Ticket) -> None:
    """The columns a state brings with it, as they were when the ticket came into it."""
    steps = ticket.events.filter(kind=Kind.STATE, to_state=ticket.state)
    came = steps.exclude(data__has_key="taken_back").last()
    told = came.data if came else {}
    ticket.closed_at, ticket.duplicate_of = None, None
    ticket.converted_to = told.get("request", "") if ticket.state == State.CONVERTED else ""
    if ticket.state == State.RESOLVED and came is not None:
        ticket.resolved_at = came.at
        ticket.cause, ticket.minutes = told.get("cause", ""), told.get("minutes")
    elif ticket.is_open:
        ticket.resolved_at, ticket.cause, ticket.minutes = None, "", None


@transaction.atomic
def settle(*, ticket: Ticket, now: datetime) -> Ticket:
    """What time alone does: close a settled ticket, resolve one whose asker fell silent. Else nothing, if
    it moved.
    """
    ticket = locked(ticket)
    if ticket.state == State.WAITING_REQUESTER and now - ticket.state_since > GIVE_UP_WAITING_AFTER:
        reason = "No answer for a week. A reply reopens it."
        return change_state(ticket=ticket, to=State.RESOLVED, by=None, reason=reason, at=now)
    if ticket.state == State.RESOLVED and now - ticket.state_since > CLOSE_AFTER:
        return change_state(ticket=ticket, to=State.CLOSED, by=None, at=now)
    if ticket.state == State.DUPLICATE and not ticket.may_undo_duplicate(now):
        return change_state(ticket=ticket, to=State.CLOSED, by=None, at=now)
    return ticket


def _unmerge(ticket: Ticket) -> None:
    """Bring the messages of a merged ticket back to it; nothing for one that was only marked."""
    step = ticket.events.filter(kind=Kind.MERGED, data__has_key="messages").last()
    if step is not None:
        Message.objects.filter(pk__in=step.data["messages"]).update(ticket=ticket)


def _refuse_step(ticket: Ticket, to: str, *, by: Any, at: datetime) -> None:
    if to not in TRANSITIONS[ticket.state]:
        label = State(to).label if to in State.values else to
        raise IllegalTransition(State(ticket.state).label, label)
    if not rules.can_change_state(by, ticket, to):
        raise NotAllowed("Only the person who asked and people of the platform move this ticket.")
    if ticket.state == State.RESOLVED and to != State.CLOSED and not ticket.may_reopen(at):
        raise TooLate("This was resolved more than seven days ago; a reply opens a follow-up.")
    if ticket.state == State.DUPLICATE and to != State.CLOSED:
        _refuse_undo(ticket, to, at=at)


def _refuse_undo(ticket: Ticket, to: str, *, at: datetime) -> None:
    if not ticket.may_undo_duplicate(at):
        raise TooLate("A duplicate can be undone for a day.")
    if to != state_before_duplicate(ticket):
        raise IllegalTransition(State.DUPLICATE.label, State(to).label)


def state_before_duplicate(ticket: Ticket) -> str:
    """Where an undo leads: the state from which the ticket was marked."""
    step = ticket.events.filter(kind=Kind.STATE, to_state=State.DUPLICATE).last()
    return step.from_state if step else State.NEW


def _refuse_unanswered(
    ticket: Ticket,
    to: str,
    *,
    by: Any,
    cause: str,
    minutes: int | None,
    original: Ticket | None,
    request: str,
) -> None:
    asked = to == State.RESOLVED and by is not None and by.pk != ticket.asker_id
    if asked and (cause not in Cause.values or minutes is None):
        raise AnswerMissing(
            "Resolving asks two things: why this had to be a ticket, and how many minutes it took."
        )
    if to == State.DUPLICATE and (original is None or original.pk == ticket.pk):
        raise AnswerMissing("Say which other ticket this one repeats.")
    if to == State.DUPLICATE and original is not None and original.state == State.DUPLICATE:
        raise AnswerMissing(f"{original.key} is a duplicate itself; name the ticket it repeats.")
    if to == State.CONVERTED and not request:
        raise AnswerMissing("Say which request this became.")


def _stamp(
    ticket: Ticket,
    to: str,
    *,
    at: datetime,
    cause: str,
    minutes: int | None,
    original: Ticket | None,
    request: str,
    reason: str,
) -> dict[str, Any]:
    """Set the columns a state brings with it; what is worth telling goes into the event."""
    data: dict[str, Any] = {"reason": reason} if reason else {}
    if to == State.RESOLVED:
        ticket.resolved_at, ticket.cause, ticket.minutes = at, cause, minutes
        data |= {"cause": cause, "minutes": minutes}
    elif to == State.CLOSED:
        ticket.closed_at = at
        ticket.resolved_at = ticket.resolved_at or at
    elif to == State.DUPLICATE and original is not None:
        ticket.duplicate_of = original
        data["original"] = original.key
    elif to == State.CONVERTED:
        ticket.converted_to = request
        data["request"] = request
    elif to in OPEN_STATES:
        ticket.resolved_at, ticket.duplicate_of, ticket.converted_to = None, None, ""
    return data

"""Messages, public and internal, and what follows from them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from services.audit import actions as audit
from services.effects import crashpoints
from services.helpdesk import rules, timing
from services.helpdesk.actions import posting, telling
from services.helpdesk.actions.base import Kind, attach, happened, locked, refuse_crossing
from services.helpdesk.actions.opening import open_ticket
from services.helpdesk.actions.sorting import assign
from services.helpdesk.actions.state import change_state
from services.helpdesk.errors import ContinuesElsewhere, NotAllowed
from services.helpdesk.files import File
from services.helpdesk.models import Message, Ticket
from services.helpdesk.states import TRANSITIONS, Channel, State

crashpoints.declare_commit("ticket.replied")


@transaction.atomic
def reply(
    *,
    ticket: Ticket,
    by: Any,
    body: str,
    internal: bool = False,
    then_wait: bool = False,
    seen: int | None = None,
    channel: str = Channel.WEB,
    external_id: str = "",
    files: Sequence[File] = (),
    at: datetime | None = None,
) -> Message:
    """Say something. What follows from it follows here: an answer clocks, the asker's word ends a wait or
    reopens.

    Refuses a note from those who could not read it, a ticket one may not see, a duplicate
    (ContinuesElsewhere) and a reply written against an older state (TicketMoved). A word from the asker
    after the ticket is closed, or a week after it was resolved, opens a follow-up; the message returned is
    then the follow-up's. The same `external_id` of a channel is one message.
    """
    at = at or timezone.now()
    ticket = locked(ticket)
    known = external_id and Message.objects.filter(channel=channel, external_id=external_id).first()
    if known:
        return known
    _refuse_reply(ticket, by=by, internal=internal)
    refuse_crossing(ticket, by=by, seen=seen)
    if not internal and _is_over(ticket, by=by, at=at):
        return _follow_up(ticket, by=by, body=body, channel=channel, key=external_id, files=files, at=at)
    message = Message.objects.create(
        ticket=ticket,
        author=by,
        internal=internal,
        body=body,
        channel=channel,
        external_id=external_id,
        created_at=at,
        version=ticket.version + 1,
    )
    attach(message, files)
    said = {"side": timing.side_of(ticket, by)}
    happened(ticket, Kind.NOTE if internal else Kind.MESSAGE, by=by, at=at, message=message, data=said)
    audit.record(
        by=by, action="ticket.noted" if internal else "ticket.replied", obj=ticket, summary=ticket.key
    )
    telling.tell(message, by=by, waits=then_wait)
    if not internal:
        _after_public_word(ticket, by=by, then_wait=then_wait, at=at)
        posting.answer(message, by=by)
    crashpoints.around_commit("ticket.replied")
    return message


def _refuse_reply(ticket: Ticket, *, by: Any, internal: bool) -> None:
    if not rules.can_see(by, ticket):
        raise NotAllowed("This ticket is private.")
    if internal and not rules.can_write_note(by):
        raise NotAllowed("Internal notes are for people of the platform.")
    if ticket.state == State.DUPLICATE and not internal:
        raise ContinuesElsewhere(ticket.duplicate_of)
    if ticket.state == State.CLOSED and by.is_platform and by.pk != ticket.asker_id:
        raise NotAllowed(
            "A closed ticket is kept as it is. The person who asked opens a follow-up by replying."
        )


def _is_over(ticket: Ticket, *, by: Any, at: datetime) -> bool:
    """Whether these words begin a ticket of their own: of everybody but those who answered."""
    if by.is_platform and by.pk != ticket.asker_id:
        return False
    return not ticket.is_open and not ticket.may_reopen(at)


def _after_public_word(ticket: Ticket, *, by: Any, then_wait: bool, at: datetime) -> None:
    """The asker's word ends a wait and reopens; the platform's first word stops the clock of the first
    answer.
    """
    if by.pk == ticket.asker_id:
        if ticket.state in (State.WAITING_REQUESTER, State.RESOLVED):
            change_state(ticket=ticket, to=State.IN_PROGRESS, by=by, at=at)
        return
    if not by.is_platform:
        return
    if ticket.first_response_at is None:
        ticket.first_response_at = at
        ticket.save(update_fields=["first_response_at"])
    wanted = State.WAITING_REQUESTER if then_wait else State.IN_PROGRESS
    moves = then_wait or ticket.state in (State.NEW, State.TRIAGED)
    if moves and ticket.state != wanted and wanted in TRANSITIONS[ticket.state]:
        ticket = change_state(ticket=ticket, to=wanted, by=by, at=at)
    if ticket.assignee_id is None:
        assign(ticket=ticket, to=by, by=by, at=at)


def _follow_up(
    ticket: Ticket, *, by: Any, body: str, channel: str, key: str, files: Sequence[File], at: datetime
) -> Message:
    follow_up = open_ticket(
        by=by,
        title=ticket.title,
        body=body,
        category=ticket.category,
        impact=ticket.impact,
        urgency=ticket.urgency,
        entity_ref=ticket.entity_ref,
        environment=ticket.environment,
        private=ticket.private,
        team=ticket.team,
        queue=ticket.queue,
        channel=channel,
        submission=key,
        follows=ticket,
        files=files,
        at=at,
    )
    if ticket.events.filter(kind=Kind.FOLLOW_UP, data__ticket=follow_up.key).exists():
        return follow_up.messages.earliest()
    follow_up.watchers.set(ticket.watchers.all())
    happened(ticket, Kind.FOLLOW_UP, by=by, at=at, data={"ticket": follow_up.key})
    return follow_up.messages.earliest()

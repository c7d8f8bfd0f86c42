"""Replies that can be called back for some seconds, and are held when they cross another."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from services.effects.actions import enqueue
from services.helpdesk import rules
from services.helpdesk.actions.base import refuse_crossing
from services.helpdesk.actions.conversation import reply
from services.helpdesk.errors import HelpdeskError, NotAllowed, TooLate
from services.helpdesk.models import Message, Pending, Ticket

SEND = "helpdesk.send"
UNDO_FOR = timedelta(seconds=10)


@transaction.atomic
def send_soon(
    *,
    ticket: Ticket,
    by: Any,
    body: str,
    wait: bool,
    seen: int | None,
    nonce: str,
    at: datetime | None = None,
) -> Pending:
    """Keep a public reply and send it in ten seconds. The same `nonce` is the same reply.

    Refuses a ticket one may not see, and what was written against an older state (TicketMoved); `reply`
    looks again, at this and all else, when the time has come.
    """
    if not rules.can_see(by, ticket):
        raise NotAllowed("This ticket is private.")
    if kept := Pending.objects.filter(author=by, nonce=nonce).first():
        return kept
    refuse_crossing(ticket, by=by, seen=seen)
    given = {"ticket": ticket, "body": body, "wait": wait, "seen": seen}
    due = (at or timezone.now()) + UNDO_FOR
    row, made = Pending.objects.get_or_create(author=by, nonce=nonce, defaults={**given, "due_at": due})
    if made:
        payload = {"pending": row.pk}
        enqueue(kind=SEND, key=str(row.pk), payload=payload, subject=ticket, by=by, delay=UNDO_FOR)
    return row


@transaction.atomic
def call_back(*, row: Pending, by: Any) -> Pending:
    """Take a reply back before it is sent. Refuses that of somebody else, and one that was sent."""
    row = Pending.objects.select_for_update().get(pk=row.pk)
    if row.author_id != by.pk:
        raise NotAllowed("This is somebody else's reply.")
    if row.state == Pending.State.SENT:
        raise TooLate("It was sent already.")
    row.state = Pending.State.BACK
    row.save(update_fields=["state"])
    return row


@transaction.atomic
def send_now(*, pk: int) -> Message | None:
    """Send what nobody called back; hold what crossed another's word or is refused now, with the reason."""
    row = Pending.objects.select_for_update(of=("self",)).select_related("ticket", "author").get(pk=pk)
    if row.state != Pending.State.WAITING:
        return None
    try:
        with transaction.atomic():
            message = reply(
                ticket=row.ticket, by=row.author, body=row.body, then_wait=row.wait, seen=row.seen,
                external_id=f"{row.author.pk}:{row.nonce}",
            )  # fmt: skip
    except HelpdeskError as refused:
        row.state, row.reason = Pending.State.HELD, str(refused)[:300]
        row.save(update_fields=["state", "reason"])
        return None
    row.state = Pending.State.SENT
    row.save(update_fields=["state"])
    return message

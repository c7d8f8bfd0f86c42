"""Opening a ticket."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from services.accounts.models import Team
from services.audit import actions as audit
from services.helpdesk import timing
from services.helpdesk.actions.base import Kind, attach
from services.helpdesk.actions.giving import give
from services.helpdesk.actions.slack.announcing import announce
from services.helpdesk.files import File
from services.helpdesk.models import Category, Message, Ticket, TicketEvent
from services.helpdesk.redaction import redact
from services.helpdesk.states import PRIORITY_MATRIX, Channel, State


@transaction.atomic
def open_ticket(
    *,
    by: Any,
    title: str,
    body: str,
    category: Category,
    impact: str,
    urgency: str,
    entity_ref: str = "",
    environment: str = "",
    private: bool = False,
    team: Any = None,
    queue: Any = None,
    snapshot: dict[str, Any] | None = None,
    submission: str = "",
    channel: str = Channel.WEB,
    follows: Ticket | None = None,
    files: Sequence[File] = (),
    at: datetime | None = None,
) -> Ticket:
    """Open a ticket with its first message and the frozen, redacted state of what it is about.

    The same `submission` of the same person gives the ticket it already opened.
    """
    at = at or timezone.now()
    ticket, created = _found_or_created(
        by,
        submission,
        title=title.strip(),
        category=category,
        impact=impact,
        urgency=urgency,
        priority=PRIORITY_MATRIX[(impact, urgency)],
        entity_ref=entity_ref.lower(),
        environment=environment,
        private=private,
        team=team or _team_of(by),
        queue=queue or Team.objects.filter(runs_platform=True).order_by("pk").first(),
        channel=channel,
        follows=follows,
        snapshot=redact(snapshot) if snapshot else None,
        snapshot_at=at if snapshot else None,
        **dict.fromkeys(("created_at", "updated_at", "state_since"), at),
    )
    if created:
        _tell(ticket, by=by, body=body, files=files, at=at)
        ticket = give(ticket=ticket, at=at)
    return ticket


def _found_or_created(by: Any, submission: str, **fields: Any) -> tuple[Ticket, bool]:
    if submission:
        return Ticket.objects.get_or_create(asker=by, submission=submission, defaults=fields)
    return Ticket.objects.create(asker=by, **fields), True


def _team_of(person: Any) -> Team | None:
    """The team in whose name somebody asks: the one they have been in longest."""
    team: Team | None = person.teams.order_by("memberships__pk").first()
    return team


def _tell(ticket: Ticket, *, by: Any, body: str, files: Sequence[File], at: datetime) -> None:
    """The first message, the event that clocks start from, and the audit entry."""
    message = Message.objects.create(
        ticket=ticket, author=by, body=body, channel=ticket.channel, created_at=at, version=ticket.version
    )
    attach(message, files)
    event = TicketEvent.objects.create(
        ticket=ticket,
        kind=Kind.OPENED,
        by=by,
        at=at,
        version=ticket.version,
        to_state=State.NEW,
        message=message,
    )
    timing.stamp(ticket, at).save(update_fields=timing.DUE_COLUMNS)
    announce(event)
    audit.record(by=by, action="ticket.opened", obj=ticket, summary=f"{ticket.key} {ticket.title}")

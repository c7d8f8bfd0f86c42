"""What every action on a ticket starts and ends with."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.helpdesk import timing
from services.helpdesk.actions.slack.announcing import announce
from services.helpdesk.errors import TicketMoved
from services.helpdesk.files import File
from services.helpdesk.models import Attachment, Message, Ticket, TicketEvent

Kind = TicketEvent.Kind
# What makes a half-written reply worth a second look; being assigned does not.
_CROSSING = (Kind.MESSAGE, Kind.NOTE, Kind.STATE)


def locked(ticket: Ticket) -> Ticket:
    return Ticket.objects.select_for_update().get(pk=ticket.pk)


def happened(ticket: Ticket, kind: str, *, by: Any, at: datetime, **fields: Any) -> TicketEvent:
    """Raise the version, keep the event, save the row with its new deadline."""
    ticket.version += 1
    ticket.updated_at = at
    event = TicketEvent.objects.create(
        ticket=ticket, kind=kind, by=by, at=at, version=ticket.version, **{"data": {}, **fields}
    )
    timing.stamp(ticket, at)
    ticket.save()
    announce(event)
    return event


def attach(message: Message, files: Sequence[File]) -> None:
    """Keep the files that came with a message."""
    Attachment.objects.bulk_create(
        Attachment(message=message, name=one.name, kind=one.kind, size=len(one.content), content=one.content)
        for one in files
    )


def refuse_crossing(ticket: Ticket, *, by: Any, seen: int | None) -> None:
    if seen is None or seen >= ticket.version:
        return
    events = ticket.events.filter(version__gt=seen, kind__in=_CROSSING).exclude(by=by)
    if not by.is_platform:
        events = events.exclude(kind=Kind.NOTE)
    found = list(events.select_related("by", "message"))
    if found:
        raise TicketMoved(ticket.version, found)

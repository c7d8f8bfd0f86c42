"""The clocks of one ticket: its events and its promise read from the database."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache

from services.helpdesk import clocks, escalation
from services.helpdesk.clocks import ASKER, DESK, Clock, Moment
from services.helpdesk.escalation import Due
from services.helpdesk.hours import Hours
from services.helpdesk.models import Promise, Ticket, TicketEvent

Kind = TicketEvent.Kind
OTHER = "other"
COUNTED = (Kind.OPENED, Kind.STATE, Kind.MESSAGE)


def side_of(ticket: Ticket, person: Any) -> str:
    """Whose word it is: the asker's, the desk's, or that of a colleague who happens by."""
    if person is not None and person.pk == ticket.asker_id:
        return ASKER
    return DESK if person is None or person.is_platform else OTHER


def promises() -> list[Promise]:
    return list(Promise.objects.filter(active=True).select_related("calendar"))


def promises_shown() -> list[Promise]:
    """The same for pages, which read them once a minute; changing one forgets them."""
    return cache.get_or_set("helpdesk:promises", promises, 60) or []


def promise_for(ticket: Ticket, among: list[Promise] | None = None) -> Promise | None:
    """The first active promise whose conditions all fit."""

    def fits(promise: Promise) -> bool:
        return (
            promise.priority in (None, ticket.priority)
            and promise.category_id in (None, ticket.category_id)
            and promise.team_id in (None, ticket.team_id)
        )

    return next((promise for promise in (promises() if among is None else among) if fits(promise)), None)


def terms(promise: Promise) -> clocks.Promise:
    kinds = (clocks.FIRST, clocks.NEXT, clocks.RESOLUTION)
    minutes = {kind: getattr(promise, kind) for kind in kinds}
    targets = {kind: timedelta(minutes=n) for kind, n in minutes.items() if n is not None}
    return clocks.Promise(targets, promise.calendar.hours, frozenset(promise.pauses))


def moments(ticket: Ticket, events: Iterable[TicketEvent] | None = None) -> list[Moment]:
    """What happened as the clocks see it, in the order of time."""
    if events is None:
        counted = ticket.events.filter(kind__in=COUNTED).order_by("version", "pk")
        events = counted.only("at", "to_state", "kind", "by_id", "data")
    return sorted(
        (
            Moment(event.at, event.to_state, _said(ticket, event.kind, event.by_id, event.data))
            for event in events
            if event.kind in COUNTED
        ),
        key=lambda moment: moment.at,
    )


def _said(ticket: Ticket, kind: str, by: int | None, data: dict[str, Any]) -> str:
    if kind != Kind.MESSAGE:
        return ""
    return str(data.get("side") or (ASKER if by == ticket.asker_id else DESK))


def clocks_of(
    ticket: Ticket, now: datetime, *, promise: Promise | None = None, past: list[Moment] | None = None
) -> dict[str, Clock]:
    promise = promise or promise_for(ticket)
    return clocks.read(moments(ticket) if past is None else past, terms(promise), now) if promise else {}


def steps_of(
    ticket: Ticket, now: datetime, *, promise: Promise | None, past: list[Moment] | None = None
) -> list[Due]:
    """The steps of its escalation, also those long taken."""
    if promise is None or not promise.steps:
        return []
    found = clocks_of(ticket, now, promise=promise, past=past)
    return escalation.plan(found, escalation.stored(promise.steps), promise.calendar.hours, now)


def stamp(ticket: Ticket, now: datetime, *, among: list[Promise] | None = None) -> Ticket:
    """Set the deadline on the row, for `version`; the caller saves it."""
    ticket.due_at, ticket.due_for, ticket.look_at, ticket.clocked = None, "", None, ticket.version
    promise = promise_for(ticket, among)
    if promise is None or not ticket.is_open:
        return ticket
    past = moments(ticket)
    first = clocks.next_deadline(clocks_of(ticket, now, promise=promise, past=past))
    if first is None:
        return ticket
    ticket.due_at, ticket.due_for = first.due_at, first.kind
    ahead = steps_of(ticket, now, promise=promise, past=past)
    ticket.look_at = next((due.at for due in ahead if due.at >= now), None)
    return ticket


DUE_COLUMNS = ["due_at", "due_for", "look_at", "clocked"]


def hours_of(ticket: Ticket) -> Hours | None:
    promise = promise_for(ticket)
    return promise.calendar.hours if promise else None

"""Tickets for tests, opened through the one door."""

from typing import Any

from services.helpdesk import actions
from services.helpdesk.models import Category, Ticket, TicketEvent
from services.helpdesk.states import Cause, Impact, State, Urgency
from tests.factories.people import member, platform_engineer


def ticket(*, by: Any = None, title: str = "Checkout restarts every few minutes", **fields: Any) -> Ticket:
    """A new ticket of Mira's about checkout in production, unless said otherwise."""
    defaults: dict[str, Any] = {
        "body": "Since this morning it restarts every ten minutes or so.",
        "category": Category.objects.get(slug="broken"),
        "impact": Impact.CUSTOMERS,
        "urgency": Urgency.NOW,
        "entity_ref": "component:default/checkout",
        "environment": "production",
    }
    return actions.open_ticket(by=by or member("mira", "checkout"), title=title, **{**defaults, **fields})


# How to bring a new ticket into each state, one legal step after the other.
PATHS: dict[str, list[str]] = {
    State.NEW: [],
    State.TRIAGED: [State.TRIAGED],
    State.IN_PROGRESS: [State.IN_PROGRESS],
    State.WAITING_REQUESTER: [State.WAITING_REQUESTER],
    State.WAITING_EXTERNAL: [State.IN_PROGRESS, State.WAITING_EXTERNAL],
    State.RESOLVED: [State.RESOLVED],
    State.DUPLICATE: [State.DUPLICATE],
    State.CONVERTED: [State.CONVERTED],
    State.CLOSED: [State.RESOLVED, State.CLOSED],
}


def answers(to: str) -> dict[str, Any]:
    """What a step into this state asks for."""
    if to == State.RESOLVED:
        return {"cause": Cause.MISSING_DOCS, "minutes": 15}
    if to == State.DUPLICATE:
        return {"duplicate_of": ticket(title="The first of its kind")}
    return {"converted_to": "R-1001"} if to == State.CONVERTED else {}


def ticket_in(state: str, **fields: Any) -> Ticket:
    """A ticket in this state, moved there by a platform engineer."""
    made = ticket(**fields)
    for step in PATHS[state]:
        made = actions.change_state(ticket=made, to=step, by=platform_engineer(), **answers(step))
    return made


def kinds(of: Ticket) -> list[str]:
    """The kinds of a ticket's events, in order."""
    return list(TicketEvent.objects.filter(ticket=of).values_list("kind", flat=True))

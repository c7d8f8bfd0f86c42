"""From a ticket to a request and back."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from services.audit import actions as audit
from services.helpdesk import rules
from services.helpdesk.actions.state import change_state
from services.helpdesk.errors import NotAllowed
from services.helpdesk.models import Ticket
from services.helpdesk.states import State
from services.notices import actions as notices
from services.notices.actions import Words
from services.onboarding import actions as onboarding
from services.onboarding.models import Request
from services.onboarding.models import State as Standing

OVER = {
    Standing.REJECTED: "was rejected", Standing.WITHDRAWN: "was withdrawn", Standing.CLOSED: "was closed",
}  # fmt: skip


@transaction.atomic
def convert(*, ticket: Ticket, blueprint: Any, by: Any, seen: int | None = None) -> Request:
    """Fill in a form with what the ticket says, as a draft of its asker; the ticket waits for it to go live.

    Refuses all but the platform and the asker, and whatever `change_state` refuses.
    """
    if not rules.can_triage(by) and by.pk != ticket.asker_id:
        raise NotAllowed("Only who asked and people of the platform make a request of it.")
    answers = prefill(ticket, blueprint)
    row = onboarding.save_draft(
        by=ticket.asker,
        blueprint=blueprint.name,
        answers=answers,
        token=f"ticket-{ticket.pk}-{ticket.version}",
    )
    mover = by if rules.can_triage(by) else None
    change_state(ticket=ticket, to=State.CONVERTED, by=mover, converted_to=row.ref, seen=seen)
    if by.pk != ticket.asker_id:
        text = f"{by} filled in “{blueprint.title}” for you. Look through it and send it."
        words = Words(f"{ticket.key} {ticket.title}", text, row.get_absolute_url(), "wand", waits=True)
        notices.tell(people=[ticket.asker], key=f"ticket-form-{row.pk}", words=words, about=ticket)
    audit.record(by=by, action="ticket.converted_to", obj=ticket, summary=f"{ticket.key} {row.ref}")
    return row


def prefill(ticket: Ticket, blueprint: Any) -> dict[str, Any]:
    """What the ticket knows of the answers, by the names forms use for such things."""
    known = {
        ("owner", "team"): ticket.team.slug if ticket.team else "",
        ("reason", "why", "description", "purpose"): ticket.title,
        ("environment",): ticket.environment,
        ("environments",): [ticket.environment] if ticket.environment else [],
        ("service", "component", "app", "workload"): ticket.entity_name,
    }
    fields = {field.name for section in blueprint.sections for field in section.fields}
    return {name: value for names, value in known.items() for name in names if name in fields and value}


def follow_requests(limit: int = 200) -> int:
    """Resolve the tickets whose requests are live; bring back those whose requests will never be."""
    waiting = list(Ticket.objects.filter(state=State.CONVERTED).order_by("state_since")[:limit])
    numbers = {ticket.converted_to.removeprefix("R-"): ticket for ticket in waiting}
    found = Request.objects.filter(number__in=[int(n) for n in numbers if n.isdecimal()])
    moved = 0
    for row in found.filter(state__in=[Standing.LIVE, *OVER]):
        moved += _follow(numbers[str(row.number)], row)
    return moved


def _follow(ticket: Ticket, row: Request) -> int:
    if row.state == Standing.LIVE:
        reason = f"{row.ref} is live."
        change_state(ticket=ticket, to=State.RESOLVED, by=None, reason=reason, at=timezone.now())
    else:
        reason = f"{row.ref} {OVER[Standing(row.state)]}."
        change_state(ticket=ticket, to=State.IN_PROGRESS, by=None, reason=reason, at=timezone.now())
    return 1

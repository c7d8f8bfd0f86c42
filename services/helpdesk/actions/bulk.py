"""The same step over many tickets, and the way back; macros."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from services.accounts.models import User
from services.audit import actions as audit
from services.helpdesk import canned, rota, rules
from services.helpdesk.actions.base import locked
from services.helpdesk.actions.conversation import reply
from services.helpdesk.actions.sorting import assign, set_category, set_priority
from services.helpdesk.actions.state import change_state, take_back
from services.helpdesk.errors import HelpdeskError, NotAllowed
from services.helpdesk.models import Category, Deed, DeedRow, Macro, Ticket
from services.helpdesk.states import TAKE_BACK_WITHIN

Step = Callable[[Ticket], Any]


@dataclass
class Outcome:
    """What became of a step over many: how many it changed, and who refused."""

    deed: Deed | None = None
    done: list[Ticket] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def over(*, tickets: Iterable[Ticket], step: Step, what: str, by: Any) -> Outcome:
    """Take a step on each ticket, each in a transaction of its own: one that refuses stops no other.

    Refuses all but the platform. What was before is kept, for `undo`.
    """
    if not rules.can_triage(by):
        raise NotAllowed("Only people of the platform sort tickets.")
    outcome, rows = Outcome(), []
    for ticket in tickets:
        try:
            rows.append(_one(ticket, step))
            outcome.done.append(ticket)
        except HelpdeskError as error:
            outcome.refused.append(f"{ticket.key}: {error}")
    with transaction.atomic():
        if rows:
            outcome.deed = Deed.objects.create(by=by, what=what[:120])
            DeedRow.objects.bulk_create(
                DeedRow(deed=outcome.deed, ticket_id=pk, before=before, version=version)
                for pk, before, version in rows
            )
            audit.record(by=by, action="tickets.changed", obj=outcome.deed, summary=f"{what}: {len(rows)}")
    return outcome


@transaction.atomic
def _one(ticket: Ticket, step: Step) -> tuple[int, dict[str, Any], int]:
    row = locked(ticket)
    before = {
        "assignee": row.assignee_id,
        "priority": row.priority,
        "category": row.category_id,
        "state": row.state,
    }
    step(row)
    row = locked(ticket)
    return row.pk, before, row.version


def undo(*, deed: Deed, by: Any) -> Outcome:
    """Take back a step over many tickets: on those nobody touched since, and only by who took it.

    What was said stays said. Refuses a deed of somebody else, or one that is ten minutes old.
    """
    if deed.by_id != by.pk:
        raise NotAllowed("Only who did it takes it back.")
    if timezone.now() - deed.at > TAKE_BACK_WITHIN:
        raise NotAllowed("This can be taken back for ten minutes.")
    outcome = Outcome()
    if deed.undone_at is not None:
        return outcome
    for row in deed.rows.select_related("ticket").defer("ticket__snapshot"):
        try:
            _back(row, by=by)
            outcome.done.append(row.ticket)
        except HelpdeskError as error:
            outcome.refused.append(f"{row.ticket.key}: {error}")
    with transaction.atomic():
        Deed.objects.filter(pk=deed.pk).update(undone_at=timezone.now())
        audit.record(by=by, action="tickets.undone", obj=deed, summary=deed.what)
    return outcome


@transaction.atomic
def _back(row: DeedRow, *, by: Any) -> None:
    ticket, before = locked(row.ticket), row.before
    if ticket.version != row.version:
        raise NotAllowed("somebody changed it since.")
    if ticket.state != before["state"]:
        ticket = take_back(ticket=ticket, by=by)
    if ticket.assignee_id != before["assignee"]:
        person = User.objects.filter(pk=before["assignee"]).first()
        ticket = assign(ticket=ticket, to=person, by=by)
    if ticket.priority != before["priority"]:
        ticket = set_priority(ticket=ticket, priority=before["priority"], by=by)
    if ticket.category_id != before["category"]:
        set_category(ticket=ticket, category=Category.objects.get(pk=before["category"]), by=by)


@transaction.atomic
def run_macro(*, macro: Macro, ticket: Ticket, by: Any) -> Ticket:
    """Take every step a macro names, all or none. Refuses all but the platform, and one that was retired."""
    if not rules.can_triage(by):
        raise NotAllowed("Only people of the platform run macros.")
    if not macro.active:
        raise NotAllowed(f"“{macro}” was retired.")
    if macro.priority is not None:
        ticket = set_priority(ticket=ticket, priority=macro.priority, by=by)
    if macro.category is not None:
        ticket = set_category(ticket=ticket, category=macro.category, by=by)
    if macro.give_to:
        ticket = assign(ticket=ticket, to=_whom(macro, by), by=by)
    if macro.reply:
        body = canned.filled(macro.reply, ticket, by)
        reply(ticket=ticket, by=by, body=body, internal=macro.internal)
        ticket = locked(ticket)
    if macro.state and ticket.state != macro.state:
        ticket = change_state(ticket=ticket, to=macro.state, by=by, cause=macro.cause, minutes=macro.minutes)
    return ticket


def _whom(macro: Macro, by: Any) -> Any:
    if macro.give_to == Macro.To.ME:
        return by
    if macro.give_to == Macro.To.NOBODY:
        return None
    person = rota.on_duty(timezone.now()).person
    if person is None:
        raise NotAllowed("Nobody is on duty today.")
    return person

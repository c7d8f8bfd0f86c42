"""What happens when a promise is about to be broken, or was."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from services.accounts.models import Membership, User
from services.audit import actions as audit
from services.effects.actions import enqueue
from services.helpdesk import clocks, rota, timing
from services.helpdesk.actions.base import Kind, happened, locked
from services.helpdesk.actions.sorting import assign, set_priority
from services.helpdesk.models import Ticket
from services.notices import actions as notices
from services.notices.actions import Words

ESCALATE = "helpdesk.escalate"
AT_ONCE = 200


def look(now: datetime) -> int:
    """Queue every step whose moment has come, once each, and set the next look. Returns how many tickets."""
    due = Ticket.objects.filter(look_at__lte=now).order_by("look_at").values_list("pk", flat=True)[:AT_ONCE]
    for pk in list(due):
        _look_at(pk, now)
    return len(due)


@transaction.atomic
def _look_at(pk: int, now: datetime) -> None:
    ticket = Ticket.objects.select_for_update(skip_locked=True).filter(pk=pk, look_at__lte=now).first()
    if ticket is None:
        return
    steps = timing.steps_of(ticket, now, promise=timing.promise_for(ticket)) if ticket.is_open else []
    for due in steps:
        if due.at <= now:
            step = {"ticket": pk, "do": due.step.do, "clock": due.clock.kind, "minutes": due.step.minutes}
            enqueue(kind=ESCALATE, key=due.key(pk), payload=step, subject=ticket)
    timing.stamp(ticket, now)
    ticket.look_at = next((due.at for due in steps if due.at > now), None)
    ticket.save(update_fields=timing.DUE_COLUMNS)


def recount(limit: int = 500) -> int:
    """Read the clocks of open tickets again whose promise or calendar is newer than their deadline."""
    among = timing.promises()
    behind = Ticket.objects.open().exclude(clocked=F("version")).defer("snapshot", "search")[:limit]
    for ticket in behind:
        last = ticket.updated_at
        timing.stamp(ticket, last, among=among)
        values = {column: getattr(ticket, column) for column in timing.DUE_COLUMNS}
        Ticket.objects.filter(pk=ticket.pk, version=ticket.version).update(**values)
    return len(behind)


def forget_deadlines() -> int:
    """After a promise or calendar changed: every open ticket is counted again."""
    return Ticket.objects.open().update(clocked=0)


@transaction.atomic
def escalate(*, ticket: Ticket, do: str, clock: str, minutes: int, key: str, at: datetime) -> Ticket:
    """Take one step, once. Nothing when the ticket was done or answered meanwhile."""
    ticket = locked(ticket)
    if ticket.events.filter(kind=Kind.ESCALATED, data__key=key).exists() or not _still(ticket, clock, at):
        return ticket
    told = _tell(ticket, do, clock, minutes, key, at)
    data = {"key": key, "do": do, "clock": clock, "minutes": minutes, "told": [str(p) for p in told]}
    happened(ticket, Kind.ESCALATED, by=None, at=at, data=data)
    audit.record(by=None, action="ticket.escalated", obj=ticket, summary=ticket.key, details=data)
    if do == "raise" and ticket.priority > 0:
        ticket = set_priority(ticket=ticket, priority=ticket.priority - 1, by=None, at=at)
    if do == "give to duty":
        person = rota.on_duty(at).person
        ticket = assign(ticket=ticket, to=person, by=None, at=at) if person is not None else ticket
    return ticket


def _still(ticket: Ticket, clock: str, at: datetime) -> bool:
    if not ticket.is_open:
        return False
    found = timing.clocks_of(ticket, at).get(clock)
    return found is not None and not found.over and not found.paused


def _tell(ticket: Ticket, do: str, clock: str, minutes: int, key: str, at: datetime) -> list[User]:
    people = [p for p in _people(ticket, do, at) if p.is_active]
    late = "is overdue" if minutes >= 0 else "is due soon"
    words = Words(
        f"{ticket.key} {ticket.title}", f"{clocks.NAMES[clock]} {late}.", ticket.get_absolute_url(), "flame",
        "bad" if minutes >= 0 else "warn", waits=True,
    )  # fmt: skip
    notices.tell(people=people, key=f"ticket-escalated-{key}", words=words, about=ticket)
    return people


def _people(ticket: Ticket, do: str, at: datetime) -> list[Any]:
    if do == "raise":
        return []
    duty = rota.on_duty(at).person
    if do == "warn" and ticket.assignee is not None:
        return [ticket.assignee]
    if do != "tell leads" and duty is not None:
        return [duty]
    return leads()


def leads() -> list[User]:
    """Who leads the teams that run the platform; all of them where nobody does."""
    members = Membership.objects.filter(team__runs_platform=True, user__is_active=True)
    rows = list(members.select_related("user").order_by("user__name"))
    found = [row.user for row in rows if row.role == Membership.Role.LEAD]
    return list(dict.fromkeys(found or [row.user for row in rows]))

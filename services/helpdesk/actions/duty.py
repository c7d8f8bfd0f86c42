"""The rota: turns, changes, swaps and what one tells the next."""

import secrets
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from services.audit import actions as audit
from services.helpdesk import rota, rules
from services.helpdesk.errors import NotAllowed
from services.helpdesk.models import Calendar, HandOver, Rota, RotaChange, RotaMember, Ticket
from services.notices import actions as notices
from services.notices.actions import Words

URL = "/help/rota/"


@transaction.atomic
def save_rota(
    *, by: Any, people: Sequence[Any], starts_on: date, weeks: int, giving: str, most_open: int,
    calendar: Calendar | None,
) -> Rota:  # fmt: skip
    """Who takes turns, in this order, from the Monday of that week. Refuses all but the platform, and people
    who do not answer tickets.
    """
    _refuse(by, people)
    row = rota.the_rota()
    row.starts_on = starts_on - timedelta(days=starts_on.weekday())
    row.weeks, row.giving, row.most_open, row.calendar = weeks, giving, most_open, calendar
    row.told_turn = None
    row.save()
    row.members.all().delete()
    RotaMember.objects.bulk_create(
        RotaMember(rota=row, person=person, position=n) for n, person in enumerate(people)
    )
    names = ", ".join(map(str, people))
    audit.record(by=by, action="rota.saved", obj=row, summary=f"{names or 'nobody'}, {giving}")
    return row


@transaction.atomic
def stand_in(
    *, by: Any, person: Any, first: date, last: date, reason: str = "", swap: str = ""
) -> RotaChange:
    """Somebody takes some days, whoever's they are. Refuses all but the platform, and days in reverse."""
    _refuse(by, [person])
    if last < first:
        raise NotAllowed("The last day is before the first.")
    row = _made()
    change = RotaChange.objects.create(
        rota=row, person=person, first=first, last=last, reason=reason, swap=swap, by=by
    )
    audit.record(by=by, action="rota.changed", obj=change, summary=f"{person} from {first} to {last}")
    if person != by:
        words = Words("You are on duty", f"{by} put you on the rota from {first} to {last}.", URL, "users")
        notices.tell(people=[person], key=f"rota-change-{change.pk}", words=words, about=change)
    return change


@transaction.atomic
def swap(*, by: Any, one: date, other: date) -> list[RotaChange]:
    """Exchange two turns: of the days `one` and `other` lie in. Refuses turns of the same person."""
    plan = rota.Desk().plan
    turns = [plan.turn(one), plan.turn(other)]
    people = [plan.turn_holder(turn) for turn in turns]
    if None in people or people[0] == people[1]:
        raise NotAllowed("These two turns are of the same person.")
    link, made = secrets.token_hex(8), []
    for turn, person in zip(turns, reversed(people), strict=True):
        first, last = plan.first_day(turn), plan.first_day(turn + 1) - timedelta(days=1)
        made.append(stand_in(by=by, person=person, first=first, last=last, swap=link))
    return made


@transaction.atomic
def undo_change(*, change: RotaChange, by: Any) -> None:
    """Take a change back; of a swap both. Nothing when it was taken back already."""
    _refuse(by, [])
    both = (
        RotaChange.objects.filter(swap=change.swap)
        if change.swap
        else RotaChange.objects.filter(pk=change.pk)
    )
    both.filter(removed_at=None).update(removed_at=timezone.now())
    audit.record(by=by, action="rota.change_removed", obj=change, summary=str(change))


@transaction.atomic
def hand_over(*, by: Any, note: str, at: datetime | None = None) -> HandOver:
    """Tell the next what is open, with a note. Refuses all but the platform."""
    _refuse(by, [])
    at = at or timezone.now()
    plan = rota.Desk().plan
    today = plan.at(at).day
    following = plan.turn_holder(plan.turn(today) + 1)
    tickets = Ticket.objects.open().filter(assignee=by).order_by("priority", "number").for_rows()
    kept = [
        {"key": t.key, "title": t.title, "state": t.state} for t in tickets.defer("snapshot", "search")[:100]
    ]
    to = following if following != by else None
    row = HandOver.objects.create(rota=_made(), by=by, to=to, note=note, tickets=kept, at=at)
    audit.record(by=by, action="rota.handed_over", obj=row, summary=f"{len(kept)} open tickets")
    if row.to is not None:
        text = f"{len(kept)} open ticket{'' if len(kept) == 1 else 's'}. {note}"[:400]
        words = Words(f"{by} hands over the desk", text, URL, "users", waits=True)
        notices.tell(people=[row.to], key=f"rota-handover-{row.pk}", words=words, about=row)
    return row


@transaction.atomic
def tell_turn(*, now: datetime) -> Rota | None:
    """Tell whoever's turn has begun, once each turn."""
    row = Rota.objects.select_for_update().order_by("pk").first()
    if row is None:
        return None
    plan = rota.Desk().plan
    today = plan.at(now).day
    turn, person = plan.turn(today), plan.turn_holder(plan.turn(today))
    if row.told_turn == turn or person is None:
        return None
    row.told_turn = turn
    row.save(update_fields=["told_turn"])
    last = plan.first_day(turn + 1) - timedelta(days=1)
    words = Words("The desk is yours", f"You are on duty until {last:%-d %B}.", URL, "users", waits=True)
    notices.tell(people=[person], key=f"rota-turn-{row.pk}-{turn}-{person.pk}", words=words, about=row)
    return row


def _made() -> Rota:
    row = rota.the_rota()
    if row.pk is None:
        row.save()
    return row


def _refuse(by: Any, people: Sequence[Any]) -> None:
    if not rules.can_triage(by):
        raise NotAllowed("Only people of the platform keep the rota.")
    for person in people:
        if not person.is_platform:
            raise NotAllowed(f"{person} does not answer tickets.")

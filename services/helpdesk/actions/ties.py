"""Tying tickets together: links, merge, split, one problem behind many."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from services.audit import actions as audit
from services.helpdesk import rules
from services.helpdesk.actions.base import Kind, happened, locked
from services.helpdesk.actions.bulk import Outcome, over
from services.helpdesk.actions.conversation import reply
from services.helpdesk.actions.opening import open_ticket
from services.helpdesk.actions.state import change_state
from services.helpdesk.errors import AnswerMissing, NotAllowed
from services.helpdesk.models import Link, Message, Problem, Ticket
from services.helpdesk.states import State


@transaction.atomic
def link(*, ticket: Ticket, other: Ticket, by: Any, kind: str = Link.Kind.RELATED) -> Link:
    """Tie two tickets. Refuses all but the platform and those who asked both, and a ticket to itself."""
    _refuse_strangers(by, ticket, other)
    if ticket.pk == other.pk:
        raise NotAllowed("A ticket is not tied to itself.")
    if Link.objects.filter(ticket=other, other=ticket, kind=kind).exists():
        ticket, other = other, ticket
    row, made = Link.objects.get_or_create(ticket=ticket, other=other, kind=kind, defaults={"by": by})
    if made:
        _both(ticket, other, by=by, how="linked")
        audit.record(by=by, action="ticket.linked", obj=ticket, summary=f"{ticket.key} {kind} {other.key}")
    return row


@transaction.atomic
def unlink(*, row: Link, by: Any) -> None:
    """Untie two tickets. Refuses all but the platform and those who asked both."""
    _refuse_strangers(by, row.ticket, row.other)
    _both(row.ticket, row.other, by=by, how="unlinked")
    audit.record(by=by, action="ticket.unlinked", obj=row.ticket, summary=f"{row.ticket.key} {row.other.key}")
    row.delete()


def _both(one: Ticket, two: Ticket, *, by: Any, how: str) -> None:
    """The same on both sides; a private ticket is not named on one that is not."""
    now = timezone.now()
    for ticket, other in ((one, two), (two, one)):
        name = other.key if not other.private or ticket.private else ""
        happened(locked(ticket), Kind.LINK, by=by, at=now, data={"how": how, "ticket": name})


def _refuse_strangers(by: Any, *tickets: Ticket) -> None:
    if not all(rules.can_see(by, ticket) for ticket in tickets):
        raise NotAllowed("There is no such ticket that you may see.")
    if not rules.can_triage(by) and any(ticket.asker_id != by.pk for ticket in tickets):
        raise NotAllowed("Only people of the platform tie tickets of others.")


@transaction.atomic
def merge(*, ticket: Ticket, into: Ticket, by: Any, seen: int | None = None) -> Ticket:
    """Move everything said in `ticket`, its watchers, links and "me too" to `into`; the rest goes on there.

    Refuses all but the platform; a ticket into itself or into a duplicate; what would show something private
    to people it was not written for. Taking back the duplicate within a day brings the messages back.
    """
    if not rules.can_triage(by):
        raise NotAllowed("Only people of the platform merge tickets.")
    first, second = sorted((ticket, into), key=lambda one: one.pk)
    rows = {one.pk: locked(one) for one in (first, second)}
    ticket, into = rows[ticket.pk], rows[into.pk]
    _refuse_leak(ticket, into)
    if into.state in (State.DUPLICATE, State.CLOSED):
        raise NotAllowed(f"{into.key} is closed; merge the other way round.")
    messages = list(ticket.messages.values_list("pk", flat=True))
    ticket = change_state(ticket=ticket, to=State.DUPLICATE, by=by, duplicate_of=into, seen=seen)
    Message.objects.filter(pk__in=messages).update(ticket=into)
    into.watchers.add(ticket.asker, *ticket.watchers.all())
    _move_ties(ticket, into)
    now = timezone.now()
    happened(ticket, Kind.MERGED, by=by, at=now, data={"into": into.key, "messages": messages})
    happened(into, Kind.MERGED, by=by, at=now, data={"from": ticket.key, "count": len(messages)})
    audit.record(by=by, action="ticket.merged", obj=ticket, summary=f"{ticket.key} into {into.key}")
    return into


def _refuse_leak(ticket: Ticket, into: Ticket) -> None:
    if ticket.private != into.private:
        raise NotAllowed("One of them is private: what was said in it would be read by others.")
    if ticket.private and ticket.asker_id != into.asker_id:
        raise NotAllowed("Both are private, and of different people.")


def _move_ties(ticket: Ticket, into: Ticket) -> None:
    """Links and "me too" that the other has not got yet."""
    for row in ticket.links.exclude(other=into):
        Link.objects.get_or_create(
            ticket=into, other=row.other, kind=_kind(row, into), defaults={"by": row.by}
        )
    for row in ticket.linked_from.exclude(ticket=into).exclude(kind=Link.Kind.PROBLEM):
        Link.objects.get_or_create(ticket=row.ticket, other=into, kind=row.kind, defaults={"by": row.by})
    for too in ticket.me_toos.exclude(person=into.asker):
        into.me_toos.get_or_create(person=too.person, defaults={"at": too.at})


def _kind(row: Link, into: Ticket) -> str:
    taken = row.kind == Link.Kind.PROBLEM and into.links.filter(kind=Link.Kind.PROBLEM).exists()
    return str(Link.Kind.RELATED) if taken else row.kind


@transaction.atomic
def split(*, message: Message, title: str, by: Any) -> Ticket:
    """A ticket of its own from one message, asked by whoever wrote it. Refuses all but the platform, and
    notes.
    """
    if not rules.can_triage(by):
        raise NotAllowed("Only people of the platform split tickets.")
    if message.internal:
        raise NotAllowed("A note is nobody's question.")
    ticket = message.ticket
    asker = ticket.asker if message.author.is_platform else message.author
    made = open_ticket(
        by=asker, title=title, body=message.body, category=ticket.category, impact=ticket.impact,
        urgency=ticket.urgency, entity_ref=ticket.entity_ref, environment=ticket.environment,
        private=ticket.private, team=ticket.team, channel=message.channel, submission=f"split-{message.pk}",
    )  # fmt: skip
    link(ticket=made, other=ticket, by=by, kind=Link.Kind.SPLIT)
    return made


@transaction.atomic
def make_problem(*, ticket: Ticket, by: Any, fact: str = "") -> Problem:
    """Let a ticket stand for one cause of many. Refuses all but the platform, private and closed ones."""
    if not rules.can_triage(by):
        raise NotAllowed("Only people of the platform name a problem.")
    ticket = locked(ticket)
    if ticket.private or not ticket.is_open:
        raise NotAllowed("A problem is open, and for everybody to see.")
    row, made = Problem.objects.get_or_create(ticket=ticket, defaults={"by": by, "fact": fact[:300]})
    if made:
        happened(ticket, Kind.PROBLEM, by=by, at=timezone.now(), data={"how": "made", "fact": fact})
        audit.record(by=by, action="ticket.problem", obj=ticket, summary=ticket.key)
    return row


@transaction.atomic
def join_problem(*, ticket: Ticket, problem: Problem, by: Any) -> Link:
    """Say that a problem is behind this ticket; an earlier one is forgotten. Refuses all but the platform."""
    if not rules.can_triage(by):
        raise NotAllowed("Only people of the platform sort tickets.")
    ticket = locked(ticket)
    if ticket.pk == problem.ticket_id or Problem.objects.filter(ticket=ticket).exists():
        raise NotAllowed(f"{ticket.key} is a problem itself.")
    Link.objects.filter(ticket=ticket, kind=Link.Kind.PROBLEM).exclude(other=problem.ticket).delete()
    row, made = Link.objects.get_or_create(
        ticket=ticket, other=problem.ticket, kind=Link.Kind.PROBLEM, defaults={"by": by}
    )
    if made:
        data = {"how": "joined", "ticket": problem.ticket.key}
        happened(ticket, Kind.PROBLEM, by=by, at=timezone.now(), data=data)
        audit.record(by=by, action="ticket.joined", obj=ticket, summary=f"{ticket.key} {problem.ticket.key}")
    return row


def answer_all(
    *, problem: Problem, body: str, by: Any, nonce: str, resolve: bool = False, cause: str = "",
    minutes: int | None = None, at: datetime | None = None,
) -> Outcome:  # fmt: skip
    """One answer to every open ticket of a problem and to the problem itself, and with `resolve` its end.

    The minutes are shared out among them. Refuses all but the platform, an empty answer, and an end
    without cause and minutes.
    """
    if not body.strip():
        raise AnswerMissing("Say something to those who wait.")
    if resolve and (not cause or minutes is None):
        raise AnswerMissing("Resolving asks for a cause and minutes.")
    waiting = Ticket.objects.open().filter(links__other=problem.ticket, links__kind=Link.Kind.PROBLEM)
    tickets = [*waiting.order_by("number"), problem.ticket]
    share = max(1, (minutes or 0) // len(tickets)) if minutes else 0

    def step(ticket: Ticket) -> None:
        reply(ticket=ticket, by=by, body=body, external_id=f"problem-{nonce}-{ticket.pk}", at=at)
        now = locked(ticket)
        if resolve and now.state != State.RESOLVED:
            change_state(ticket=now, to=State.RESOLVED, by=by, cause=cause, minutes=share, at=at)

    return over(tickets=tickets, step=step, what=f"Answered all of {problem.ticket.key}", by=by)

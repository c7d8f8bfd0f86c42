"""What is open now, told through the same actions as on the pages, at the times it happened."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any

from django.db import transaction

from portal.demo.history.clock import after_working, working_moment
from portal.demo.history.questions import script
from portal.demo.seeding.people import everybody
from services.accounts.models import User
from services.helpdesk import actions, live
from services.helpdesk.models import Category, Ticket
from services.helpdesk.states import State

MARK = "demo-open"


def seed(now: datetime) -> str:
    people = everybody()
    for number, told in enumerate(script()["open"], start=1):
        _open(told, f"{MARK}-{number}", now - timedelta(minutes=told["ago"]), people)
    _resolved_yesterday(script()["resolved_yesterday"], now, people)
    return f"{Ticket.objects.open().count()} open tickets"


@transaction.atomic
def _open(told: Mapping[str, Any], mark: str, at: datetime, people: Mapping[str, User]) -> None:
    if Ticket.objects.filter(submission=mark).exists():
        return
    ticket = _asked(told, mark, at, people)
    triage = people[told.get("assignee", "priya")]
    if told["state"] != State.NEW and "assignee" in told:
        actions.assign(ticket=ticket, to=triage, by=triage, at=at + timedelta(minutes=5))
    for said in told.get("messages", []):
        waits = told["state"] == State.WAITING_REQUESTER and not said.get("internal")
        actions.reply(
            ticket=ticket,
            by=people[said["by"]],
            body=said["body"],
            internal=said.get("internal", False),
            then_wait=waits,
            at=at + timedelta(minutes=said["after"]),
        )
    ticket.refresh_from_db()
    if ticket.state != told["state"]:
        last = at + timedelta(minutes=max((said["after"] for said in told.get("messages", [])), default=15))
        actions.change_state(ticket=ticket, to=told["state"], by=triage, at=last)


def _asked(told: Mapping[str, Any], mark: str, at: datetime, people: Mapping[str, User]) -> Ticket:
    return actions.open_ticket(
        by=people[told["by"]],
        title=told["title"],
        body=told["body"],
        category=Category.objects.get(slug=told["category"]),
        impact=told["impact"],
        urgency=told["urgency"],
        entity_ref=f"component:default/{told['service']}",
        environment=told.get("environment", ""),
        private=told.get("private", False),
        snapshot=_frozen(f"component:default/{told['service']}", told.get("environment", ""), at),
        submission=mark,
        at=at,
    )


def _frozen(entity_ref: str, environment: str, at: datetime) -> dict[str, Any] | None:
    """The live state as it was when the ticket was opened: what restarts had restarted less often."""
    if not environment:
        return None
    snapshot = live.freeze(entity_ref, environment)
    for row in (snapshot or {}).get("environments", []):
        row["as_of"], row["restarts"] = at.isoformat(), (row["restarts"] or 0) // 3
    return snapshot and {**snapshot, "as_of": at.isoformat()}


@transaction.atomic
def _resolved_yesterday(told: Mapping[str, Any], now: datetime, people: Mapping[str, User]) -> None:
    mark = f"{MARK}-resolved"
    if Ticket.objects.filter(submission=mark).exists():
        return
    at = working_moment(now, 1, Random("larkfield yesterday"))
    ticket = _asked(told, mark, at, people)
    answered = after_working(at, 12)
    by = people[told["assignee"]]
    actions.reply(ticket=ticket, by=by, body=told["answer"], at=answered)
    actions.change_state(
        ticket=ticket,
        to=State.RESOLVED,
        by=by,
        cause=told["cause"],
        minutes=told["minutes"],
        at=answered + timedelta(minutes=1),
    )

"""Tickets that begin in Slack: by a mention, an emoji, a message to the app, or the form."""

from collections.abc import Mapping
from typing import Any

from django.db import connection, transaction

from services.accounts.models import User
from services.audit import actions as audit
from services.helpdesk import live, rules
from services.helpdesk.actions.opening import open_ticket
from services.helpdesk.actions.slack import announcing
from services.helpdesk.actions.slack.accepting import short
from services.helpdesk.actions.slack.saying import Outcome, keep, said_text
from services.helpdesk.models import Category, SlackThread, Ticket
from services.helpdesk.slack import people
from services.helpdesk.states import Channel, Impact, Urgency
from services.integrations.errors import NotFound
from services.integrations.slack import Slack, texts

Side = SlackThread.Side


def from_message(slack: Slack, said: Mapping[str, Any], channel: str, by: User, bot: str = "") -> Outcome:
    """Make a message a ticket of whoever wrote it; of somebody else only the platform's people do that."""
    said = {**said, "text": texts.without_mention(str(said.get("text") or ""), bot)} if bot else said
    author = people.person_of(slack, str(said["user"])).user if said.get("user") else None
    asker = author if author is not None and (author == by or rules.can_triage(by)) else by
    body, ts = said_text(slack, said), str(said.get("ts", ""))
    anchor = str(said.get("thread_ts") or ts)
    title = next((line for line in body.splitlines() if line.strip()), body).strip()[:200]
    given = {
        "title": title, "body": body, "impact": Impact.ME, "urgency": Urgency.SOON,
        "category": Category.objects.get(slug="other"),
    }  # fmt: skip
    return opened(asker, given, f"{channel}:{ts}", by=by, place=(channel, anchor), said={**said, "ts": ts})


@transaction.atomic
def opened(
    asker: User,
    given: Mapping[str, Any],
    key: str,
    *,
    by: User,
    place: tuple[str, str] | None = None,
    said: Mapping[str, Any] | None = None,
) -> Outcome:
    """Open a ticket once; at a `place` that is a ticket's already, say which."""
    if place:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"slack {place[0]} {place[1]}"]
            )
        known = SlackThread.objects.filter(channel=place[0], ts=place[1]).select_related("ticket").first()
        if known is not None:
            return Outcome(f"It is {known.ticket.key} already.", known.ticket)
    ticket = open_ticket(by=asker, submission=short(key)[:64], channel=Channel.SLACK, **given)
    if by != asker:
        ticket.watchers.add(by)
        audit.record(by=by, action="ticket.asked_for", obj=ticket, summary=f"{ticket.key} for {asker}")
    if place:
        _attached(ticket, place, said)
    return Outcome("A new ticket.", ticket)


def _attached(ticket: Ticket, place: tuple[str, str], said: Mapping[str, Any] | None) -> None:
    """The thread is the asker's from now on; what was said in it already is read at once."""
    thread = SlackThread.objects.create(ticket=ticket, side=Side.ASKER, channel=place[0], ts=place[1])
    if said:
        keep(thread, str(said["ts"]), ticket.messages.earliest(), said)
    announcing.mend("sweep", thread, f"{thread.pk} first")


def from_form(by: User, cleaned: Mapping[str, Any], about: Mapping[str, Any], view_id: str) -> Outcome:
    """What was sent in by the form, which the door checked; at a message it stands in that thread."""
    names = ("title", "body", "impact", "urgency", "environment")
    given = {name: str(cleaned.get(name, "")) for name in names}
    entity = str(cleaned.get("entity", ""))
    category = Category.objects.filter(slug=cleaned.get("category"), active=True).first()
    place = (str(about["channel"]), str(about["ts"])) if about.get("channel") and about.get("ts") else None
    asker = by
    if rules.can_triage(by) and isinstance(about.get("asker"), int):
        asker = User.objects.filter(pk=about["asker"], is_active=True).first() or by
    return opened(
        asker,
        {
            **given,
            "category": category or Category.objects.get(slug="other"),
            "entity_ref": entity,
            "private": bool(cleaned.get("private")),
            "snapshot": live.freeze(entity, given["environment"]),
        },
        f"view:{view_id}",
        by=by,
        place=place,
    )


def message_at(slack: Slack, channel: str, ts: str) -> dict[str, Any] | None:
    """A message as it stands there: the first of a thread, or one in it; None where it is not shown to us."""
    try:
        found = slack.call(
            "conversations.history", channel=channel, latest=ts, oldest=ts, inclusive=True, limit=1
        )["messages"]
        if not found:
            found = slack.call("conversations.replies", channel=channel, ts=ts, limit=1)["messages"]
    except NotFound:
        return None
    return next((row for row in found if row.get("ts") == ts), None)

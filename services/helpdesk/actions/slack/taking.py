"""Looking at one delivery: what it is, who it is of, and whose turn it is to do something about it."""

import re
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from services.helpdesk import slack as desk
from services.helpdesk.actions.slack import accepting, acting, announcing, asking, saying
from services.helpdesk.actions.slack.saying import Outcome
from services.helpdesk.models import SlackDelivery, SlackPerson, SlackThread
from services.helpdesk.slack import people
from services.integrations.slack import Slack, texts

Kind = SlackDelivery.Kind
# Said to the app and no question: what it can do by itself, and what is only polite.
PLEASANT = re.compile(r"(?:hi|hello|hey|thanks|thank you|thx|ok|okay|great|bye)[\s!.,]*", re.IGNORECASE)
COMMAND = re.compile(rf"help|mine|status\s+(?:t-)?\d{{1,9}}|{PLEASANT.pattern}", re.IGNORECASE)
ACTIONS = {
    "block_actions": acting.pressed,
    "view_submission": acting.sent_in,
    "shortcut": acting.shortcut,
    "message_action": acting.shortcut,
}


def take(slack: Slack, row: SlackDelivery) -> Outcome:
    """Do what a delivery asks for, once: each of it has a key of its own."""
    payload = row.payload
    if row.kind == Kind.EVENT:
        return _event(slack, payload, row)
    person = people.person_of(slack, row.who)
    if person.user is None:
        url, channel = payload.get("response_url"), payload.get("channel_id")
        saying.tell_stranger(row.who, str(channel or ""), url=str(url or ""))
        return Outcome(f"Of a stranger: {person}.")
    act = acting.command if row.kind == Kind.COMMAND else ACTIONS.get(str(payload.get("type")))
    return act(slack, payload, person, row) if act else Outcome("Not for us.")


def _event(slack: Slack, payload: Mapping[str, Any], row: SlackDelivery) -> Outcome:
    event = payload["event"] if isinstance(payload.get("event"), dict) else {}
    kind = event.get("type")
    if accepting.is_ours(event):
        return Outcome("Our own words.")
    if kind in ("tokens_revoked", "app_uninstalled"):
        return _gone()
    if kind == "message" and not _is_question(event):
        return _message(slack, event, row)
    person = people.person_of(slack, str(event.get("user", "")))
    if kind == "app_home_opened":
        return _home(person)
    if person.user is None:
        channel = str(event.get("channel", ""))
        if channel:
            saying.tell_stranger(
                person.slack_id, channel, str(event.get("thread_ts") or event.get("ts") or "")
            )
        return Outcome(f"Of a stranger: {person}.")
    if kind in ("reaction_added", "reaction_removed"):
        return acting.reaction(slack, event, person, row)
    return _asked(slack, event, person, row)


def _is_question(event: Mapping[str, Any]) -> bool:
    """Said to the app directly, and in no thread."""
    plain = event.get("subtype") in (None, "file_share") and not event.get("thread_ts")
    return plain and event.get("channel_type") == "im"


def _message(slack: Slack, event: Mapping[str, Any], row: SlackDelivery) -> Outcome:
    """Words, an edit or a deletion in a thread that may be a ticket's."""
    said = accepting.inner(event)
    if accepting.is_ours(said):
        return Outcome("Our own words.")
    ts, subtype = str(event.get("deleted_ts") or said.get("ts") or ""), event.get("subtype")
    root = str(said.get("thread_ts") or ts)
    found = SlackThread.objects.filter(channel=str(event.get("channel", "")), ts=root)
    thread = found.select_related("ticket").first()
    if thread is None:
        return Outcome("In no thread of a ticket.")
    if not thread.active:
        return Outcome("The ticket goes on in another thread.", thread.ticket)
    if subtype == "message_deleted":
        return saying.deleted(thread, ts)
    return saying.heard(slack, thread, said, str(row.pk))


def _asked(slack: Slack, event: Mapping[str, Any], person: SlackPerson, row: SlackDelivery) -> Outcome:
    """Said to the app: a word of command, else a question."""
    channel, bot = str(event.get("channel", "")), desk.look().bot
    text = texts.without_mention(str(event.get("text") or ""), bot).strip()
    root = str(event.get("thread_ts") or event.get("ts") or "")
    if SlackThread.objects.filter(channel=channel, ts=root).exists():
        return Outcome("In a ticket's thread, where it is heard as a message.")
    if not text or COMMAND.fullmatch(text):
        place = {"channel_id": channel, "text": text if text and not PLEASANT.fullmatch(text) else "help"}
        return acting.command(slack, place, person, row)
    assert person.user is not None, "looked at before"
    return asking.from_message(slack, event, channel, person.user, bot)


@transaction.atomic
def _home(person: SlackPerson) -> Outcome:
    accepting.opened_home(person.slack_id)
    announcing.mend("home", person, f"{person.slack_id} {timezone.now():%Y%m%d%H%M%S%f}")
    return Outcome("Their home tab is drawn.")


def _gone() -> Outcome:
    known = desk.look()
    known.error, known.failing_since = "The app was removed from Slack.", timezone.now()
    known.save()
    return Outcome("The app was removed.")


def outcome(effect: Any, said: str, ticket: Any = None) -> None:
    """Write down what became of it."""
    row = SlackDelivery.objects.filter(pk=effect.payload["delivery"])
    row.update(said=said[:300], **({"ticket_id": ticket} if ticket else {}))

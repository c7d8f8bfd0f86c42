"""What people do in Slack: emoji, buttons, commands and forms. They may do what they may do here."""

import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction

from services.accounts.models import User
from services.helpdesk import rules
from services.helpdesk.actions.conversation import reply
from services.helpdesk.actions.slack import announcing, asking
from services.helpdesk.actions.slack.saying import Outcome, said_text
from services.helpdesk.actions.sorting import assign
from services.helpdesk.actions.state import change_state
from services.helpdesk.errors import AnswerMissing, HelpdeskError
from services.helpdesk.models import SlackDelivery, SlackPerson, SlackThread, Ticket
from services.helpdesk.slack import modals, people, wording
from services.helpdesk.states import Channel, State
from services.integrations.errors import Refused
from services.integrations.slack import Slack, texts

LATE = ("expired_trigger_id", "trigger_expired", "invalid_trigger_id")
OPEN = "exchanged_trigger_id"
KEY = re.compile(r"(?:t-)?(\d{1,9})", re.IGNORECASE)


def reaction(slack: Slack, event: Mapping[str, Any], by: SlackPerson, row: SlackDelivery) -> Outcome:
    """An emoji that means something: it opens, takes, resolves; taken away it reopens."""
    item = event["item"] if isinstance(event.get("item"), dict) else {}
    channel, ts, name = str(item.get("channel", "")), str(item.get("ts", "")), event.get("reaction")
    thread = SlackThread.objects.filter(channel=channel, ts=ts).select_related("ticket").first()
    user, added = by.user, event.get("type") == "reaction_added"
    if user is None or not (channel and ts):
        return Outcome("Nothing to do.")
    if thread is None:
        if not added or name != settings.SLACK_OPENS:
            return Outcome("On no ticket.")
        said = asking.message_at(slack, channel, ts)
        if said is None or said.get("bot_id"):
            return Outcome("Its message is nobody's, or not shown to the app.")
        return asking.from_message(slack, said, channel, user)
    if not rules.can_see(user, thread.ticket):
        return Outcome("They may not see the ticket.", thread.ticket)
    place = {"to": by.slack_id, "channel": channel, "thread": ts}
    if name == settings.SLACK_TAKES and added and rules.can_triage(user):
        return attempt(thread.ticket, row, place, lambda t: assign(ticket=t, to=user, by=user))
    if name == settings.SLACK_CLOSES:
        to = State.RESOLVED if added else State.IN_PROGRESS
        return attempt(thread.ticket, row, place, lambda t: _moved(t, to, user, only_back=not added))
    return Outcome(f"It is {thread.ticket.key} already.", thread.ticket)


def _moved(ticket: Ticket, to: str, by: User, *, only_back: bool) -> Ticket:
    """Taking an emoji away takes back what it did, and nothing else."""
    if only_back and ticket.state != State.RESOLVED:
        return ticket
    return change_state(ticket=ticket, to=to, by=by)


def attempt(ticket: Ticket, row: SlackDelivery, place: Mapping[str, str], step: Any) -> Outcome:
    """Take a step; a refusal is whispered to whoever wanted it, with the way on where there is one."""
    try:
        with transaction.atomic():
            step(ticket)
    except AnswerMissing as missing:
        button = ("Say why and how long", "resolve", str(ticket.number))
        return refused(str(missing), row, ticket, {**place, "button": button})
    except HelpdeskError as error:
        return refused(str(error), row, ticket, place)
    return Outcome("Done.", ticket)


@transaction.atomic
def refused(text: str, row: SlackDelivery, ticket: Ticket | None, place: Mapping[str, Any]) -> Outcome:
    announcing.whisper(text=text, key=str(row.pk), **place)
    return Outcome(f"Refused: {text}"[:300], ticket)


def command(slack: Slack, payload: Mapping[str, Any], by: SlackPerson, row: SlackDelivery) -> Outcome:
    """`mine`, `status T-1001`, `help`; anything else opens the form, with these words in its first line."""
    text = texts.read(str(payload.get("text", "")), people.names(slack)).strip()
    word, _, rest = text.partition(" ")
    place = {"to": by.slack_id, "channel": str(payload.get("channel_id", "")), "url": _url(payload)}
    if word.lower() == "help" and not rest:
        return answered(slack, row, wording.usage(), place)
    if word.lower() == "mine" and not rest:
        mine = Ticket.objects.filter(asker=by.user).open().for_rows().order_by("-updated_at")
        return answered(slack, row, wording.mine(list(mine[: wording.ROWS])), place)
    if word.lower() == "status" and (found := KEY.fullmatch(rest.strip())):
        return _status(slack, row, by.user, int(found[1]), place)
    given = {"title": text.removeprefix("ask ")[:200]}
    return opens(slack, payload, row, modals.ask(given), place)


def _status(slack: Slack, row: SlackDelivery, user: Any, number: int, place: Mapping[str, Any]) -> Outcome:
    ticket = Ticket.objects.visible_to(user).for_rows().filter(number=number).first()
    if ticket is None:
        return answered(slack, row, f"There is no ticket T-{number}.", place)
    return answered(slack, row, wording.standing(ticket, ticket.assignee), place, ticket)


@transaction.atomic
def answered(
    slack: Slack, row: SlackDelivery, told: Any, place: Mapping[str, Any], ticket: Ticket | None = None
) -> Outcome:
    """Queue an answer for one person alone; `told` is words, or blocks with words for notifications."""
    if isinstance(told, str):
        announcing.whisper(text=told, key=str(row.pk), **place)
    else:
        announcing.whisper(text=told[1], key=str(row.pk), blocks=told[0], **place)
    return Outcome("Answered.", ticket)


def opens(
    slack: Slack, payload: Mapping[str, Any], row: SlackDelivery, view: Any, place: Mapping[str, Any]
) -> Outcome:
    """Open a form within the three seconds there are; after them a button that opens it is offered."""
    try:
        slack.call("views.open", trigger_id=str(payload.get("trigger_id", "")), view=view)
    except Refused as error:
        if error.code == OPEN:
            return Outcome("The form was opened before.")
        if error.code not in LATE:
            raise
        text = "That took too long; the form opens with this button."
        button = ("Open the form", view["callback_id"], _number(view))
        return refused(text, row, None, {**place, "button": button})
    return Outcome("A form was opened.")


def _number(view: Mapping[str, Any]) -> str:
    return str(modals.about(view).get("ticket", ""))


def _url(payload: Mapping[str, Any]) -> str:
    url = payload.get("response_url")
    return url if isinstance(url, str) else ""


def shortcut(slack: Slack, payload: Mapping[str, Any], by: SlackPerson, row: SlackDelivery) -> Outcome:
    """“Make it a ticket” at a message, or the form from anywhere."""
    place: dict[str, Any] = {"to": by.slack_id, "url": _url(payload)}
    if payload.get("type") != "message_action":
        return opens(slack, payload, row, modals.ask(), place)
    said = payload["message"] if isinstance(payload.get("message"), dict) else {}
    channel = payload["channel"].get("id", "") if isinstance(payload.get("channel"), dict) else ""
    anchor = str(said.get("thread_ts") or said.get("ts") or "")
    known = SlackThread.objects.filter(channel=channel, ts=anchor).select_related("ticket").first()
    if known is not None and rules.can_see(by.user, known.ticket):
        return answered(
            slack, row, wording.standing(known.ticket, known.ticket.assignee), place, known.ticket
        )
    body = said_text(slack, said)
    about: dict[str, Any] = {"channel": channel, "ts": anchor}
    if said.get("user") and not said.get("bot_id"):
        author = people.person_of(slack, str(said["user"])).user
        about |= {"asker": author.pk} if author else {}
    return opens(
        slack, payload, row, modals.ask({"title": body.split("\n")[0], "body": body}, about=about), place
    )


def pressed(slack: Slack, payload: Mapping[str, Any], by: SlackPerson, row: SlackDelivery) -> Outcome:
    """A button, or another category in the form."""
    rows = payload.get("actions")
    action = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else {}
    name, container = action.get("action_id"), payload.get("container")
    container = container if isinstance(container, dict) else {}
    place = {
        "to": by.slack_id, "channel": str(container.get("channel_id") or ""),
        "thread": str(container.get("thread_ts") or ""), "url": _url(payload),
    }  # fmt: skip
    if name == modals.CATEGORY:
        return _categorised(slack, payload)
    if name == "ask":
        return opens(slack, payload, row, modals.ask(), place)
    number = str(action.get("value", ""))
    tickets = Ticket.objects.visible_to(by.user)
    ticket = tickets.filter(number=int(number)).first() if number.isdecimal() and len(number) < 10 else None
    if ticket is None:
        return Outcome("A button without a ticket.")
    return _on_ticket(slack, payload, by.user, row, ticket, str(name), place)


def _on_ticket(
    slack: Slack,
    payload: Mapping[str, Any],
    user: Any,
    row: SlackDelivery,
    ticket: Ticket,
    name: str,
    place: Any,
) -> Outcome:
    mine = ticket.asker_id == user.pk
    if name == "take":
        return attempt(ticket, row, place, lambda t: assign(ticket=t, to=user, by=user))
    if name == "solved" and (mine or not rules.can_triage(user)):
        return attempt(ticket, row, place, lambda t: change_state(ticket=t, to=State.RESOLVED, by=user))
    if name in ("resolve", "solved") and rules.can_triage(user):
        return opens(slack, payload, row, modals.resolve(ticket), place)
    if name == "reply" and rules.can_triage(user):
        return opens(slack, payload, row, modals.reply(ticket), place)
    return Outcome("Nothing to do.", ticket)


def _categorised(slack: Slack, payload: Mapping[str, Any]) -> Outcome:
    """The form with the questions of the category just chosen; what is typed already stays."""
    view = payload["view"] if isinstance(payload.get("view"), dict) else {}
    fresh = modals.ask(modals.answers(view), about=modals.about(view))
    try:
        slack.call("views.update", view_id=str(view.get("id", "")), hash=view.get("hash"), view=fresh)
    except Refused as error:
        if error.code not in ("hash_conflict", "not_found", "view_not_found"):
            raise
        return Outcome("The form changed, or was closed, meanwhile.")
    return Outcome("The form asks for what the category wants to know.")


def sent_in(slack: Slack, payload: Mapping[str, Any], by: SlackPerson, row: SlackDelivery) -> Outcome:
    """A form that was checked at the door."""
    view = payload["view"] if isinstance(payload.get("view"), dict) else {}
    cleaned, about, user = payload.get("cleaned") or {}, modals.about(view), by.user
    assert user is not None, "looked at before"
    if view.get("callback_id") == modals.ASK:
        return asking.from_form(user, cleaned, about, str(view.get("id", "")))
    number = about.get("ticket")
    ticket = Ticket.objects.visible_to(user).filter(number=number if isinstance(number, int) else 0).first()
    if ticket is None:
        return Outcome("A form without a ticket.")
    place = {"to": by.slack_id}
    if view.get("callback_id") == modals.REPLY:
        given = {"body": cleaned["body"], "then_wait": bool(cleaned.get("wait")), "channel": Channel.SLACK}
        key = f"view:{view.get('id', '')}"[:200]
        return attempt(ticket, row, place, lambda t: reply(ticket=t, by=user, external_id=key, **given))
    given = {"cause": cleaned["cause"], "minutes": cleaned["minutes"]}
    return attempt(ticket, row, place, lambda t: change_state(ticket=t, to=State.RESOLVED, by=user, **given))

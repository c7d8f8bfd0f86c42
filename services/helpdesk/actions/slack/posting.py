"""Saying one thing in Slack, once: looked for under its own key first, which its message carries unseen."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from services.effects.errors import OutsideError
from services.effects.handlers import Claim, Done, Later
from services.effects.models import Effect
from services.effects.once import find_else_create
from services.helpdesk import slack as desk
from services.helpdesk.actions.slack import announcing
from services.helpdesk.models import SlackPost, SlackThread, Ticket, TicketEvent
from services.helpdesk.slack import people, wording
from services.integrations.errors import NotFound, Refused
from services.integrations.slack import Slack, blocks

Kind = TicketEvent.Kind
Side = SlackThread.Side
SOON, SKEW = timedelta(seconds=1), timedelta(hours=1)
METADATA = "slipway_ticket"
ENDED = (Effect.State.NEEDS_ATTENTION, Effect.State.CANCELLED)
WAITING = (Effect.State.DUE, Effect.State.RUNNING, Effect.State.UNKNOWN)
# Where nothing can be said any more: the asker is told directly instead.
GONE = frozenset(
    {"channel_not_found", "is_archived", "message_not_found", "not_in_channel", "thread_not_found"}
)


def post(slack: Slack, claim: Claim) -> Done | Later:
    """One event of a ticket, in one thread. The first message of a thread comes before all others, and each
    waits for those before it.
    """
    event = TicketEvent.objects.select_related("ticket", "by", "message__author").get(
        pk=claim.payload["event"]
    )
    of, side = Ticket.objects.select_related("asker").get(pk=claim.payload["of"]), claim.payload["side"]
    if why := _withheld(event, of, side):
        return Done({"skipped": why})
    thread = thread_of(of, side)
    if thread is None and event.kind != Kind.OPENED:
        return _first(of, side)
    if event.kind != Kind.OPENED and _others_wait(claim, of, side):
        return Later(SOON, "What happened before is told first.")
    stands = SlackPost.objects.filter(thread=thread, message=event.message, message__isnull=False)
    if thread and event.kind != Kind.OPENED and stands.exists():
        return Done({"skipped": "It was said there."})
    try:
        return _said(slack, claim, event, of, side, thread)
    except Refused as error:
        if thread is None or side != Side.ASKER or error.code not in GONE:
            raise
        SlackThread.objects.filter(pk=thread.pk).update(active=False)
        return Later(SOON, f"{error} The asker is told directly.")


def _withheld(event: TicketEvent, of: Ticket, side: str) -> str:
    """Why a message is not said: what is for the team alone needs a channel that is."""
    private = event.kind == Kind.NOTE or of.private
    if side == Side.TEAM and private and not desk.look().is_closed:
        return "The team's channel is not private."
    if side == Side.ASKER and event.kind == Kind.NOTE:
        return "Notes are for the team."
    return ""


def thread_of(of: Ticket, side: str) -> SlackThread | None:
    """Where this side talks now. What became private is not told in a channel any more."""
    thread = SlackThread.objects.filter(ticket=of, side=side, active=True).first()
    if thread is not None and side == Side.ASKER and of.private and not thread.is_direct:
        SlackThread.objects.filter(pk=thread.pk).update(active=False)
        return None
    return thread


def _first(of: Ticket, side: str) -> Later:
    """See to it that there is a thread; wait until there is."""
    opened = of.events.filter(kind=Kind.OPENED).earliest("version")
    again = SlackThread.objects.filter(ticket=of, side=side, active=False).count()
    with transaction.atomic():
        effect = announcing.say(opened, of, side, again=again)
    if effect.state in ENDED:
        raise OutsideError("The first message of its thread could not be said.", permanent=True)
    return Later(SOON, "The first message of its thread comes first.")


def _others_wait(claim: Claim, of: Ticket, side: str) -> bool:
    before = Effect.objects.filter(kind=claim.kind, key__startswith=f"{of.number}/{side}/", pk__lt=claim.pk)
    return before.filter(state__in=WAITING).exists()


def _said(
    slack: Slack, claim: Claim, event: TicketEvent, of: Ticket, side: str, thread: SlackThread | None
) -> Done:
    channel = thread.channel if thread else _channel(slack, of, side)
    root = thread.ts if thread else ""
    rows, words = wording.told(event, of, side, direct=thread is None)
    found = once(slack, channel, root, claim, blocks.message(rows, words))
    return Done({"channel": channel, "thread": root, "ts": str(found["ts"])})


def once(slack: Slack, channel: str, thread: str, claim: Claim, said: Mapping[str, Any]) -> dict[str, Any]:
    """The message with the key of this effect, said if it was not yet; none is older than the effect."""
    about = {"event_type": METADATA, "event_payload": {"key": claim.key, "desk": settings.BASE_URL}}
    oldest = f"{(Effect.objects.get(pk=claim.pk).created_at - SKEW).timestamp():.6f}"

    def find() -> dict[str, Any] | None:
        rows = (
            slack.rows("conversations.replies", "messages", channel=channel, ts=thread, **ALL)
            if thread
            else slack.rows("conversations.history", "messages", channel=channel, oldest=oldest, **ALL)
        )
        return next((row for row in rows if row.get("bot_id") and row.get("metadata") == about), None)

    def create() -> dict[str, Any]:
        return slack.call(
            "chat.postMessage", channel=channel, thread_ts=thread or None, metadata=about, **said
        )

    return find_else_create(find, create)


ALL: dict[str, Any] = {"include_all_metadata": True, "limit": 200}


def _channel(slack: Slack, of: Ticket, side: str) -> str:
    if side == Side.TEAM:
        return str(settings.SLACK_TEAM_CHANNEL)
    slack_id = people.slack_id_of(slack, of.asker)
    if not slack_id:
        raise OutsideError(f"{of.asker} has no account in Slack.", permanent=True)
    return direct(slack, slack_id)


def direct(slack: Slack, slack_id: str) -> str:
    """The conversation between the app and one person."""
    return str(slack.call("conversations.open", users=slack_id)["channel"]["id"])


def posted(effect: Effect, result: Mapping[str, Any]) -> None:
    """Remember where it stands; with the first message of a thread the thread."""
    if "ts" not in result or "event" not in effect.payload:
        return
    event = TicketEvent.objects.get(pk=effect.payload["event"])
    of, side = Ticket.objects.get(pk=effect.payload["of"]), effect.payload["side"]
    channel, root = result["channel"], result["thread"] or result["ts"]
    thread = SlackThread.objects.filter(channel=channel, ts=root).first()
    if thread is None:
        SlackThread.objects.filter(ticket=of, side=side).update(active=False)
        thread = SlackThread.objects.create(ticket=of, side=side, channel=channel, ts=root)
        announcing.mend("mark", of, f"{of.number} {root}")
    repeats = event.kind != Kind.OPENED or thread.ts == result["ts"]
    given = {"ours": True, "message": event.message if repeats else None}
    SlackPost.objects.get_or_create(thread=thread, ts=result["ts"], defaults=given)


def whisper(slack: Slack, claim: Claim) -> Done:
    """Words for one person alone: where a command came from, else in the channel, else directly. What only
    they see cannot be looked for: when it is open whether they do, it is not said again.
    """
    told = claim.payload
    rows = told["blocks"] or [blocks.section(blocks.plain(told["text"]))]
    if told["button"]:
        label, action, value = told["button"]
        rows = [*rows, blocks.actions(blocks.button(label, action, value))]
    said = blocks.message(rows, told["text"])
    try:
        if told["url"]:
            slack.answer(told["url"], response_type="ephemeral", replace_original=False, **said)
            return Done()
    except Refused:
        pass
    except OutsideError as error:
        if error.outcome_unknown:
            return Done({"open": str(error)})
        raise
    return _aside(slack, claim, told, said)


def _aside(slack: Slack, claim: Claim, told: Mapping[str, Any], said: Mapping[str, Any]) -> Done:
    try:
        if told["channel"]:
            place = {"channel": told["channel"], "user": told["whisper"], "thread_ts": told["thread"] or None}
            slack.call("chat.postEphemeral", **place, **said)
            return Done()
    except (Refused, NotFound) as error:
        if error.code not in GONE and error.code != "user_not_in_channel":
            raise
    except OutsideError as error:
        if error.outcome_unknown:
            return Done({"open": str(error)})
        raise
    channel = direct(slack, told["whisper"])
    return Done({"ts": str(once(slack, channel, "", claim, said)["ts"])})

"""Words in threads: said, edited, deleted; as they come, and as a sweep finds them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from portal.shell import pasted
from services.audit import actions as audit
from services.helpdesk.actions import conversation
from services.helpdesk.actions.slack import announcing
from services.helpdesk.errors import ContinuesElsewhere, HelpdeskError
from services.helpdesk.models import Correction, Message, SlackPost, SlackThread, Ticket
from services.helpdesk.models.slack import moment
from services.helpdesk.slack import people, wording
from services.helpdesk.states import Channel
from services.integrations.slack import Slack, texts

Side = SlackThread.Side
LONGEST = 20_000
WORDS = (None, "thread_broadcast", "file_share", "me_message")


@dataclass(frozen=True)
class Outcome:
    """What became of a delivery."""

    said: str
    ticket: Ticket | None = None


def said_text(slack: Slack, said: Mapping[str, Any]) -> str:
    """What somebody wrote, as words of a ticket: bounded, and without what looks like a secret."""
    text = texts.said(said, people.names(slack), "" if slack.host == "slack.com" else slack.host)
    whole = text if len(text) <= LONGEST else text[:LONGEST] + "\n\n… The rest stands in Slack."
    return pasted.masked(whole) if pasted.suspects(whole) else whole


def heard(slack: Slack, thread: SlackThread, said: Mapping[str, Any], key: str) -> Outcome:
    """One message in a ticket's thread: the asker's side is public, the team's is a note, always."""
    ts = str(said.get("ts", ""))[:32]
    known = SlackPost.objects.filter(thread=thread, ts=ts).select_related("message").first()
    if said.get("subtype") == "tombstone":
        return deleted(thread, ts)
    if known is not None:
        return _edited(slack, known, said)
    if said.get("subtype") not in WORDS or not said.get("user"):
        return Outcome("Nobody's words.", thread.ticket)
    person = people.person_of(slack, str(said["user"]))
    if person.user is None:
        tell_stranger(person.slack_id, thread.channel, thread.ts)
        return Outcome(f"Of a stranger: {person}.", thread.ticket)
    body = said_text(slack, said)
    try:
        message = _spoken(thread, person.user, body, said, ts)
    except HelpdeskError as refused:
        announcing_refusal(str(refused), person.slack_id, thread, key)
        return Outcome(f"Refused: {refused}"[:300], thread.ticket)
    return Outcome("A note." if message.internal else "A reply.", message.ticket)


@transaction.atomic
def _spoken(thread: SlackThread, by: Any, body: str, said: Mapping[str, Any], ts: str) -> Message:
    internal = thread.side == Side.TEAM
    message = _reply(thread.ticket, by, body, internal=internal, key=f"{thread.channel}:{ts}")
    at = moment(ts)
    if message.ticket.created_at <= at < message.created_at:
        Message.objects.filter(pk=message.pk).update(created_at=at)
    if message.ticket.follows_id == thread.ticket_id:  # it goes on where it was said
        thread.ticket = message.ticket
        thread.save(update_fields=["ticket"])
    keep(thread, ts, message, said)
    return message


def _reply(ticket: Ticket, by: Any, body: str, *, internal: bool, key: str) -> Message:
    try:
        return conversation.reply(
            ticket=ticket, by=by, body=body, internal=internal, channel=Channel.SLACK, external_id=key
        )
    except ContinuesElsewhere as elsewhere:
        return _reply(elsewhere.ticket, by, body, internal=internal, key=key)


def keep(thread: SlackThread, ts: str, message: Message | None, said: Mapping[str, Any]) -> SlackPost:
    """Remember which words of a thread are which of the ticket."""
    text = str(said.get("text") or "")
    given = {"message": message, "text": text.replace("\x00", ""), "edited": edited_at(said)}
    return SlackPost.objects.get_or_create(thread=thread, ts=ts, defaults=given)[0]


def edited_at(said: Mapping[str, Any]) -> str:
    edited = said.get("edited")
    return str(edited.get("ts", ""))[:32] if isinstance(edited, Mapping) else ""


def _edited(slack: Slack, post: SlackPost, said: Mapping[str, Any]) -> Outcome:
    """The newest of several edits counts, in whatever order they come; what shows a link is none."""
    now, text = edited_at(said), str(said.get("text") or "").replace("\x00", "")
    if post.ours or post.deleted or text == post.text or now <= post.edited:
        return Outcome("Known already.", post.thread.ticket)
    body = said_text(slack, said)
    with transaction.atomic():
        post = SlackPost.objects.select_for_update(of=("self",)).select_related("message").get(pk=post.pk)
        if now <= post.edited or post.deleted:
            return Outcome("A newer edit is known.", post.thread.ticket)
        post.text, post.edited = text, now
        post.save(update_fields=["text", "edited"])
        _correct(post.message, body=body)
    return Outcome("Edited.", post.thread.ticket)


@transaction.atomic
def deleted(thread: SlackThread, ts: str) -> Outcome:
    """Deleted words stay in the ticket, folded; those that never came are not taken in any more."""
    post, _ = SlackPost.objects.select_for_update(of=("self",)).get_or_create(
        thread=thread, ts=ts[:32], defaults={"deleted": True}
    )
    if post.ours:
        return Outcome("Words of ours were deleted.", thread.ticket)
    if not post.deleted:
        post.deleted = True
        post.save(update_fields=["deleted"])
        _correct(post.message, deleted=True)
    return Outcome("Deleted.", thread.ticket)


def _correct(message: Message | None, *, body: str = "", deleted: bool = False) -> None:
    if message is None:
        return
    now = {"body": body, "deleted": deleted, "at": timezone.now()}
    correction, _ = Correction.objects.update_or_create(message=message, defaults=now)
    what = "ticket.words_deleted" if deleted else "ticket.words_edited"
    audit.record(by=message.author, action=what, obj=message.ticket, summary=message.ticket.key)
    announcing.revise(message, correction.at)


@transaction.atomic
def tell_stranger(slack_id: str, channel: str, thread: str = "", *, url: str = "") -> None:
    """Say politely that somebody is not known here; once a day and place, whatever they write."""
    key = f"stranger {slack_id} {url or f'{channel} {timezone.now():%Y%m%d}'}"
    announcing.whisper(to=slack_id, text=wording.unknown(), key=key, channel=channel, thread=thread, url=url)


@transaction.atomic
def announcing_refusal(text: str, slack_id: str, thread: SlackThread, key: str) -> None:
    announcing.whisper(to=slack_id, text=text, key=key, channel=thread.channel, thread=thread.ts)


def sweep(slack: Slack, thread: SlackThread) -> Outcome:
    """Read the whole thread and make up for what never came: words, edits, deletions."""
    found, fresh = set[str](), 0
    before = Message.objects.filter(slack_posts__thread=thread).count()
    for row in slack.rows(
        "conversations.replies", "messages", channel=thread.channel, ts=thread.ts, limit=200
    ):
        found.add(str(row.get("ts", "")))
        if not row.get("bot_id"):
            heard(slack, thread, row, f"{thread.pk} {row.get('ts')}")
    for post in SlackPost.objects.filter(thread=thread, ours=False, deleted=False).exclude(ts__in=found):
        deleted(thread, post.ts)
        fresh += 1
    fresh += Message.objects.filter(slack_posts__thread=thread).count() - before
    SlackThread.objects.filter(pk=thread.pk).update(swept_at=timezone.now())
    return Outcome(f"{fresh} made up for.", thread.ticket)

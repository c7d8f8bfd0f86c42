"""Queueing what Slack is to be told of. Called by the actions themselves, in their transactions."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from services.effects.actions import enqueue
from services.helpdesk import slack
from services.helpdesk.models import Message, SlackPerson, SlackPost, SlackThread, Ticket, TicketEvent
from services.helpdesk.slack import wording
from services.helpdesk.states import Channel

Kind = TicketEvent.Kind
Side = SlackThread.Side
SETTLES = timedelta(seconds=2)
# What happened longer ago is a history that is brought along, and no news.
NEWS = timedelta(hours=6)


def announce(event: TicketEvent) -> None:
    """Whatever happened to a ticket, in each thread that is to hear of it. Nothing without Slack."""
    if not slack.is_on() or timezone.now() - event.at > NEWS:
        return
    for of, side in _sides(event):
        if wording.tells(event, side):
            say(event, of, side)
    if event.kind in (Kind.OPENED, Kind.STATE):
        mend("mark", event.ticket, f"{event.ticket.number}-{event.version}")
    _homes(event)


def _sides(event: TicketEvent) -> Iterator[tuple[Ticket, str]]:
    """The team's thread and the asker's; words also reach the askers of tickets that were merged into it."""
    ticket = event.ticket
    if settings.SLACK_TEAM_CHANNEL:
        yield ticket, Side.TEAM
    if ticket.channel == Channel.SLACK:
        yield ticket, Side.ASKER
    if event.kind == Kind.MESSAGE:
        for other in Ticket.objects.filter(duplicate_of=ticket, channel=Channel.SLACK):
            if not ticket.private or other.asker_id == ticket.asker_id:
                yield other, Side.ASKER


def say(event: TicketEvent, of: Ticket, side: str, *, again: int = 0) -> Any:
    """Queue one message. `again` counts threads that were lost: their first message is another each time."""
    key = f"{of.number}/{side}/{event.pk}" + (f"/{again}" if again else "")
    payload = {"event": event.pk, "of": of.pk, "side": side}
    return enqueue(kind=slack.POST, key=key, payload=payload, subject=of)


def mend(what: str, about: Any, key: str, *, delay: timedelta | None = None) -> None:
    """Queue bringing something in Slack up to date with how it is here."""
    payload = {"what": what, "pk": about.pk}
    enqueue(kind=slack.MEND, key=f"{what} {key}", payload=payload, subject=about, delay=delay)


def _homes(event: TicketEvent) -> None:
    """Of those whom it concerns and who look at theirs."""
    ticket = event.ticket
    concerned = SlackPerson.objects.filter(
        user__in=[ticket.asker_id, ticket.assignee_id], home_at__isnull=False
    )
    for person in concerned:
        mend("home", person, f"{person.slack_id} {event.pk}", delay=SETTLES)


def revise(message: Message, at: datetime) -> None:
    """Where else these words stand, they are to stand corrected."""
    for post in SlackPost.objects.filter(message=message, ours=True):
        mend("revise", post, f"{post.pk} {at:%Y%m%d%H%M%S%f}")


def whisper(
    *,
    to: str,
    text: str,
    key: str,
    channel: str = "",
    thread: str = "",
    url: str = "",
    button: Any = (),
    blocks: Any = (),
) -> None:
    """Queue words for one person alone: where they were (`url`, `channel`), else directly."""
    payload = {
        "whisper": to, "text": text, "channel": channel, "thread": thread, "url": url, "button": list(button),
        "blocks": list(blocks),
    }  # fmt: skip
    enqueue(kind=slack.POST, key=f"whisper {key}"[:200], payload=payload)

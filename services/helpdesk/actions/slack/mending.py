"""Bringing Slack up to date with how it is here: each looks at both sides first, so twice is once."""

from typing import Any

from django.conf import settings
from django.utils import timezone

from services.effects.models import Effect
from services.helpdesk import rota, rules
from services.helpdesk import slack as desk
from services.helpdesk.actions.slack import saying
from services.helpdesk.models import (
    Correction,
    Message,
    SlackLook,
    SlackPerson,
    SlackPost,
    SlackThread,
    Ticket,
    TicketEvent,
)
from services.helpdesk.slack import people, wording
from services.helpdesk.states import Priority
from services.integrations.errors import IntegrationError, NotFound, Refused
from services.integrations.slack import Slack, blocks

# What somebody did in between, or what no longer is there to be marked.
FINE = frozenset(
    {"already_reacted", "no_reaction", "message_not_found", "too_many_reactions", "too_many_emoji"}
)
GONE = frozenset({"channel_not_found", "is_archived", "not_in_channel", "thread_not_found"})


def mend(slack: Slack, what: str, pk: int) -> str:
    """What came of it, in words. Nothing of what is gone by now."""
    model, do = MENDS[what]
    row = model.objects.filter(pk=pk).first()
    return "gone" if row is None else str(do(slack, row))


def mark(slack: Slack, ticket: Ticket) -> str:
    """How the ticket stands, as the one emoji of ours on the first message of each thread."""
    wanted = desk.EMOJI[ticket.state]
    for thread in SlackThread.objects.filter(ticket=ticket, active=True):
        place = {"channel": thread.channel, "timestamp": thread.ts}
        try:
            found = slack.call("reactions.get", **place, full=True)["message"].get("reactions", [])
            bot = desk.look().bot
            ours = {row["name"] for row in found if bot in row.get("users", [])} & set(desk.EMOJI.values())
            for name in sorted(ours - {wanted}):
                _fine(slack, "reactions.remove", name=name, **place)
            if wanted not in ours:
                _fine(slack, "reactions.add", name=wanted, **place)
        except Refused as error:
            if error.code not in FINE | GONE:
                raise
    return wanted


def _fine(slack: Slack, method: str, **said: Any) -> None:
    try:
        slack.call(method, **said)
    except Refused as error:
        if error.code not in FINE:
            raise


def home(slack: Slack, person: SlackPerson) -> str:
    """The home tab as it is now. Of several changes at once the last one draws it."""
    waiting = Effect.objects.filter(kind=desk.MEND, state=Effect.State.DUE, object_id=str(person.pk))
    if waiting.filter(key__startswith=f"home {person.slack_id} ").exists():
        return "drawn soon"
    fresh = people.person_of(slack, person.slack_id)
    view = _home_of(fresh.user) if fresh.user else wording.strange_home()
    slack.call("views.publish", user_id=person.slack_id, view=view)
    return "drawn"


def _home_of(user: Any) -> Any:
    asked = Ticket.objects.filter(asker=user).open().for_rows().order_by("-updated_at")
    waits = list(Ticket.objects.waits_for(user).for_rows()[: wording.ROWS])
    untaken = Ticket.objects.needs_triage().for_rows().order_by("priority", "created_at")
    if rules.can_triage(user):
        mine = Ticket.objects.open().filter(assignee=user, priority=Priority.URGENT).for_rows()
        waits += list(mine[: wording.ROWS])
    rest = list(untaken[: wording.ROWS]) if rules.can_triage(user) else []
    return wording.home(user, needs=waits, asked=list(asked[: wording.ROWS]), untaken=rest)


def revise(slack: Slack, post: SlackPost) -> str:
    """Our copy of words that were edited or deleted where they were said."""
    message = post.message
    correction = Correction.objects.filter(message=message).first() if message else None
    if message is None or correction is None:
        return "gone"
    rows, words = _corrected(post, message, correction)
    try:
        slack.call(
            "chat.update", channel=post.thread.channel, ts=post.ts, **_updated(blocks.message(rows, words))
        )
    except NotFound:
        return "gone"
    return "revised"


def _corrected(post: SlackPost, message: Message, correction: Correction) -> wording.Told:
    """The first message of a thread says the question with all that stands around it."""
    thread = post.thread
    if post.ts == thread.ts:
        opened = thread.ticket.events.filter(kind=TicketEvent.Kind.OPENED).earliest("version")
        return wording.told(opened, thread.ticket, thread.side, direct=True)
    return wording.corrected(message, correction, "noted" if message.internal else "answered")


def _updated(said: dict[str, Any]) -> dict[str, Any]:
    """What an update takes of a message."""
    return {
        name: value for name, value in said.items() if name not in ("unfurl_links", "unfurl_media", "mrkdwn")
    }


def sweep(slack: Slack, thread: SlackThread) -> str:
    """Read a thread again. One that is gone is the ticket's no more: the asker is told directly."""
    try:
        return saying.sweep(slack, thread).said
    except Refused as error:
        if error.code not in GONE:
            raise
        SlackThread.objects.filter(pk=thread.pk).update(active=False)
        return f"lost: {error.code}"


def point(slack: Slack, event: Any) -> str:
    """Point the user group at whoever is on duty; on days without anybody it stays as it is."""
    duty = rota.on_duty(timezone.now())
    found = [people.slack_id_of(slack, person) for person in (duty.person, duty.second) if person]
    wanted = [each for each in found if each][:1]
    if not wanted:
        return "nobody"
    group = settings.SLACK_ROTA_GROUP
    if slack.call("usergroups.users.list", usergroup=group).get("users") != wanted:
        slack.call("usergroups.users.update", usergroup=group, users=",".join(wanted))
    return wanted[0]


def check() -> SlackLook:
    """Look at the connection, and write down how it is."""
    known, now = desk.look(), timezone.now()
    try:
        with Slack() as slack:
            said = slack.call("auth.test")
            known.team, known.team_id = str(said.get("team", ""))[:200], str(said.get("team_id", ""))[:32]
            known.bot = str(said.get("user_id", ""))[:32]
            known.is_closed = _is_closed(slack)
        known.error, known.failing_since = "", None
    except IntegrationError as error:
        known.error, known.failing_since = str(error)[:500], known.failing_since or now
    known.looked_at = now
    known.save()
    return known


def _is_closed(slack: Slack) -> bool:
    """Whether only who was let in reads the team's channel."""
    if not settings.SLACK_TEAM_CHANNEL:
        return False
    channel = slack.call("conversations.info", channel=settings.SLACK_TEAM_CHANNEL).get("channel")
    about = channel if isinstance(channel, dict) else {}
    return bool(about.get("is_private")) and not about.get("is_ext_shared") and not about.get("is_archived")


MENDS: dict[str, tuple[Any, Any]] = {
    "mark": (Ticket, mark),
    "home": (SlackPerson, home),
    "revise": (SlackPost, revise),
    "sweep": (SlackThread, sweep),
    "point": (SlackLook, point),
}

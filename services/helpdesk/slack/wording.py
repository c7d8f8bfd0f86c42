"""What the app says about tickets. Values are escaped by `blocks`; only words of our own are markup."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings

from portal.shell import markdown
from services.helpdesk import rules, thread
from services.helpdesk.models import Correction, Message, SlackThread, Ticket, TicketEvent
from services.helpdesk.states import Priority, State
from services.integrations.slack import blocks
from services.integrations.slack.blocks import Block, Safe

Kind = TicketEvent.Kind
Side = SlackThread.Side
Told = tuple[list[Block], str]
ROWS = 10
# Steps that are told in words; the others show on the first message alone.
TOLD = (State.RESOLVED, State.DUPLICATE, State.CONVERTED)
UNKNOWN = (
    "Sorry, I do not know you yet: nobody in {where} has the address that your account here has. Sign in "
    "there once, or have the address on your account page corrected, then try again. Nothing was taken in."
)
USAGE = (
    "{command} opens the form to ask for help, {command} and a few words fills in its first line. "
    "{command} mine lists what you asked, {command} status T-1001 tells how a ticket stands. "
    "You can also mention me, choose “Make it a ticket” at a message{emoji}."
)


def unknown() -> str:
    return UNKNOWN.format(where=settings.BASE_URL)


def usage() -> str:
    emoji = f", or put :{settings.SLACK_OPENS}: on it" if settings.SLACK_OPENS else ""
    return USAGE.format(command=settings.SLACK_COMMAND, emoji=emoji)


def link(ticket: Ticket) -> Safe:
    return blocks.link(f"{settings.BASE_URL}{ticket.get_absolute_url()}", ticket.key)


def tells(event: TicketEvent, side: str) -> bool:
    """Whether this side hears of an event in words. Notes are for the team's alone."""
    if event.kind in (Kind.OPENED, Kind.MESSAGE):
        return True
    if event.kind == Kind.STATE:
        return event.to_state in TOLD or event.from_state == State.RESOLVED != event.to_state != State.CLOSED
    return side == Side.TEAM and event.kind in (Kind.NOTE, Kind.ASSIGNED)


def told(event: TicketEvent, of: Ticket, side: str, *, direct: bool) -> Told:
    """The message that tells of an event; `of` is the ticket whose thread it stands in."""
    if event.kind == Kind.OPENED:
        return _opened(event, of, side, direct=direct)
    if event.message is not None:
        return said(event.message, "noted" if event.kind == Kind.NOTE else "answered")
    step = thread.line(event)
    text = blocks.line("{link}: *{who}* {what}", link=link(of), who=step.who, what=step.text)
    if event.to_state == State.RESOLVED and side == Side.ASKER:
        text = Safe(text + "\nNot solved? Say so here within seven days, and it is open again.")
    return [blocks.section(text)], f"{of.key}: {step.who} {step.text}"


def said(message: Any, how: str) -> Told:
    """Somebody's words, each letter as it is."""
    head = blocks.context(blocks.line("*{who}* {how}", who=str(message.author), how=how))
    return [head, *blocks.words(message.body)], f"{message.author}: {markdown.plain(message.body, 120)}"


def corrected(message: Message, correction: Correction, how: str) -> Told:
    """The same after it was edited or deleted elsewhere."""
    if correction.deleted:
        text = blocks.line("*{who}* deleted what stood here", who=str(message.author))
        return [blocks.context(text)], f"{message.author} deleted a message"
    head = blocks.context(blocks.line("*{who}* {how} (edited)", who=str(message.author), how=how))
    return [head, *blocks.words(correction.body)], f"{message.author} edited a message"


def _opened(event: TicketEvent, of: Ticket, side: str, *, direct: bool) -> Told:
    body = _now(event.message) if event.message else ""
    key = str(of.number)
    buttons = [
        blocks.button("Open in the portal", "portal", url=f"{settings.BASE_URL}{of.get_absolute_url()}")
    ]
    if side == Side.TEAM:
        steps = [
            blocks.button("I take it", "take", key, style="primary"),
            blocks.button("Reply to the asker", "reply", key),
            blocks.button("Resolve", "resolve", key),
        ]
        rows = [blocks.header(of.title), about(of), *blocks.words(body, 3), blocks.actions(*steps, *buttons)]
        rows.append(blocks.context(Safe("What is written in this thread is an internal note.")))
        return rows, f"{of.key} {of.title}"
    solved = blocks.button("It is solved", "solved", key)
    text = blocks.line("{link} is open. The platform team answers here; so can you.", link=link(of))
    rows = [blocks.section(text)]
    if direct:
        rows += [blocks.header(of.title), *blocks.words(body, 3)]
    return [*rows, about(of), blocks.actions(solved, *buttons)], f"{of.key} is open: {of.title}"


def _now(message: Message) -> str:
    """What it says by now, where it was said."""
    correction = Correction.objects.filter(message=message).first()
    return message.body if correction is None else correction.body or "(deleted)"


def about(ticket: Ticket) -> Block:
    """Who asked about what, how pressing it is and where it stands, in one line."""
    parts = [link(ticket), blocks.line("{x}", x=str(ticket.asker))]
    where = " in ".join(part for part in (ticket.entity_name, ticket.environment) if part)
    parts += [blocks.line("{x}", x=where)] if where else []
    words = (Priority(ticket.priority).label.lower(), State(ticket.state).label.lower())
    parts += [blocks.line("{x}", x=word) for word in words]
    parts += [Safe("private")] if ticket.private else []
    return blocks.context(Safe(" · ".join(parts)))


def rows(tickets: Sequence[Ticket]) -> list[Block]:
    """A ticket each: its title, and the line about it."""
    return [
        block
        for ticket in tickets[:ROWS]
        for block in (blocks.section(blocks.plain(ticket.title, 300)), about(ticket))
    ]


def mine(tickets: Sequence[Ticket]) -> Told:
    if not tickets:
        return [blocks.section(blocks.plain("You have no open ticket."))], "You have no open ticket."
    return rows(tickets), f"You have {len(tickets)} open."


def standing(ticket: Ticket, assignee: Any) -> Told:
    who = str(assignee) if assignee else "nobody yet"
    text = blocks.line("It is with {who}.", who=who)
    return [*rows([ticket]), blocks.section(text)], f"{ticket.key}: {State(ticket.state).label}"


def home(user: Any, *, needs: Sequence[Ticket], asked: Sequence[Ticket], untaken: Sequence[Ticket]) -> Block:
    """The home tab of one person."""
    found: list[Block] = [blocks.actions(blocks.button("Ask for help", "ask", style="primary"))]
    for title, tickets, nothing in (
        ("Waits for you", needs, "Nothing waits for you."),
        ("What you asked", asked, "You have no open ticket."),
        *([("Nobody has taken", untaken, "Every ticket has somebody.")] if rules.can_triage(user) else []),
    ):
        found += [blocks.header(title), *(rows(tickets) or [blocks.section(blocks.plain(nothing))])]
    return blocks.home(found)


def strange_home() -> Block:
    return blocks.home([blocks.section(blocks.plain(unknown()))])

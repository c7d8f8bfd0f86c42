"""One conversation as it is read: messages in order, machine events between them folded."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.helpdesk import clocks, queries
from services.helpdesk.models import Message, Ticket, TicketEvent
from services.helpdesk.states import Cause, Priority, State

Kind = TicketEvent.Kind


@dataclass
class Item:
    """A message, or a run of events without one."""

    message: Message | None = None
    lines: list["Line"] = field(default_factory=list)

    @property
    def last(self) -> "Line":
        return self.lines[-1]


@dataclass(frozen=True)
class Line:
    """One event in words."""

    icon: str
    tone: str
    who: str
    text: str
    at: datetime
    note: str = ""


def items(ticket: Ticket, user: Any, events: Iterable[TicketEvent] | None = None) -> list[Item]:
    """What this person may read, oldest first: two queries, or one when the events are known."""
    known = queries.history(ticket, user) if events is None else events
    happenings: list[tuple[Any, Any]] = [((e.at, 1, e.pk), e) for e in known if e.message_id is None]
    said: list[tuple[Any, Any]] = [((m.created_at, 0, m.pk), m) for m in queries.conversation(ticket, user)]
    thread: list[Item] = []
    for _, each in sorted([*happenings, *said], key=lambda pair: pair[0]):
        if isinstance(each, Message):
            thread.append(Item(message=each))
        elif thread and thread[-1].message is None:
            thread[-1].lines.append(line(each))
        else:
            thread.append(Item(lines=[line(each)]))
    return thread


def line(event: TicketEvent) -> Line:
    """An event as a sentence."""
    icon, tone, text = WORDS[event.kind](event)
    who = str(event.by) if event.by else "Slipway"
    return Line(icon, tone, who, text, event.at, event.data.get("reason", ""))


def _state(event: TicketEvent) -> tuple[str, str, str]:
    data = event.data
    if data.get("taken_back"):
        return "arrow-back-up", "", f"took back “{State(event.from_state).label.lower()}”"
    if event.to_state == State.RESOLVED:
        cause = f": {Cause(data['cause']).label.lower()}" if data.get("cause") else ""
        minutes = f", {data['minutes']} min" if data.get("minutes") is not None else ""
        return "circle-check", "ok", f"resolved it{cause}{minutes}"
    if event.to_state == State.IN_PROGRESS and event.from_state == State.RESOLVED:
        return "refresh", "warn", "reopened it"
    if event.from_state == State.DUPLICATE and event.to_state != State.CLOSED:
        return "arrow-back-up", "", "took back that it is a duplicate"
    words = {
        State.TRIAGED: ("checklist", "", "looked at it"),
        State.IN_PROGRESS: ("progress", "go", "works on it"),
        State.WAITING_REQUESTER: ("player-pause", "warn", "waits for an answer"),
        State.WAITING_EXTERNAL: ("player-pause", "warn", "waits for somebody else"),
        State.DUPLICATE: ("versions", "", f"marked it as a duplicate of {data.get('original', '')}"),
        State.CONVERTED: ("git-pull-request", "go", f"made it request {data.get('request', '')}"),
        State.CLOSED: ("archive", "", "closed it"),
    }
    return words[State(event.to_state)]


def _assigned(event: TicketEvent) -> tuple[str, str, str]:
    data = event.data
    if event.by is None:
        return "user-check", "", f"gave it to {data['name']}" if data["to"] else "took it off everybody"
    if not data["to"]:
        return "user-circle", "", "took it back from " + data["from"]
    if event.by and data["to"] == event.by.get_username():
        return "user-check", "", "took it"
    return "user-check", "", f"gave it to {data['name']}"


def _merged(data: dict[str, Any]) -> str:
    if "into" in data:
        return f"merged it into {data['into']}"
    return f"merged {data['from']} into it, with {data['count']} message{'' if data['count'] == 1 else 's'}"


def _escalated(data: dict[str, Any]) -> str:
    clock = clocks.NAMES[data["clock"]].lower()
    when = "is due soon" if data["minutes"] < 0 else "is overdue"
    told = f", told {', '.join(data['told'])}" if data.get("told") else ""
    return f"noticed that the {clock} {when}{told}"


WORDS: dict[str, Any] = {
    Kind.OPENED: lambda e: ("lifebuoy", "", "asked"),
    Kind.STATE: _state,
    Kind.MESSAGE: lambda e: ("message-circle", "", "replied"),
    Kind.NOTE: lambda e: ("lock", "warn", "wrote a note"),
    Kind.ASSIGNED: _assigned,
    Kind.PRIORITY: lambda e: ("flag", "", f"set the priority to {Priority(e.data['to']).label.lower()}"),
    Kind.CATEGORY: lambda e: ("tag", "", f"moved it to “{e.data['to']}”"),
    Kind.PRIVACY: lambda e: (
        ("eye-off", "", "hid it from colleagues")
        if e.data["private"]
        else ("eye", "", "showed it to colleagues")
    ),
    Kind.WATCHER: lambda e: (
        ("bell", "", "follows it") if e.data["on"] else ("bell-off", "", "stopped following it")
    ),
    Kind.ESCALATED: lambda e: ("flame", "warn", _escalated(e.data)),
    Kind.MERGED: lambda e: ("git-merge", "", _merged(e.data)),
    Kind.LINK: lambda e: ("link", "", f"{e.data['how']} {e.data['ticket'] or 'a private ticket'}"),
    Kind.PROBLEM: lambda e: (
        ("alert-triangle", "bad", "made it a problem")
        if e.data["how"] == "made"
        else ("alert-triangle", "", f"found {e.data['ticket']} behind it")
    ),
    Kind.NUDGE: lambda e: ("bell", "warn", f"asked {', '.join(e.data['told'])} how far it is"),
    Kind.ME_TOO: lambda e: ("users", "", "has it too" if e.data["on"] else "has it no longer"),
    Kind.FOLLOW_UP: lambda e: ("corner-down-right", "", f"went on in {e.data['ticket']}"),
}

"""How a ticket is spoken of: labels of states for whoever reads, tones, clocks."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from services.helpdesk.clocks import NAMES
from services.helpdesk.models import Ticket
from services.helpdesk.states import PHASES, Phase, State

TONES = {
    State.NEW: "accent",
    State.TRIAGED: "accent",
    State.IN_PROGRESS: "accent",
    State.WAITING_REQUESTER: "warn",
    State.WAITING_EXTERNAL: "warn",
    State.CONVERTED: "accent",
    State.RESOLVED: "ok",
    State.DUPLICATE: "idle",
    State.CLOSED: "idle",
}
ICONS = {
    State.WAITING_REQUESTER: "player-pause",
    State.WAITING_EXTERNAL: "player-pause",
    State.RESOLVED: "check",
    State.CONVERTED: "git-pull-request",
}
CHANNEL_ICONS = {"web": "browser", "slack": "hash", "mail": "mail", "system": "robot"}


def state_label(ticket: Ticket, reader: Any = None) -> str:
    """The state in words; a wait names the person it waits for."""
    if ticket.state != State.WAITING_REQUESTER:
        return str(State(ticket.state).label)
    if reader is not None and reader.pk == ticket.asker_id:
        return "Waits for you"
    return f"Waits for {ticket.asker.get_short_name()}"


@dataclass(frozen=True)
class Clock:
    """What the right-hand side of a queue row says."""

    text: str
    tone: str = ""
    icon: str = "clock"
    since: datetime | None = None
    what: str = ""


def clock(ticket: Ticket, now: datetime | None = None) -> Clock:
    """How long the next answer or the resolution may still take; else how long it is open."""
    now = now or timezone.now()
    phase = PHASES[ticket.state]
    if phase in (Phase.WAITING_REQUESTER, Phase.WAITING_THIRD_PARTY):
        return Clock("paused", "paused", "player-pause")
    if phase in (Phase.DONE, Phase.FINAL):
        return Clock("", icon="check", since=ticket.state_since)
    if ticket.due_at is None:
        return Clock("", since=ticket.created_at, icon="message-circle")
    left, what = ticket.due_at - now, NAMES.get(ticket.due_for, "")
    if left < timedelta():
        return Clock(f"{short(-left)} late", "bad", "flame", what=what)
    return Clock(short(left), "bad" if left < timedelta(minutes=5) else _tone(left), what=what)


def _tone(left: timedelta) -> str:
    return "warn" if left < timedelta(minutes=30) else ""


def short(span: timedelta) -> str:
    """At most two words of time: "3 d", "2 h 26 min", "4 min"."""
    minutes = int(span.total_seconds() // 60)
    if minutes >= 48 * 60:
        return f"{minutes // 1440} d"
    if minutes >= 60:
        rest = f" {minutes % 60} min" if minutes % 60 and minutes < 600 else ""
        return f"{minutes // 60} h{rest}"
    return f"{max(minutes, 1)} min"


def is_pressing(ticket: Ticket, now: datetime) -> bool:
    """A promise is nearly or wholly broken."""
    return clock(ticket, now).tone in ("bad", "warn")

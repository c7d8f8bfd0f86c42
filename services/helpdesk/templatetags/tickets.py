"""Tags for pages that show tickets."""

from typing import Any

from django import template

from portal.shell.once import once
from services.catalog import queries as catalog
from services.clusters import fixes
from services.helpdesk import wording
from services.helpdesk.models import Ticket
from services.helpdesk.states import Priority, State

register = template.Library()
BARS = ((1.5, 10.0, 4.5), (6.25, 6.5, 8.0), (11.0, 3.0, 11.5))


@register.inclusion_tag("helpdesk/parts/priority.html")
def priority(level: int) -> dict[str, Any]:
    """Three bars, more of them filled the more it presses; the word for screen readers."""
    filled = {Priority.LOW: 1, Priority.NORMAL: 2}.get(Priority(level), 3)
    bars = [{"x": x, "y": y, "h": h, "on": i < filled} for i, (x, y, h) in enumerate(BARS)]
    return {"bars": bars, "label": Priority(level).label, "urgent": level == Priority.URGENT}


@register.inclusion_tag("helpdesk/parts/state.html", takes_context=True)
def ticket_state(context: template.Context, ticket: Ticket) -> dict[str, str]:
    return {
        "label": wording.state_label(ticket, context["request"].user),
        "tone": wording.TONES[State(ticket.state)],
        "icon": wording.ICONS.get(State(ticket.state), ""),
    }


@register.inclusion_tag("helpdesk/parts/clock.html")
def ticket_clock(ticket: Ticket) -> dict[str, Any]:
    return {"clock": wording.clock(ticket)}


@register.filter
def channel_icon(channel: str) -> str:
    return wording.CHANNEL_ICONS.get(channel, "browser")


@register.filter
def words(text: str) -> list[str]:
    return text.split()


@register.inclusion_tag("helpdesk/parts/finding.html", takes_context=True)
def finding(
    context: template.Context,
    found: dict[str, Any],
    about: str = "",
    when: str = "",
    suffix: str = "",
    level: int = 2,
) -> dict[str, Any]:
    """One diagnosis with its evidence, and where a form corrects it, the way to that form."""
    request = context["request"]
    entity = once(request, f"entity {about}", lambda: catalog.find(about)) if about else None
    return {
        "finding": found,
        "fix_url": fixes.url_of(request, entity, found["fix"]) if entity and found.get("fix") else "",
        "entity": entity,
        "when": when,
        "suffix": suffix,
        "level": level,
        "mild": found.get("severity") in ("warn", "warning", "info"),
    }

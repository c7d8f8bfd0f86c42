"""Tags for pages that show tickets."""

from functools import cache
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from portal.shell.once import once
from portal.shell.templatetags.slipway import drawn, pill, since
from services.catalog import queries as catalog
from services.clusters import fixes
from services.helpdesk import wording
from services.helpdesk.models import Ticket
from services.helpdesk.states import Priority, State

register = template.Library()
BAR = '<rect{} x="{}" y="{}" width="3.25" height="{}" rx="1"/>'
PRIORITY = '<svg class="pri{}" viewBox="0 0 16 16" role="img" aria-label="{} priority">{}</svg>'
FILLED = SafeString(' class="f"')
BARS = ((1.5, 10.0, 4.5), (6.25, 6.5, 8.0), (11.0, 3.0, 11.5))


@register.simple_tag
@cache
def priority(level: int) -> SafeString:
    """Three bars, more of them filled the more it presses; the word for screen readers."""
    filled = {Priority.LOW: 1, Priority.NORMAL: 2}.get(Priority(level), 3)
    bars = format_html_join(
        "", BAR, ((FILLED if i < filled else "", x, y, h) for i, (x, y, h) in enumerate(BARS))
    )
    urgent = " urgent" if level == Priority.URGENT else ""
    return format_html(PRIORITY, urgent, Priority(level).label, bars)


@register.simple_tag(takes_context=True)
def ticket_state(context: template.Context, ticket: Ticket) -> SafeString:
    label = wording.state_label(ticket, context["request"].user)
    return pill(label, wording.TONES[State(ticket.state)], wording.ICONS.get(State(ticket.state), ""))


@register.simple_tag
def ticket_clock(ticket: Ticket) -> SafeString:
    """How long something may still take, or how long it is open. A list has a hundred of them, so they are
    put together here."""
    clock = wording.clock(ticket)
    what = format_html(' title="{}"', clock.what) if clock.what else ""
    text = since(clock.since) if clock.since else clock.text
    return format_html('<span class="sla {}"{}>{}{}</span>', clock.tone, what, drawn(clock.icon, "s"), text)


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

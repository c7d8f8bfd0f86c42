"""Variables of answers: plain names from a closed list, replaced once, never evaluated.

What is filled in is text of people; it is Markdown like everything they write and cleaned like it.
"""

import re
from typing import Any

from services.helpdesk.models import Ticket

NAME = re.compile(r"\{([a-z_]{1,40})\}")
VARIABLES = {
    "asker": "the full name of who asked",
    "first_name": "their first name",
    "ticket": "T-1001",
    "title": "the ticket in one line",
    "service": "the service it is about",
    "environment": "where",
    "team": "the team that asked",
    "me": "your name",
    "link": "the address of the ticket",
}


def unknown(text: str) -> list[str]:
    """Names in braces that mean nothing here."""
    return sorted({name for name in NAME.findall(text) if name not in VARIABLES})


def filled(text: str, ticket: Ticket, me: Any) -> str:
    """The answer with its names replaced; what is not known of this ticket is left out."""
    values = {
        "asker": str(ticket.asker),
        "first_name": ticket.asker.get_short_name(),
        "ticket": ticket.key,
        "title": ticket.title,
        "service": ticket.entity_name or "your service",
        "environment": ticket.environment or "every environment",
        "team": str(ticket.team or ""),
        "me": str(me),
        "link": ticket.get_absolute_url(),
    }
    return NAME.sub(lambda found: values.get(found[1], found[0]), text)

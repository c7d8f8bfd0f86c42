"""What the help desk keeps."""

from services.helpdesk.models.mails import Mail, MailQuerySet
from services.helpdesk.models.tickets import (
    Category,
    Message,
    NextNumber,
    Ticket,
    TicketEvent,
    TicketQuerySet,
)

__all__ = [
    "Category",
    "Mail",
    "MailQuerySet",
    "Message",
    "NextNumber",
    "Ticket",
    "TicketEvent",
    "TicketQuerySet",
]

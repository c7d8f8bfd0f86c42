"""What the help desk keeps."""

from services.helpdesk.models.tickets import (
    Category,
    Message,
    NextNumber,
    Ticket,
    TicketEvent,
    TicketQuerySet,
)

__all__ = ["Category", "Message", "NextNumber", "Ticket", "TicketEvent", "TicketQuerySet"]

"""What the help desk keeps."""

from services.helpdesk.models.answers import Answer, AnswerVote, Deflection
from services.helpdesk.models.attached import Attachment
from services.helpdesk.models.desk import (
    Calendar,
    Canned,
    Deed,
    DeedRow,
    DeskView,
    HandOver,
    Macro,
    Promise,
    Rota,
    RotaChange,
    RotaMember,
)
from services.helpdesk.models.mails import InboxLook, Mail, MailQuerySet
from services.helpdesk.models.slack import (
    Correction,
    SlackDelivery,
    SlackLook,
    SlackPerson,
    SlackPost,
    SlackThread,
)
from services.helpdesk.models.tickets import (
    Category,
    Message,
    NextNumber,
    Ticket,
    TicketEvent,
    TicketQuerySet,
)
from services.helpdesk.models.ties import Link, MeToo, Pending, Problem
from services.helpdesk.models.words import TicketWords

__all__ = [
    "Answer",
    "AnswerVote",
    "Attachment",
    "Calendar",
    "Canned",
    "Category",
    "Correction",
    "Deed",
    "DeedRow",
    "Deflection",
    "DeskView",
    "HandOver",
    "InboxLook",
    "Link",
    "Macro",
    "Mail",
    "MailQuerySet",
    "MeToo",
    "Message",
    "NextNumber",
    "Pending",
    "Problem",
    "Promise",
    "Rota",
    "RotaChange",
    "RotaMember",
    "SlackDelivery",
    "SlackLook",
    "SlackPerson",
    "SlackPost",
    "SlackThread",
    "Ticket",
    "TicketEvent",
    "TicketQuerySet",
    "TicketWords",
]

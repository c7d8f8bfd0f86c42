"""What the help desk says by mail: answers to those who asked by mail, and that a question arrived."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from services.effects.actions import enqueue
from services.helpdesk import mail_ids
from services.helpdesk.models import Mail, Message, Ticket
from services.helpdesk.states import Channel
from services.helpdesk.tasks import MAIL

# How many confirmations one address gets within an hour; a loop that shows no sign of one ends here.
CONFIRMATIONS = 4
HOUR = timedelta(hours=1)


def answer(message: Message, *, by: Any) -> None:
    """Mail a public answer to whoever asked by mail; never their own words."""
    ticket = message.ticket
    if (
        ticket.channel == Channel.MAIL
        and not message.internal
        and by.pk != ticket.asker_id
        and _reaches(ticket)
    ):
        enqueue(kind=MAIL, key=f"answer-{message.pk}", payload={"message": message.pk}, subject=ticket)


def confirm(mail: Mail) -> None:
    """Say that a question arrived, to somebody who waits for an answer; a few an hour at most."""
    recent = Mail.objects.filter(sender__iexact=mail.sender, received_at__gt=timezone.now() - HOUR)
    if (
        mail.ticket is not None
        and mail.ticket.asker.is_active
        and _reaches(mail.ticket)
        and recent.count() <= CONFIRMATIONS
    ):
        enqueue(kind=MAIL, key=f"confirm-{mail.pk}", payload={"mail": mail.pk}, subject=mail.ticket)


def _reaches(ticket: Ticket) -> bool:
    return bool(settings.MAIL_URL and mail_ids.inbox() and ticket.asker.email)

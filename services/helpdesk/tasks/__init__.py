"""What time does to tickets, and what goes out by mail: silence resolves, promises are kept an eye on."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from services.effects.handlers import Claim, Done, register
from services.helpdesk import mail_ids, queries
from services.helpdesk.models import Mail, Message, Ticket
from services.helpdesk.tasks import slack as slack  # its handlers and tasks are known with these
from services.integrations import mail
from services.integrations.errors import IntegrationError
from services.integrations.mail import imap

MAIL = "helpdesk.mail"
CONFIRMED = (
    "We have your question: it is {key}, “{title}”.\n\nThe platform team answers by mail. To add something, "
    "answer this mail."
)


@shared_task(name="helpdesk.fetch_mail")
def fetch_mail() -> None:
    """Take in what is unseen in the inbox, where there is one. Safe to run twice, and at the same time."""
    if not settings.MAIL_INBOX:
        return
    from services.helpdesk import actions

    try:
        imap.take_unseen(lambda raw: actions.take(raw=raw, transport="imap"))
    except IntegrationError as error:
        actions.note_look(error=str(error))
        return
    actions.note_look()


@register(MAIL)
def send(claim: Claim) -> Done:
    """Sends one answer or confirmation. Its Message-ID is the same each time: nobody is shown it twice."""
    if "message" in claim.payload:
        message = Message.objects.select_related("ticket__asker", "author").get(pk=claim.payload["message"])
        ticket, text, key = message.ticket, f"{message.body}\n\n{message.author.name}", f"m{message.pk}"
    else:
        ticket = Ticket.objects.select_related("asker").get(mails=claim.payload["mail"])
        text, key = CONFIRMED.format(key=ticket.key, title=ticket.title), f"c{claim.payload['mail']}"
    mail.send(_as_mail(ticket, text, key, is_answer="mail" in claim.payload))
    return Done()


def _as_mail(ticket: Ticket, text: str, key: str, *, is_answer: bool) -> mail.Mail:
    """`key` tells this mail from others of the ticket; the marker and the sign help answers find back."""
    heard = Mail.objects.filter(ticket=ticket, action__in=["new", "reply"]).order_by("received_at")
    where = f"{settings.BASE_URL}{ticket.get_absolute_url()}"
    return mail.Mail(
        to=ticket.asker.email,
        subject=f"Re: {ticket.title} [{ticket.key}]",
        text=f"-- {mail_ids.MARKER} --\n\n{text}\n\n-- \n{where}\n{mail_ids.sign(ticket.number)}\n",
        key=f"{mail_ids.sign(ticket.number)}.{key}",
        reply_to=mail_ids.reply_address(ticket.number),
        answers=tuple(one for one in heard.values_list("key", flat=True) if one.startswith("<")),
        is_answer=is_answer,
    )


@shared_task(name="helpdesk.settle")
def settle() -> None:
    """Close what was resolved a week ago, resolve what waited a week for its asker. Safe to run twice."""
    from services.helpdesk import actions

    now = timezone.now()
    for ticket in queries.due_to_close(now).defer("snapshot"):
        actions.settle(ticket=ticket, now=now)
    for ticket in queries.given_up_waiting(now).defer("snapshot"):
        actions.settle(ticket=ticket, now=now)


@shared_task(name="helpdesk.clocks")
def clocks() -> None:
    """Count deadlines again where they are behind, take the steps that are due, tell whose turn begins."""
    from services.helpdesk import actions

    now = timezone.now()
    actions.recount()
    actions.look(now)
    actions.tell_turn(now=now)
    actions.follow_requests()


@register("helpdesk.escalate")
def escalate(claim: Claim) -> Done:
    """One step of an escalation. A second run finds the event of the first and does nothing."""
    from services.helpdesk import actions

    given = {name: claim.payload[name] for name in ("do", "clock", "minutes")}
    ticket = Ticket.objects.get(pk=claim.payload["ticket"])
    actions.escalate(ticket=ticket, key=claim.key, at=timezone.now(), **given)
    return Done({})


@register("helpdesk.send")
def send_reply(claim: Claim) -> Done:
    """A reply nobody called back. A second run finds it sent."""
    from services.helpdesk import actions

    actions.send_now(pk=claim.payload["pending"])
    return Done({})

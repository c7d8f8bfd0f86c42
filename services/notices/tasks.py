"""Mails, as effects, and forgetting what was said long ago."""

from celery import shared_task
from django.conf import settings

from services.effects.handlers import Claim, Done, register
from services.integrations import mail
from services.notices.models import Notice

MAIL = "notices.mail"
ANSWER = "You are told because of what you asked for or may decide. What comes by mail: {}/notices/"


@register(MAIL)
def send(claim: Claim) -> Done:
    """Sends one notice. Its Message-ID is the same each time: who gets it twice is shown it once."""
    notice = Notice.objects.select_related("person").filter(pk=claim.payload["notice"]).first()
    if notice is None or not notice.person.is_active or not notice.person.email:
        return Done({"skipped": "nobody to tell any more"})
    if notice.read_at is not None:
        return Done({"skipped": "read already"})
    mail.send(as_mail(notice))
    return Done()


def as_mail(notice: Notice) -> mail.Mail:
    where = f"{settings.BASE_URL}{notice.url}"
    told = [notice.text, where, "-- \n" + ANSWER.format(settings.BASE_URL)]
    return mail.Mail(
        to=notice.person.email,
        subject=notice.title,
        text="\n\n".join(part for part in told if part) + "\n",
        key=f"notice-{notice.pk}",
    )


@shared_task(name="notices.forget")
def forget() -> int:
    from services.notices import actions

    return actions.forget()

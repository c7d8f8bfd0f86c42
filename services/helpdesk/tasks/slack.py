"""What is done in Slack and about what comes from there: effects, and what is looked after now and then."""

from collections.abc import Callable
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from services.effects.actions import forget
from services.effects.handlers import Claim, Done, Later, register
from services.effects.models import Effect
from services.helpdesk import rota
from services.helpdesk.models import SlackThread
from services.helpdesk.slack import MEND, POST, TAKE, is_on, look
from services.helpdesk.states import OPEN_STATES
from services.integrations.slack import RateLimited, Slack

SWEPT_EACH, SWEPT_AT_ONCE, SWEPT_FOR = timedelta(minutes=10), 15, timedelta(days=7)
KEPT, MENDED_FOR = timedelta(days=30), timedelta(days=1)


def _patiently(do: Callable[[Slack], Done | Later]) -> Done | Later:
    """Being asked to wait is nobody's fault and costs no attempt."""
    try:
        with Slack() as slack:
            return do(slack)
    except RateLimited as error:
        return Later(timedelta(seconds=error.retry_after or 1), str(error))


def _taken(effect: Effect, result: dict[str, object]) -> None:
    from services.helpdesk.actions.slack import taking

    taking.outcome(effect, str(result["said"]), result.get("ticket"))


def _not_taken(effect: Effect) -> None:
    from services.helpdesk.actions.slack import taking

    taking.outcome(effect, f"It could not be taken in: {effect.last_error}")


@register(TAKE, on_done=_taken, on_attention=_not_taken)
def take(claim: Claim) -> Done | Later:
    """Looks at one delivery. A second run finds what the first one made, by the ids Slack gave."""
    from services.helpdesk.actions.slack import taking
    from services.helpdesk.models import SlackDelivery

    row = SlackDelivery.objects.get(pk=claim.payload["delivery"])

    def do(slack: Slack) -> Done:
        outcome = taking.take(slack, row)
        return Done({"said": outcome.said, "ticket": outcome.ticket.pk if outcome.ticket else None})

    return _patiently(do)


def _posted(effect: Effect, result: dict[str, object]) -> None:
    from services.helpdesk.actions.slack import posting

    posting.posted(effect, result)


@register(POST, on_done=_posted, max_attempts=12)
def post(claim: Claim) -> Done | Later:
    """Says one thing. A second run finds it by the key that the message carries."""
    from services.helpdesk.actions.slack import posting

    does = posting.whisper if "whisper" in claim.payload else posting.post
    return _patiently(lambda slack: does(slack, claim))


@register(MEND)
def mend(claim: Claim) -> Done | Later:
    """Brings one thing up to date. A second run finds it so."""
    from services.helpdesk.actions.slack import mending

    what, pk = claim.payload["what"], claim.payload["pk"]
    return _patiently(lambda slack: Done({"said": mending.mend(slack, what, pk)}))


@shared_task(name="helpdesk.slack_look")
def look_after() -> None:
    """See how the connection is, point the user group at whoever is on duty, forget what is long past."""
    from services.helpdesk.actions.slack import accepting, announcing, mending

    if not is_on():
        return
    known, now = mending.check(), timezone.now()
    if settings.SLACK_ROTA_GROUP and not known.error:
        duty = rota.on_duty(now)
        with transaction.atomic():
            who = f"{duty.day} {duty.person.pk}" if duty.person else ""
            if who:
                announcing.mend("point", known, f"{who} {now:%H}")
    accepting.forget(now - KEPT)
    forget(kind=MEND, before=now - MENDED_FOR)


@shared_task(name="helpdesk.slack_sweep")
def sweep() -> None:
    """Read some threads again, those longest unread first: deliveries get lost. Safe to run twice."""
    from services.helpdesk.actions.slack import announcing

    now = timezone.now()
    if not is_on() or look().error:
        return
    alive = Q(ticket__state__in=OPEN_STATES) | Q(ticket__updated_at__gt=now - SWEPT_FOR)
    threads = SlackThread.objects.filter(alive, active=True, swept_at__lt=now - SWEPT_EACH).order_by(
        "swept_at"
    )
    for thread in threads[:SWEPT_AT_ONCE]:
        with transaction.atomic():
            announcing.mend("sweep", thread, f"{thread.pk} {thread.swept_at:%Y%m%d%H%M%S}")

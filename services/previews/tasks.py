"""What previews do outside, as effects; and the look that beat takes at all of them."""

from datetime import timedelta

import structlog
from celery import shared_task

from services.clusters import actions as clusters
from services.effects.handlers import Claim, Done, Later, register
from services.effects.models import Effect
from services.onboarding.errors import Refusal

from .models import Preview

RETRY = timedelta(seconds=30)
log = structlog.get_logger(__name__)


def _turned(effect: Effect, result: dict[str, object]) -> None:
    from services.previews import actions

    actions.turned(effect, result)


@register("previews.turn", on_done=_turned)
def turn(claim: Claim) -> Done | Later:
    """Scales what runs to nothing, or back to what it was; overtaken by a later turn it does nothing."""
    row = Preview.objects.select_related("environment__cluster").get(pk=claim.payload["preview"])
    if row.turns != claim.payload["turn"] or row.environment is None:
        return Done()
    return Done({"workloads": clusters.rest(row.environment, asleep=claim.payload["asleep"])})


@register("previews.end")
def end(claim: Claim) -> Done | Later:
    """What it showed has ended."""
    from services.previews import actions

    row = Preview.objects.select_related("request", "ending").get(pk=claim.payload["preview"])
    try:
        actions.end(preview=row, by=None, reason=claim.payload["reason"])
    except Refusal as refusal:
        log.info("previews.not_ended", preview=row.name, error=refusal.message)
        return Later(RETRY, refusal.message)
    return Done()


@shared_task(name="previews.tend")
def tend() -> int:
    from services.previews import actions

    return actions.tend()

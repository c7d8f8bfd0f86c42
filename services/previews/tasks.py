"""What previews do outside, as effects; and the look that beat takes at all of them."""

from datetime import timedelta

import structlog
from celery import shared_task

from services.clusters import actions as clusters
from services.effects.handlers import Claim, Done, Later, register
from services.effects.models import Effect
from services.onboarding.errors import HostSilent, Refusal, WrongState

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


@register("previews.show")
def show(claim: Claim) -> Done | Later:
    """Other images are wanted in it; overtaken by later ones it does nothing."""
    from services.previews import actions

    row = Preview.objects.for_page().get(pk=claim.payload["preview"])
    if row.is_over or row.is_going or row.shown != claim.payload["turn"] or not row.is_changing:
        return Done()
    carried = row.update_request.answers.get("images") if row.update_request else None
    if carried == row.wanted_images:
        return Done({"request": row.update_request.ref if row.update_request else ""})
    if reason := actions.following.waits(row):
        return Later(RETRY, reason)
    try:
        actions.following.bring_up_to_date(row)
    except HostSilent as silent:
        return Later(RETRY, silent.message)
    return Done()


@register("previews.pull")
def pull(claim: Claim) -> Done | Later:
    """A git host told of a pull request: its label asks for a preview, or ends one."""
    from services.previews import actions

    try:
        return Done({"said": actions.pulls.follow(claim.payload)})
    except (HostSilent, WrongState) as later:  # it comes up just now, or nothing can be read
        return Later(RETRY, later.message)


@shared_task(name="previews.tend")
def tend() -> int:
    from services.previews import actions

    return actions.tend()

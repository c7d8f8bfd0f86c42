"""What time and effects do to the catalog: sources are read, what no source has any more leaves it."""

from datetime import timedelta
from typing import Any

from celery import shared_task
from django.utils import timezone

from services.accounts.models import User
from services.catalog.compatible.filling import fill
from services.catalog.finding import revisions, tallies
from services.catalog.models import Entity, Source
from services.catalog.sources.fetching import CannotFetch
from services.effects.handlers import Claim, Done, Later, register
from services.effects.models import Effect

READ = "catalog.read"


@shared_task(name="catalog.tidy")
def tidy() -> None:
    """Remove what has been orphaned for long enough, and what only served once. Safe to run twice."""
    from services.catalog.finding import saved, vocabulary
    from services.catalog.importing import lifecycle

    lifecycle.remove_orphans(timezone.now())
    lifecycle.forget_deliveries(timezone.now())
    lifecycle.forget_runs(timezone.now())
    saved.forget_deleted(timezone.now())
    vocabulary.forget()
    fill(Entity)


@shared_task(name="catalog.owners")
def owners() -> None:
    """Resolve anew who owns what changed, and follow what was handed over. Safe to run twice."""
    from services.catalog.ownership import handing, settling

    settling.settle()
    handing.follow()


@shared_task(name="catalog.owners_again")
def owners_again() -> None:
    """Resolve anew who owns what, all of it: in case something got past the notes. Safe to run twice."""
    from services.catalog.ownership import tenures

    tenures.refresh()


@shared_task(name="catalog.evidence")
def evidence() -> int:
    """Gather who works on what, a part at a time. Safe to run twice."""
    from services.catalog.ownership import evidence

    return evidence.gather()


@shared_task(name="catalog.sweep")
def sweep() -> int:
    """Have every source read whose time has come; finds what webhooks missed."""
    from services.catalog import actions

    return actions.sweep()


@register(READ, max_attempts=4, lease=timedelta(minutes=5))
def read(claim: Claim) -> Done | Later:
    """Read a source as it is now. Twice makes no second run: what was read before is known by its digest."""
    from services.catalog import actions
    from services.catalog.sources import organisations, reaching

    source, trigger = Source.objects.get(pk=claim.payload["source"]), claim.payload["trigger"]
    told: dict[str, Any] = {"source": source, "trigger": trigger, "began": timezone.now()}
    asked = _asked(claim) if claim.payload.get("anew") else {}
    if not (source.is_steady or trigger == "person"):
        return Done({"skipped": "paused or removed"})
    try:
        reached = reaching.reach(source, claim.payload.get("name", ""), trigger, bool(asked))
    except organisations.NotFinished:
        return Later(timedelta(seconds=1), "There is more to read.")
    except CannotFetch as error:
        cause = error.__cause__
        permanent, after = getattr(cause, "permanent", True), getattr(cause, "retry_after", None)
        return Done(actions.failed(problem=str(error), permanent=permanent, retry_after=after, **told))
    return Done(actions.took(fetched=reached.fetched, head=reached.head, **told, **asked))


def _asked(claim: Claim) -> dict[str, Any]:
    """Who asked, and when: the plan is theirs, and a second run of the same wish makes no second one."""
    person = User.objects.filter(pk=claim.payload["by"]).first()
    return {"by": person, "asked": Effect.objects.values_list("created_at", flat=True).get(pk=claim.pk)}


@shared_task(name="catalog.fold")
def fold() -> None:
    """Sum up the numbers that lists show. Safe to run twice."""
    tallies.fold()
    revisions.fold()


@register("catalog.read_docs", max_attempts=4, lease=timedelta(minutes=5))
def read_docs(claim: Claim) -> Done | Later:
    """Read the docs beside a source's descriptors. Safe to run twice: what is as it was is not written."""
    from services.catalog.docs import storing

    source = Source.objects.filter(pk=claim.payload["source"]).first()
    try:
        return Done(storing.read_source(source) if source else {"gone": True})
    except storing.NotFinished:
        return Later(timedelta(seconds=1), "There are more docs to read.")

"""Looking at sources without anybody asking: when, at what, and what becomes of a look that fails.

A webhook, a sweep and a click only ask; an effect reads what the source is by then.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from services.audit.actions import record
from services.catalog.actions import imports
from services.catalog.docs import storing
from services.catalog.models import ImportRun, Source
from services.catalog.sources.fetching import Fetched
from services.catalog.sources.models import wait_after
from services.effects import crashpoints
from services.effects.actions import enqueue
from services.effects.models import Effect
from services.effects.queries import effects_for

Person = Any
READ = "catalog.read"
AT_ONCE = 200
crashpoints.declare_commit("catalog.run")


def ask(*, source: Source, trigger: str, by: Person = None, name: str = "", anew: bool = False) -> Effect:
    """Have a source read soon, or one repository of it. What is asked for already is not asked for twice.

    `anew` makes a plan for who asks, moved or not. Runs inside the transaction of whoever asks, which must
    hold the source's row.
    """
    payload: dict[str, Any] = {"source": source.pk, "trigger": trigger, "name": name}
    if anew:
        payload |= {"by": by.pk, "anew": True}
    waiting = effects_for(source).filter(kind=READ, state=Effect.State.DUE, due_at__lte=timezone.now())
    for effect in waiting:
        same = not anew or effect.payload.get("by") == payload["by"]
        if same and effect.payload.get("name", "") in ("", name):
            return effect
    return enqueue(kind=READ, key=f"{source.pk}:{uuid4().hex}", payload=payload, subject=source, by=by)


@transaction.atomic
def read_now(*, source: Source, by: Person, anew: bool = False) -> Effect:
    """What the button asks for, `anew`, and programs do. Refuses what the portal cannot read by itself."""
    source = Source.objects.select_for_update(of=("self",)).get(pk=source.pk)
    if not source.is_watched or source.removed_at:
        raise imports.Refused("Nothing can be read there: it was uploaded, put or removed.")
    record(by=by, action="catalog.read_asked", obj=source, summary=f"Asked to read {source}")
    return ask(source=source, trigger=ImportRun.Trigger.PERSON, by=by, anew=anew)


@transaction.atomic
def sweep() -> int:
    """Ask for every source whose time has come; what is paused or removed is left alone."""
    due = Source.objects.filter(next_at__lte=timezone.now(), paused_at=None, removed_at=None)
    rows = list(due.order_by("next_at").select_for_update(of=("self",), skip_locked=True)[:AT_ONCE])
    for source in rows:
        ask(source=source, trigger=ImportRun.Trigger.SWEEP)
        source.next_at = timezone.now() + timedelta(minutes=settings.CATALOG_SWEEP_MINUTES)
        source.save(update_fields=["next_at"])
    return len(rows)


@transaction.atomic
def took(
    *, source: Source, fetched: Fetched | None, head: str, trigger: str, began: Any, by: Person = None,
    asked: datetime | None = None,
) -> dict[str, Any]:  # fmt: skip
    """What a look came to: a run, or nothing new. `fetched` is None when the head had not moved."""
    source = Source.objects.select_for_update(of=("self",)).get(pk=source.pk)
    if source.removed_at:
        return {"skipped": "removed"}
    result: dict[str, Any] = {"unchanged": True}
    if fetched is not None:
        run, is_new = imports.take(
            source=source, fetched=fetched, trigger=trigger, began=began, by=by, asked=asked
        )
        result = {"run": run.pk, "unchanged": not is_new}
        storing.ask_again(source)
        crashpoints.around_commit("catalog.run")
    source.head, source.trouble, source.trouble_since, source.failures = head, "", None, 0
    if source.next_at or not asked:  # else nothing of it was ever applied, and no sweep looks at it yet
        source.next_at = timezone.now() + wait_after(0, None)
    source.save(update_fields=["head", "trouble", "trouble_since", "failures", "next_at"])
    return result


@transaction.atomic
def failed(
    *, source: Source, problem: str, trigger: str, began: Any, permanent: bool, retry_after: float | None
) -> dict[str, Any]:
    """A source that could not be read keeps all it has; the page says why, and when it is tried again.

    The same trouble again makes no second run.
    """
    source = Source.objects.select_for_update(of=("self",)).get(pk=source.pk)
    now = timezone.now()
    source.failures += 1
    source.next_at = now + wait_after(0 if permanent else source.failures, retry_after)
    if problem != source.trouble:
        ImportRun.objects.create(
            source=source, state=ImportRun.State.FAILED, problem=problem, trigger=trigger, took=now - began
        )
        source.trouble, source.trouble_since = problem, source.trouble_since or now
        told = {"problem": problem}
        record(
            by=None, action="catalog.read_failed", obj=source, summary=f"{source}: {problem}", details=told
        )
    source.save(update_fields=["failures", "next_at", "trouble", "trouble_since"])
    return {"failed": problem}

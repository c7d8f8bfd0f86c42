"""Queueing effects, and what people may do about them."""

from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.db.models.functions import Now
from django.utils import timezone

from services.audit import actions as audit
from services.audit.models import subject_of
from services.effects.models import Effect, Pulse


class NotRetryable(ValueError):
    """Only an effect that needs attention, or whose outcome is unknown, can be retried."""


class NotCancellable(ValueError):
    """What runs, is done or was cancelled cannot be cancelled."""


def enqueue(
    *,
    kind: str,
    key: str,
    payload: dict[str, Any] | None = None,
    subject: models.Model | None = None,
    by: Any = None,
    delay: timedelta | None = None,
) -> Effect:
    """Queue one thing to do outside, in the transaction of the change that wants it.

    The same (kind, key) returns the row that exists. Refuses to run outside a transaction.
    """
    if not transaction.get_connection().in_atomic_block:
        raise audit.OutsideTransaction(kind)
    object_type, object_id = subject_of(subject) if subject is not None else ("", "")
    when = {"due_at": Now() + delay} if delay else {}
    effect, created = Effect.objects.get_or_create(
        kind=kind,
        key=key,
        defaults=when
        | {
            "payload": payload or {},
            "object_type": object_type,
            "object_id": object_id,
            "created_by": by.get_username() if by is not None else audit.SYSTEM,
            "request_id": audit.current_request_id(),
        },
    )
    if delay:
        effect.refresh_from_db(fields=["due_at"])
    elif created:
        ring(effect)
    return effect


def ring(effect: Effect) -> None:
    """Wake a worker after the commit. Losing this costs at most one sweep's wait, never the effect."""
    from services.effects.tasks import doorbell

    transaction.on_commit(lambda: doorbell(effect.pk))


@transaction.atomic
def retry(*, effect: Effect, by: Any) -> Effect:
    """Give an effect a fresh set of attempts, now. Refuses any that does not wait for a person."""
    effect = Effect.objects.select_for_update().get(pk=effect.pk)
    if effect.state not in (Effect.State.NEEDS_ATTENTION, Effect.State.UNKNOWN):
        raise NotRetryable(effect.get_state_display())
    effect.state = Effect.State.DUE
    effect.attempts = effect.deaths = 0
    effect.due_at = Now()
    effect.finished_at = effect.tell_at = None
    effect.save(update_fields=["state", "attempts", "deaths", "due_at", "finished_at", "tell_at"])
    effect.refresh_from_db(fields=["due_at"])
    audit.record(by=by, action="effect.retried", obj=effect, summary=str(effect))
    ring(effect)
    return effect


@transaction.atomic
def cancel(*, effect: Effect, by: Any) -> Effect:
    """Take an effect back before it runs. Refuses what runs or has ended."""
    effect = Effect.objects.select_for_update().get(pk=effect.pk)
    if effect.state not in (Effect.State.DUE, Effect.State.UNKNOWN, Effect.State.NEEDS_ATTENTION):
        raise NotCancellable(effect.get_state_display())
    effect.state = Effect.State.CANCELLED
    effect.finished_at = timezone.now()
    effect.tell_at = None
    effect.save(update_fields=["state", "finished_at", "tell_at"])
    audit.record(by=by, action="effect.cancelled", obj=effect, summary=str(effect))
    return effect


def forget(*, kind: str, before: datetime) -> int:
    """Drop what was done long ago, of a kind that is queued again and again and says nothing afterwards."""
    ended = (Effect.State.DONE, Effect.State.CANCELLED)
    return Effect.objects.filter(kind=kind, state__in=ended, finished_at__lt=before).delete()[0]


def pulse(name: str, who: str = "") -> None:
    """Write down that something regular has just happened, for the alarm that rings when it does not."""
    Pulse.objects.update_or_create(name=name, defaults={"at": Now()} | ({"who": who} if who else {}))

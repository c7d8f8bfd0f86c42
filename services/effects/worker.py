"""Claiming an effect, running its handler, writing the outcome: each in a transaction of its own.

A worker may die, hang past its lease or come back late at any line: the row is then claimed by another
under a higher fence, and what the first one writes with the old fence changes nothing.
"""

import random
from datetime import timedelta

import structlog
from django.db import transaction
from django.utils import timezone

from services.effects.errors import OutsideError
from services.effects.handlers import Claim, Done, Handler, Later, handler_for
from services.effects.models import Effect

log = structlog.get_logger(__name__)

FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(minutes=10)
UNKNOWN_WAIT = timedelta(seconds=5)


@transaction.atomic
def claim(pk: int | None = None) -> Claim | None:
    """Take one claimable effect (`pk`, or the one due longest) under a new fence; None when there is none."""
    now = timezone.now()
    rows = Effect.objects.claimable(now).select_for_update(skip_locked=True).order_by("due_at")
    effect = (rows.filter(pk=pk) if pk is not None else rows).first()
    if effect is None:
        return None
    handler = handler_for(effect.kind)
    effect.state = Effect.State.RUNNING
    effect.fence += 1
    effect.attempts += 1
    effect.lease_until = now + (handler.lease if handler else timedelta(minutes=2))
    effect.save(update_fields=["state", "fence", "attempts", "lease_until"])
    return Claim(effect.pk, effect.kind, effect.key, effect.payload, effect.attempts, effect.fence)


def run_one(pk: int | None = None) -> bool:
    """Claim and run one effect; False when none was claimable. Never raises what a handler raises."""
    claimed = claim(pk)
    if claimed is None:
        return False
    with structlog.contextvars.bound_contextvars(effect=claimed.pk, kind=claimed.kind, key=claimed.key):
        _run(claimed)
    return True


def _run(claimed: Claim) -> None:
    handler = handler_for(claimed.kind)
    if handler is None:
        _give_up(claimed, None, f"No handler is registered for {claimed.kind!r}.")
        return
    try:
        _write(claimed, handler, handler.run(claimed))
    except OutsideError as error:
        log.warning("effect.failed", error=str(error), attempt=claimed.attempt)
        _failed(claimed, handler, error)
    except Exception as error:  # a poison row must not stop the others
        log.exception("effect.crashed", attempt=claimed.attempt)
        _failed(claimed, handler, OutsideError(f"{type(error).__name__}: {error}"))


@transaction.atomic
def _write(claimed: Claim, handler: Handler, outcome: Done | Later) -> None:
    effect = _held(claimed)
    if effect is None:
        return
    if isinstance(outcome, Later):
        effect.state = Effect.State.DUE
        effect.attempts -= 1
        effect.due_at = timezone.now() + outcome.after
        effect.last_error = outcome.reason
        effect.save()
        return
    effect.state = Effect.State.DONE
    effect.result = outcome.result
    effect.last_error = ""
    effect.finished_at = timezone.now()
    effect.save()
    if handler.on_done is not None:
        handler.on_done(effect, outcome.result)


def _failed(claimed: Claim, handler: Handler, error: OutsideError) -> None:
    if error.permanent or claimed.attempt >= handler.max_attempts:
        _give_up(claimed, handler, str(error))
    else:
        _try_again(claimed, error)


@transaction.atomic
def _try_again(claimed: Claim, error: OutsideError) -> None:
    effect = _held(claimed)
    if effect is None:
        return
    effect.state = Effect.State.UNKNOWN if error.outcome_unknown else Effect.State.DUE
    effect.due_at = timezone.now() + wait_before(claimed.attempt + 1, error)
    effect.last_error = str(error)
    effect.save()


@transaction.atomic
def _give_up(claimed: Claim, handler: Handler | None, message: str) -> None:
    effect = _held(claimed)
    if effect is None:
        return
    effect.state = Effect.State.NEEDS_ATTENTION
    effect.last_error = message
    effect.finished_at = timezone.now()
    effect.save()
    if handler is not None and handler.on_attention is not None:
        handler.on_attention(effect)


def _held(claimed: Claim) -> Effect | None:
    """The row, locked, if this claim still holds it; None when another took over or it was cancelled."""
    effect = (
        Effect.objects.select_for_update()
        .filter(pk=claimed.pk, fence=claimed.fence, state=Effect.State.RUNNING)
        .first()
    )
    if effect is None:
        log.warning("effect.fenced_off", fence=claimed.fence)
        return None
    effect.lease_until = None
    return effect


def wait_before(attempt: int, error: OutsideError) -> timedelta:
    """Seconds before the given attempt: what the other side asked for, else doubling from 2 s with jitter."""
    if error.retry_after is not None:
        return timedelta(seconds=error.retry_after)
    if error.outcome_unknown:
        return UNKNOWN_WAIT
    doubled: timedelta = min(FIRST_WAIT * 2 ** min(attempt - 2, 12), LONGEST_WAIT)
    return doubled * random.uniform(0.8, 1.2)  # noqa: S311  # jitter, not a secret

"""Claiming an effect, running its handler, writing the outcome: each in a transaction of its own.

A worker may die, hang past its lease or come back late at any line: the row is then claimed by another
under a higher fence, and what the first one writes with the old fence changes nothing.
"""

import random
import time
from collections.abc import Callable
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import Error, connection, transaction
from django.db.models import F
from django.db.models.functions import Greatest, Least, Now

from portal.shell import away
from services.effects.crashpoints import reached
from services.effects.errors import OutsideError
from services.effects.handlers import Claim, Done, Handler, Later, handler_for
from services.effects.models import Effect

log = structlog.get_logger(__name__)

FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(minutes=10)
UNKNOWN_WAIT = timedelta(seconds=5)
# What others ask us to wait is believed within these bounds.
SHORTEST_ASKED, LONGEST_ASKED = 1.0, 24 * 3600.0
LEASE = timedelta(minutes=2)
LONGEST_UNTOLD = timedelta(hours=1)
# A row that took so many workers with it, one after the other, is not given to another.
MAX_DEATHS = 2
REWRITES = (0.1, 0.5, 2.0)


def claim(pk: int | None = None) -> Claim | None:
    """Take one claimable effect (`pk`, or the one due longest) under a new fence; None when there is none.

    A row whose workers died one after the other is put before a person on the way.
    """
    while True:
        with transaction.atomic():
            effect = _next(pk)
            if effect is None:
                return None
            if effect.state == Effect.State.RUNNING:
                effect.deaths += 1
            if effect.deaths < MAX_DEATHS:
                return _take(effect)
            _park(effect)
        tell(effect.pk)


def _next(pk: int | None) -> Effect | None:
    rows = Effect.objects.claimable().select_for_update(skip_locked=True).order_by("due_at", "pk")
    return (rows.filter(pk=pk) if pk is not None else rows).first()


def _take(effect: Effect) -> Claim:
    handler = handler_for(effect.kind)
    effect.state = Effect.State.RUNNING
    effect.fence += 1
    effect.attempts += 1
    effect.lease_until = Now() + _paced(handler.lease if handler else LEASE)
    effect.save(update_fields=["state", "fence", "attempts", "deaths", "lease_until"])
    if handler is not None:
        reached(f"{effect.kind}.claiming")
    return Claim(effect.pk, effect.kind, effect.key, effect.payload, effect.attempts, effect.fence)


def _park(effect: Effect) -> None:
    """Put it before a person. What follows from that may itself be what kills: it waits for the commit."""
    log.error("effect.poison", effect=effect.pk, kind=effect.kind, key=effect.key, deaths=effect.deaths)
    effect.tell_at = Now() + _paced(LEASE)
    _need_attention(effect, f"The worker running it was lost {effect.deaths} times in a row.")


def tell(pk: int) -> None:
    """Run what follows from parking. What fails, or takes this worker with it, is made up for by a sweep."""
    try:
        _persist(lambda: _tell(pk))
    except Exception:
        log.exception("effect.attention_failed", effect=pk)


@transaction.atomic
def _tell(pk: int) -> None:
    waiting = Effect.objects.filter(pk=pk, state=Effect.State.NEEDS_ATTENTION, tell_at__isnull=False)
    effect = waiting.select_for_update().first()
    if effect is None:
        return
    handler = handler_for(effect.kind)
    if handler is not None and handler.on_attention is not None:
        handler.on_attention(effect)
    waiting.update(tell_at=None)


def tell_one() -> bool:
    """Make up for one; False when there is none. Each time it is tried later, twice as long after parking."""
    with transaction.atomic():
        effect = Effect.objects.untold().select_for_update(skip_locked=True).order_by("tell_at").first()
        if effect is None:
            return False
        wait = Least(Greatest(_paced(LEASE), Now() - F("finished_at")), LONGEST_UNTOLD)
        Effect.objects.filter(pk=effect.pk).update(tell_at=Now() + wait)
    tell(effect.pk)
    return True


def _need_attention(effect: Effect, message: str) -> None:
    effect.state = Effect.State.NEEDS_ATTENTION
    effect.lease_until = None
    effect.deaths = 0
    effect.last_error = message
    effect.finished_at = Now()
    effect.save()
    effect.refresh_from_db(fields=["finished_at"])


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
    problem = (
        OutsideError(f"No handler is registered for {claimed.kind!r}.", permanent=True)
        if handler is None
        else _attempt(claimed, handler)
    )
    if problem is None:
        return
    try:
        _persist(lambda: _failed(claimed, handler, problem))
    except Exception:  # the lease will run out, and another worker looks again
        log.exception("effect.unwritten", attempt=claimed.attempt)


def _attempt(claimed: Claim, handler: Handler) -> OutsideError | None:
    """Runs the handler and writes its outcome; what went wrong, None when nothing did."""
    reached(f"{claimed.kind}.claimed")
    try:
        outcome = handler.run(claimed)
        reached(f"{claimed.kind}.ran")
        _persist(lambda: _write(claimed, handler, outcome))
    except OutsideError as error:
        log.warning("effect.failed", error=str(error), attempt=claimed.attempt)
        return error
    except Exception as error:  # a poison row must not stop the others
        log.exception("effect.crashed", attempt=claimed.attempt)
        return OutsideError(f"{type(error).__name__}: {error}")
    reached(f"{claimed.kind}.written")
    return None


def _persist(write: Callable[[], None]) -> None:
    """Write in a transaction. After a deadlock, or when the database went away, again on a new connection.

    A COMMIT whose answer was lost is harmless: the second time the fence holds nothing any more.
    """
    for wait in REWRITES:
        try:
            write()
        except Error as error:
            if connection.in_atomic_block or not away.is_away(error):
                raise
            log.warning("effect.rewritten", error=str(error))
            connection.close()
            time.sleep(wait * random.uniform(0.5, 1.5))  # noqa: S311  # jitter, not a secret
        else:
            return
    write()


@transaction.atomic
def _write(claimed: Claim, handler: Handler, outcome: Done | Later) -> None:
    effect = _held(claimed)
    if effect is None:
        return
    if isinstance(outcome, Later):
        effect.state = Effect.State.DUE
        effect.attempts -= 1
        effect.due_at = Now() + _paced(outcome.after)
        effect.last_error = outcome.reason
        effect.save()
        return
    effect.state = Effect.State.DONE
    effect.result = outcome.result
    effect.last_error = ""
    effect.finished_at = Now()
    effect.save()
    if handler.on_done is not None:
        effect.refresh_from_db(fields=["finished_at"])
        handler.on_done(effect, outcome.result)
    reached(f"{claimed.kind}.writing")


def _failed(claimed: Claim, handler: Handler | None, error: OutsideError) -> None:
    if handler is None or error.permanent or claimed.attempt >= handler.max_attempts:
        _give_up(claimed, handler, str(error))
    else:
        _try_again(claimed, error)


@transaction.atomic
def _try_again(claimed: Claim, error: OutsideError) -> None:
    effect = _held(claimed)
    if effect is None:
        return
    effect.state = Effect.State.UNKNOWN if error.outcome_unknown else Effect.State.DUE
    effect.due_at = Now() + wait_before(claimed.attempt + 1, error)
    effect.last_error = str(error)
    effect.save()


@transaction.atomic
def _give_up(claimed: Claim, handler: Handler | None, message: str) -> None:
    effect = _held(claimed)
    if effect is None:
        return
    _need_attention(effect, message)
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
    effect.deaths = 0
    return effect


def wait_before(attempt: int, error: OutsideError) -> timedelta:
    """Seconds before the given attempt: what the other side asked for, else doubling from 2 s with jitter."""
    if error.retry_after is not None:
        return timedelta(seconds=min(max(error.retry_after, SHORTEST_ASKED), LONGEST_ASKED))
    if error.outcome_unknown:
        return _paced(UNKNOWN_WAIT)
    doubled: timedelta = min(FIRST_WAIT * 2 ** min(attempt - 2, 12), LONGEST_WAIT)
    return _paced(doubled * random.uniform(0.8, 1.2))  # noqa: S311  # jitter, not a secret


def _paced(wait: timedelta) -> timedelta:
    """A lease or a wait as it is; the fault tests live faster (EFFECTS_PACE)."""
    return wait * float(getattr(settings, "EFFECTS_PACE", 1.0))

"""Celery is the doorbell: a lost, late or doubled message changes nothing but the waiting time."""

import time

from celery import shared_task

from services.effects.bell import bell
from services.effects.crashpoints import declare, reached

declare("doorbell.ringing", "doorbell.rung")

# A sweep starts nothing more after this long, so that a worker told to end waits for one effect at most.
SWEEP_SECONDS = 8.0


def doorbell(pk: int) -> None:
    """Tell a worker that effect `pk` is due. With no broker at hand, the sweep finds it."""
    reached("doorbell.ringing")
    bell.ring(run_effect, pk)
    reached("doorbell.rung")


@shared_task(name="effects.run")
def run_effect(pk: int) -> None:
    from services.effects import worker

    worker.run_one(pk)


@shared_task(name="effects.sweep")
def sweep() -> int:
    """Run what is due and what was abandoned; beat calls it every few seconds."""
    from services.effects import actions, worker

    actions.pulse("sweep")
    count, end = 0, time.monotonic() + SWEEP_SECONDS
    while time.monotonic() < end and worker.tell_one():
        pass
    while time.monotonic() < end and worker.run_one():
        count += 1
    return count

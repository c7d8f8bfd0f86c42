"""Celery is the doorbell: a lost, late or doubled message changes nothing but the waiting time."""

from celery import shared_task

from services.effects.bell import bell

SWEEP_AT_MOST = 200


def doorbell(pk: int) -> None:
    """Tell a worker that effect `pk` is due. With no broker at hand, the sweep finds it."""
    bell.ring(run_effect, pk)


@shared_task(name="effects.run")
def run_effect(pk: int) -> None:
    from services.effects import worker

    worker.run_one(pk)


@shared_task(name="effects.sweep")
def sweep() -> int:
    """Run what is due and what was abandoned; beat calls it every few seconds."""
    from services.effects import worker

    count = 0
    while count < SWEEP_AT_MOST and worker.run_one():
        count += 1
    return count

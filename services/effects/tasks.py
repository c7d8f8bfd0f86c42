"""Celery is the doorbell: a lost, late or doubled message changes nothing but the waiting time."""

import structlog
from celery import shared_task
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)

SWEEP_AT_MOST = 200


def doorbell(pk: int) -> None:
    """Tell a worker that effect `pk` is due. With no broker at hand, the sweep finds it."""
    try:
        run_effect.delay(pk)
    except OperationalError as error:
        log.warning("doorbell.unheard", effect=pk, error=str(error))


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

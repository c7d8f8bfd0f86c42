"""Runs effects in the test's own process, as a worker would."""

from django.utils import timezone

from services.effects import worker
from services.effects.models import Effect


def run_due_effects(*, rounds: int = 20, skip_waits: bool = False) -> int:
    """Run everything due, and what that made due; with `skip_waits` also what waits for its time.

    Returns how many runs there were.
    """
    runs = 0
    for _ in range(rounds):
        if skip_waits:
            Effect.objects.filter(state__in=["due", "unknown"]).update(due_at=timezone.now())
        ran = 0
        while worker.run_one():
            ran += 1
            if ran > 1000:
                raise AssertionError("effects never end")
            if skip_waits and ran >= Effect.objects.count():
                break
        runs += ran
        if not ran:
            break
    return runs

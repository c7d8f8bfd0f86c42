"""Signs of life of the outbox: numbers for /metrics, and whether beat and the sweep still run for /readyz."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

from portal.shell import registry
from portal.shell.registry import Gauge, Vital
from services.effects import queries

# Beat and the watcher pulse every 5 s; beat has the sweep rung every 10.
SILENT_AFTER = {
    "beat": timedelta(seconds=30),
    "sweep": timedelta(seconds=60),
    "watcher": timedelta(seconds=30),
}


def register() -> None:
    registry.metrics.add(gauges)
    for order, name in enumerate(SILENT_AFTER):
        registry.vitals.add(Vital(name, order, partial(state_of, name)))


def state_of(name: str) -> str:
    """ "ok", or for how long it has not been heard of."""
    age = queries.age_of_pulse(name)
    if age is None:
        return "has not run yet"
    return "ok" if age <= SILENT_AFTER[name] else f"last ran {age.total_seconds():.0f} s ago"


def gauges() -> Iterator[Gauge]:
    oldest = queries.oldest_due_age().total_seconds()
    yield Gauge("slipway_effect_oldest_due_seconds", "How long the oldest due effect waits.", {(): oldest})
    states = {(state,): float(count) for state, count in queries.counts().items()}
    yield Gauge("slipway_effects", "Effects by state.", states, ("state",))
    ages = {(name,): _seconds(queries.age_of_pulse(name)) for name in SILENT_AFTER}
    yield Gauge(
        "slipway_last_run_age_seconds", "Time since beat, a sweep or the watcher last ran.", ages, ("what",)
    )


def _seconds(age: timedelta | None) -> float:
    return float("inf") if age is None else age.total_seconds()

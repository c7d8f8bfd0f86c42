"""Handlers by kind. A handler runs outside any transaction and is find, else create, else find."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from services.effects import crashpoints
from services.effects.models import Effect

# What every effect goes through, and where a test may stop it.
STEPS = ("claiming", "claimed", "ran", "writing", "written")


@dataclass(frozen=True)
class Claim:
    """One worker's right to run one effect until its lease ends; `fence` proves it when writing back."""

    pk: int
    kind: str
    key: str
    payload: dict[str, Any]
    attempt: int
    fence: int


@dataclass(frozen=True)
class Done:
    """It is so outside; `result` is kept on the row and handed to `on_done`."""

    result: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Later:
    """Not yet, and nobody's fault: look again after `after`. Costs no attempt."""

    after: timedelta
    reason: str


Run = Callable[[Claim], Done | Later]
OnDone = Callable[[Effect, dict[str, Any]], None]
OnAttention = Callable[[Effect], None]


@dataclass(frozen=True)
class Handler:
    kind: str
    run: Run
    on_done: OnDone | None
    on_attention: OnAttention | None
    max_attempts: int
    lease: timedelta


_handlers: dict[str, Handler] = {}


def register(
    kind: str,
    *,
    on_done: OnDone | None = None,
    on_attention: OnAttention | None = None,
    max_attempts: int = 8,
    lease: timedelta = timedelta(minutes=2),
) -> Callable[[Run], Run]:
    """Make a function the handler of `kind`.

    `on_done` runs in the transaction that writes the outcome; `on_attention` in the one that gives up.
    The lease must outlast the longest run, or a second worker starts beside the first.
    """

    crashpoints.declare(*(f"{kind}.{step}" for step in STEPS))

    def decorate(run: Run) -> Run:
        _handlers[kind] = Handler(kind, run, on_done, on_attention, max_attempts, lease)
        return run

    return decorate


def handler_for(kind: str) -> Handler | None:
    return _handlers.get(kind)

"""The one door through which a request changes its state, and the clocks that run beside it."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from services.accounts.models import User
from services.audit import actions as audit
from services.effects import crashpoints
from services.effects.actions import enqueue

from .. import telling, waiting
from ..errors import WrongState
from ..models import ACTIVE, TERMINAL, TRANSITIONS, Hop, Request, State
from ..signals import moved

_HOP = {
    State.DRAFT: Hop.Name.FORM,
    State.AWAITING_APPROVAL: Hop.Name.APPROVAL,
    State.PROPOSING: Hop.Name.PULL_REQUEST,
    State.IN_REVIEW: Hop.Name.MERGED,
    State.MERGED: Hop.Name.APPLIED,
    State.ROLLING_OUT: Hop.Name.HEALTHY,
}

# The events between the form and live: at each of them the fault tests kill, before and after the commit.
ON_THE_WAY = frozenset(
    {
        "started", "submitted", "awaits_approval", "approved", "proposing", "proposed", "commented",
        "merge_asked", "merged", "applied", "rollout_changed", "live",
    }
)  # fmt: skip
crashpoints.declare_commit(*(f"request.{action}" for action in ON_THE_WAY))


def locked(request: Request) -> Request:
    """The row as it is now, held until the transaction ends."""
    return (
        Request.objects.select_for_update(of=("self",))
        .select_related("team", "created_by")
        .get(pk=request.pk)
    )


def note(request: Request, *, by: User | None, action: str, summary: str = "", **details: Any) -> None:
    """The audit event of a change, and the version that says there was one."""
    request.version += 1
    request.save()
    audit.record(by=by, action=f"request.{action}", obj=request, summary=summary, details=details)
    if action in ON_THE_WAY:
        crashpoints.around_commit(f"request.{action}")
    event = telling.event_of(action, details.get("to", ""))
    if event:
        tell(request, event, by)


def tell(request: Request, event: str, by: User | None) -> None:
    """Has those told whom it concerns, once; who they are is worked out when it is done."""
    said = {"request": request.pk, "generation": request.generation, "event": event}
    said["by"] = by.username if by else ""
    key = f"{request.ref}/{event}/{request.version}"
    enqueue(kind="onboarding.tell", key=key, payload=said, subject=request, by=by)


def move(
    request: Request,
    to: State,
    *,
    by: User | None,
    action: str,
    summary: str = "",
    **details: Any,
) -> None:
    """Changes the state of a locked request along TRANSITIONS, with its event and its clocks.

    Refuses (WrongState) what the table does not allow.
    """
    here = State(request.state)
    if to not in TRANSITIONS[here]:
        raise WrongState(f"{request.ref} is {here.label.lower()}; it cannot become {to.label.lower()}.")
    request.state = to
    request.parts.update(is_open=to in ACTIVE)
    if to in TERMINAL:
        request.finished_at = timezone.now()
    note(request, by=by, action=action, summary=summary, **{"from": here, "to": to, **details})
    if to in TERMINAL:
        finish_hop(request)
    elif to in _HOP:
        enter_hop(request, _HOP[to])
    else:
        say_who(request)
    moved.send(sender=Request, request=request, by=by)


def enter_hop(request: Request, name: str, started_at: datetime | None = None) -> None:
    """Stops the clock of the hop before and starts this one; the same one again goes on."""
    if not request.hops.filter(finished_at__isnull=True, name=name).exists():
        now = timezone.now()
        finish_hop(request, now)
        request.hops.create(name=name, started_at=started_at or now)
    say_who(request)


def say_who(request: Request) -> None:
    request.hops.filter(finished_at__isnull=True).update(waits_for=waiting.whom(request)[:200])


def finish_hop(request: Request, now: datetime | None = None) -> None:
    request.hops.filter(finished_at__isnull=True).update(finished_at=now or timezone.now())

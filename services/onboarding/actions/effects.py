"""What a request does to the outside world, queued in the transaction that wants it."""

from typing import Any

from services.accounts.models import User
from services.effects import actions as outbox
from services.effects.models import Effect
from services.effects.queries import effects_for
from services.integrations import githosts

from .. import queries
from ..models import Request, Rollout, State
from .moves import move, note


def enqueue(row: Request, kind: str, key: str, by: User | None = None, **payload: Any) -> Effect:
    """Queues `onboarding.<kind>` about this request, once per key; what gave up under it starts again."""
    effect = outbox.enqueue(
        kind=f"onboarding.{kind}",
        key=f"{row.ref}/{key}",
        payload={
            "request": row.pk,
            "generation": row.generation,
            "by": by.username if by else "",
            **payload,
        },
        subject=row,
        by=by,
    )
    if effect.state == Effect.State.NEEDS_ATTENTION:
        outbox.retry(effect=effect, by=by)
    return effect


def drop_stuck(row: Request, by: User) -> None:
    """Takes back what waits for a person, for the person chose another way."""
    for effect in effects_for(row).filter(state=Effect.State.NEEDS_ATTENTION):
        outbox.cancel(effect=effect, by=by)


def again(row: Request, kind: str, by: User) -> None:
    """Starts what gave up once more, as it was queued."""
    for effect in effects_for(row).filter(state=Effect.State.NEEDS_ATTENTION, kind=f"onboarding.{kind}"):
        outbox.retry(effect=effect, by=by)


def propose(row: Request, by: User | None = None) -> None:
    move(row, State.PROPOSING, by=by, action="proposing")
    enqueue(row, "propose", str(row.generation), by)


def announce(row: Request) -> None:
    """Where the git host has labels, reviewers and checks; the portal's own pages need none."""
    if not githosts.is_built_in(row.provider):
        enqueue(row, "announce", f"announce/{row.head_sha}", head=row.head_sha)


def announce_over(row: Request) -> None:
    """Once an exception it needs is over, and once it holds again: what stands on the commit follows."""
    if githosts.is_built_in(row.provider) or not any(each.get("excepted") for each in row.findings):
        return
    over = queries.run_out(row)
    said = effects_for(row).filter(kind="onboarding.announce", key__contains=f"/{row.head_sha}/")
    before = said.order_by("pk").last()
    was_over = before is not None and before.payload.get("over", "")
    if bool(over) != bool(was_over):
        key = f"announce/{row.head_sha}/{row.version}"
        note(row, by=None, action="exception_over" if over else "exception_holds", summary=over)
        enqueue(row, "announce", key, head=row.head_sha, over=over)


def apply(row: Request, rollout: Rollout, by: User | None = None) -> None:
    rollout.state, rollout.message, rollout.finding = Rollout.State.APPLYING, "", None
    rollout.delivery = {}
    rollout.save()
    key = f"{row.merge_sha}/{rollout.environment}/{row.attempt}"
    enqueue(row, "apply", key, by, environment=rollout.environment, merge_sha=row.merge_sha)


def close(row: Request, by: User, reason: str) -> None:
    if row.pull_number is not None:
        enqueue(row, "close", f"pull/{row.pull_number}", by, number=row.pull_number, reason=reason)

"""How programs read a request: its schema, and one drawn by it."""

from typing import Any, Final

from portal.shell.schemas import any_of, choice, flag, listed, maybe, moment, named, number, text, thing
from services.onboarding import queries, waiting
from services.onboarding.models import Hop, Request, RequestPart, Rollout, State
from services.onboarding.queries.hops import Leg

FIELDS: Final = {
    "ref": text("R-1001"),
    "title": text(),
    "blueprint": text(),
    "state": choice(State.values),
    "entity": text("The reference of what it onboards or changes"),
    "team": text(),
    "created_by": text("A username"),
    "environments": listed(text()),
    "repository": text(),
    "pull_request": maybe(number()),
    "created_at": moment(),
    "submitted_at": maybe(moment()),
    "finished_at": maybe(moment()),
    "updated_at": moment(),
    "url": text("Its page"),
}
PART: Final = named(
    "RequestPart",
    thing(
        key=text("Stands before the names of its answers"), blueprint=text(),
        entity=text("The reference of what it makes"), digest=text("The blueprint's version"),
    ),
)  # fmt: skip
BRIEF: Final = named("RequestInList", any_of(**FIELDS))
HOP: Final = named(
    "Hop",
    thing(
        name=choice(Hop.Name.values), state=choice(["done", "now", "stuck", "todo"]), waits_for=text(),
        seconds=maybe(number("How long it took so far")), is_human=flag(), started_at=maybe(moment()),
        finished_at=maybe(moment()),
    ),
)  # fmt: skip
ROLLOUT: Final = named(
    "Rollout",
    thing(
        environment=text(), state=choice(Rollout.State.values), message=text(), ready=number(),
        desired=number(),
        as_of=maybe(moment()), applied_at=maybe(moment()), healthy_at=maybe(moment()),
    ),
)  # fmt: skip
APPROVAL: Final = named(
    "Approval",
    thing(
        key=text("Which need it meets"), by=text(), at=moment(), counts=flag("Not voided by a change since")
    ),
)
REQUEST: Final = named(
    "Request",
    thing(
        **FIELDS, waits_for=text("Whom it waits for; empty for nobody"), reason=text("Why it ended"),
        problem=text("What stopped it"), hops=listed(HOP), approvals=listed(APPROVAL),
        rollouts=listed(ROLLOUT), parts=listed(PART, "What it makes beside its entity"),
        files=listed(text(), "Paths in the repository"), merge_sha=text(),
        tree_hash=text("What an approval is of: it counts for exactly this content"),
    ),
)  # fmt: skip


def brief(row: Request) -> dict[str, Any]:
    columns = (
        "ref", "title", "blueprint", "state", "environments", "created_at", "submitted_at", "finished_at",
        "updated_at",
    )  # fmt: skip
    return {
        **{column: getattr(row, column) for column in columns},
        "entity": row.entity_ref,
        "team": row.team.slug if row.team else "",
        "created_by": row.created_by.username,
        "repository": row.repo,
        "pull_request": row.pull_number,
        "url": row.get_absolute_url(),
    }


def whole(row: Request) -> dict[str, Any]:
    return {
        **brief(row),
        "waits_for": waiting.whom(row),
        "reason": row.reason,
        "problem": str(row.problem.get("message") or row.problem.get("title") or ""),
        "hops": [_hop(leg) for leg in queries.legs(row)],
        "approvals": [
            {"key": a.key, "by": a.by.username, "at": a.created_at, "counts": a.voided_at is None}
            for a in row.approvals.select_related("by")
        ],
        "rollouts": [_rollout(each) for each in row.rollouts.all()],
        "parts": [_part(each) for each in row.parts.all()],
        "files": sorted(row.files),
        "merge_sha": row.merge_sha,
        "tree_hash": row.tree_hash,
    }


def _hop(leg: Leg) -> dict[str, Any]:
    columns = ("name", "state", "waits_for", "is_human", "started_at", "finished_at")
    took = None if leg.took is None else round(leg.took.total_seconds())
    return {**{column: getattr(leg, column) for column in columns}, "seconds": took}


def _part(row: RequestPart) -> dict[str, Any]:
    return {"key": row.key, "blueprint": row.blueprint, "entity": row.entity_ref, "digest": row.digest}


def _rollout(row: Rollout) -> dict[str, Any]:
    columns = ("environment", "state", "message", "ready", "desired", "as_of", "applied_at", "healthy_at")
    return {column: getattr(row, column) for column in columns}

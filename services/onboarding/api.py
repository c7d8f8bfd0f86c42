"""Requests for programs: which there are, where each stands, and how long each leg took."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from portal.shell import pasted
from portal.shell.api import ApiError
from portal.shell.operations import Asked, operation
from portal.shell.schemas import (
    any_of,
    choice,
    flag,
    listed,
    maybe,
    moment,
    named,
    number,
    page_of,
    sparse,
    text,
    thing,
    turning,
)
from services.accounts.serving import addresses
from services.onboarding import actions, images_api, queries, waiting
from services.onboarding.errors import Refusal
from services.onboarding.models import Hop, Request, RequestPart, Rollout, State
from services.onboarding.queries.hops import Leg
from services.onboarding.views.access import request_for, said
from services.onboarding.views.requests import SHOWN, filtered

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
OWN: Final = ("mine", "waiting")


@operation(
    "GET", "requests", scope="requests:read", answer=page_of(BRIEF),
    query={
        "show": choice(SHOWN, default="all"), "state": choice(State.values), "team": text(maxLength=63),
        "q": text("A number, or part of the title or of the entity", maxLength=200), **sparse(BRIEF),
        **turning(),
    },
    example={"query": {"show": "open", "team": "checkout"}},
)  # fmt: skip
def request_list(asked: Asked) -> dict[str, Any]:
    """Requests, the newest first.

    Drafts are only for who writes them. `mine` and `waiting` are for tokens of a person.
    """
    show = asked.query["show"]
    if asked.user.pk is None and show in OWN:
        raise ApiError(f"show={show} is for a person: bring a token of yours, not of a team.", 403)
    return asked.page(filtered(asked.request, show).order_by("-number"), _drawn)


def _drawn(rows: Iterable[Request]) -> Iterable[dict[str, Any]]:
    return map(_brief, rows)


def _brief(row: Request) -> dict[str, Any]:
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


@operation("GET", "requests/<str:ref>", scope="requests:read", answer=REQUEST, example={"ref": "R-1001"})
def request_detail(asked: Asked, ref: str) -> dict[str, Any]:
    """One request: where it stands, whom it waits for, the clocks of its hops, its approvals and rollouts."""
    return _whole(request_for(asked.request, ref))


def _whole(row: Request) -> dict[str, Any]:
    return {
        **_brief(row),
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


@operation(
    "POST", "requests/<str:ref>/approval", scope="requests:write", answer=REQUEST, person=True,
    limit="submit",
    body=thing(
        "tree_hash", tree_hash=text("Of what was looked at, from the request", maxLength=80),
        remark=text(maxLength=2000),
    ),
    example={"ref": "R-1001", "body": {"tree_hash": "sha256:9f86d081884c7d65"}},
)  # fmt: skip
def request_approval(asked: Asked, ref: str) -> dict[str, Any]:
    """Approve exactly the content that was looked at.

    Every approval the person may give, or a review. Nobody approves what they wrote (403); other content than
    `tree_hash` is refused (409).
    """
    remark = pasted.masked(asked.body.get("remark", ""))
    with _refusing():
        row = actions.approve(
            request=request_for(asked.request, ref), by=asked.user, tree_hash=asked.body["tree_hash"],
            remark=remark,
        )  # fmt: skip
    return _whole(row)


REASON: Final = thing("reason", reason=text("Whoever asked reads it", minLength=1, maxLength=2000))


@operation(
    "POST", "requests/<str:ref>/rejection", scope="requests:write", answer=REQUEST, person=True,
    limit="submit", body=REASON,
    example={"ref": "R-1001", "body": {"reason": "Use the shared cache instead."}},
)  # fmt: skip
def request_rejection(asked: Asked, ref: str) -> dict[str, Any]:
    """Say no, with a reason; the pull request is closed."""
    return _ended(asked, ref, actions.reject)


@operation(
    "POST", "requests/<str:ref>/withdrawal", scope="requests:write", answer=REQUEST, person=True,
    limit="submit", body=REASON,
    example={"ref": "R-1001", "body": {"reason": "Not needed any more."}},
)  # fmt: skip
def request_withdrawal(asked: Asked, ref: str) -> dict[str, Any]:
    """Take one's request back before it is merged."""
    return _ended(asked, ref, actions.withdraw)


def _ended(asked: Asked, ref: str, end: Callable[..., Request]) -> dict[str, Any]:
    reason = pasted.masked(asked.body["reason"])
    with _refusing():
        return _whole(end(request=request_for(asked.request, ref), by=asked.user, reason=reason))


@contextmanager
def _refusing() -> Iterator[None]:
    """What the actions refuse, with their own status and who may instead."""
    try:
        yield
    except Refusal as refusal:
        raise ApiError(said(refusal), refusal.status) from refusal


def _hop(leg: Leg) -> dict[str, Any]:
    columns = ("name", "state", "waits_for", "is_human", "started_at", "finished_at")
    took = None if leg.took is None else round(leg.took.total_seconds())
    return {**{column: getattr(leg, column) for column in columns}, "seconds": took}


def _part(row: RequestPart) -> dict[str, Any]:
    return {"key": row.key, "blueprint": row.blueprint, "entity": row.entity_ref, "digest": row.digest}


def _rollout(row: Rollout) -> dict[str, Any]:
    columns = ("environment", "state", "message", "ready", "desired", "as_of", "applied_at", "healthy_at")
    return {column: getattr(row, column) for column in columns}


app_name = "onboarding_api"
urlpatterns = addresses(
    [
        request_list,
        request_detail,
        request_approval,
        request_rejection,
        request_withdrawal,
        *images_api.OPERATIONS,
    ]
)

"""Requests for programs: which there are, where each stands, and how long each leg took."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from portal.shell import pasted
from portal.shell.api import ApiError
from portal.shell.operations import Asked, operation
from portal.shell.schemas import (
    choice,
    page_of,
    sparse,
    text,
    thing,
    turning,
)
from services.accounts.serving import addresses
from services.onboarding import actions, images_api, writing_api
from services.onboarding.errors import Refusal
from services.onboarding.models import Request, State
from services.onboarding.reading_api import BRIEF, REQUEST, brief, whole
from services.onboarding.views.access import request_for, said
from services.onboarding.views.requests import SHOWN, filtered

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
    return map(brief, rows)


@operation("GET", "requests/<str:ref>", scope="requests:read", answer=REQUEST, example={"ref": "R-1001"})
def request_detail(asked: Asked, ref: str) -> dict[str, Any]:
    """One request: where it stands, whom it waits for, the clocks of its hops, its approvals and rollouts."""
    return whole(request_for(asked.request, ref))


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
    return whole(row)


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
        return whole(end(request=request_for(asked.request, ref), by=asked.user, reason=reason))


@contextmanager
def _refusing() -> Iterator[None]:
    """What the actions refuse, with their own status and who may instead."""
    try:
        yield
    except Refusal as refusal:
        raise ApiError(said(refusal), refusal.status) from refusal


app_name = "onboarding_api"
urlpatterns = addresses(
    [
        request_list,
        request_detail,
        request_approval,
        request_rejection,
        request_withdrawal,
        *images_api.OPERATIONS,
        *writing_api.OPERATIONS,
    ]
)

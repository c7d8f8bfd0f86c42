"""Whom a request waits for, in words."""

from collections.abc import Sequence

from services.clusters.deliveries import TOOLS

from . import asking, rules
from .models import Request, State

SLIPWAY = "Slipway"
CLUSTER = "the cluster"


def names(people: Sequence[str], group: str) -> str:
    """One or two by name, more as the group they are."""
    return " or ".join(people) if 0 < len(people) <= 2 else group


def approval(request: Request) -> str:
    need = next(iter(rules.open_needs(request)), None)
    if need is None:
        return SLIPWAY
    people = [str(user) for user in rules.approvers(request, need)[:3]]
    named = {request.team.slug: request.team.name} if request.team else {}
    group = asking.who(need, named, request.team.slug if request.team else "")
    return names(people, f"{group} or the platform team" if request.escalated_at else group)


def review(request: Request) -> str:
    if rules.open_needs(request):
        return approval(request)
    if request.merge_asked_by_id:
        return SLIPWAY
    if rules.is_reviewed(request):
        return str(request.created_by)
    people = [str(user) for user in rules.reviewers(request)[:3]]
    return names(people, f"a reviewer in {request.team}")


def bringing(request: Request, otherwise: str) -> str:
    """The tool that was asked to bring it to an environment, while it is at it."""
    asked = (each for each in request.rollouts.all() if each.is_on_its_way)
    return next((TOOLS.get(each.delivery["by"], otherwise) for each in asked), otherwise)


def whom(request: Request) -> str:
    """For the state the request is in; empty where it waits for nobody."""
    words = {
        State.DRAFT: lambda: str(request.created_by),
        State.AWAITING_APPROVAL: lambda: approval(request),
        State.PROPOSING: lambda: SLIPWAY,
        State.IN_REVIEW: lambda: review(request),
        State.MERGED: lambda: bringing(request, SLIPWAY),
        State.ROLLING_OUT: lambda: bringing(request, CLUSTER),
        State.NEEDS_ATTENTION: lambda: str(request.created_by),
    }
    say = words.get(State(request.state))
    return say() if say else ""

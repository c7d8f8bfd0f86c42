"""Who may do what to a request. The same predicates serve actions, pages and the API.

Nobody approves what they wrote, whatever else they are: `is_contributor` comes before every role.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import QuerySet

from services.accounts.models import Membership, Team, User

from .models import TRANSITIONS, Approval, Request, State

Rule = Callable[[User, Request], bool]

EDITABLE = frozenset({State.DRAFT, State.AWAITING_APPROVAL, State.IN_REVIEW, State.NEEDS_ATTENTION})


def is_contributor(user: User, request: Request) -> bool:
    return user.pk == request.created_by_id or request.contributors.filter(pk=user.pk).exists()


def belongs(user: User, request: Request) -> bool:
    """Whether the request is this person's business: theirs, or their team's."""
    if not user.is_active:
        return False
    return user.pk == request.created_by_id or (request.team is not None and user.in_team(request.team))


def approvers(request: Request, need: Mapping[str, Any]) -> QuerySet[User]:
    """The people who may give this approval: leads of the team, its members, or the platform team.

    Where a team has nobody but those who wrote the request, the platform team stands in, so that no
    request waits for ever.
    """
    writers = [request.created_by_id, *request.contributors.values_list("pk", flat=True)]
    people = User.objects.filter(is_active=True).exclude(pk__in=writers).order_by("name")
    platform = people.filter(teams__runs_platform=True).distinct()
    who = str(need.get("who", ""))
    team = Team.objects.filter(slug=need.get("team") or "").first() or request.team
    if who == "platform" or team is None:
        return platform
    members = Membership.objects.filter(team=team)
    if who in ("lead", "team-lead", "leads"):
        members = members.filter(role=Membership.Role.LEAD)
    own = people.filter(pk__in=members.values("user"))
    return own if own.exists() else platform


def reviewers(request: Request) -> QuerySet[User]:
    """Who may review the pull request: the team and the platform team, without those who wrote it."""
    writers = [request.created_by_id, *request.contributors.values_list("pk", flat=True)]
    people = User.objects.filter(is_active=True).exclude(pk__in=writers)
    return (people.filter(teams=request.team) | people.filter(teams__runs_platform=True)).distinct()


def given(request: Request) -> QuerySet[Approval]:
    """The approvals that hold: of exactly this content, by somebody who wrote none of it."""
    return (
        request.approvals.filter(tree_hash=request.tree_hash, voided_at__isnull=True)
        .exclude(by=request.created_by_id)
        .exclude(by__in=request.contributors.all())
    )


def open_needs(request: Request) -> list[dict[str, Any]]:
    have = set(given(request).values_list("key", flat=True))
    return [need for need in request.needs if need["key"] not in have]


def needs_for(user: User, request: Request) -> list[dict[str, Any]]:
    """The open approvals this person may give."""
    if request.state != State.AWAITING_APPROVAL or is_contributor(user, request):
        return []
    return [n for n in open_needs(request) if approvers(request, n).filter(pk=user.pk).exists()]


def is_reviewed(request: Request) -> bool:
    """Somebody who did not write it has said yes to exactly this content."""
    return not open_needs(request) and given(request).exists()


def can_see(user: User, request: Request) -> bool:
    return request.submitted_at is not None or request.created_by_id == user.pk


def can_edit(user: User, request: Request) -> bool:
    if request.state not in EDITABLE:
        return False
    return request.created_by_id == user.pk if request.state == State.DRAFT else belongs(user, request)


def can_review(user: User, request: Request) -> bool:
    return request.state == State.IN_REVIEW and reviewers(request).filter(pk=user.pk).exists()


def can_approve(user: User, request: Request) -> bool:
    return bool(needs_for(user, request)) or can_review(user, request)


def can_reject(user: User, request: Request) -> bool:
    if State.REJECTED not in TRANSITIONS[State(request.state)] or is_contributor(user, request):
        return False
    return user.is_active and (user.is_platform or can_approve(user, request))


def can_withdraw(user: User, request: Request) -> bool:
    """Between submitting and merging, by whoever asked or a lead of the team."""
    if State.WITHDRAWN not in TRANSITIONS[State(request.state)] or request.state == State.DRAFT:
        return False
    if request.merge_sha:
        return False
    lead = request.team is not None and user.leads(request.team)
    return user.is_active and (request.created_by_id == user.pk or lead)


def can_close(user: User, request: Request) -> bool:
    """Giving up on what is stuck, or on what waits for somebody who does not come."""
    if State.CLOSED not in TRANSITIONS[State(request.state)] or request.state == State.PROPOSING:
        return False
    return belongs(user, request) or (user.is_active and user.is_platform)


def can_merge(user: User, request: Request) -> bool:
    """The team or the platform team, once somebody else has said yes."""
    if request.state != State.IN_REVIEW or not is_reviewed(request):
        return False
    return belongs(user, request) or (user.is_active and user.is_platform)


def can_retry(user: User, request: Request) -> bool:
    if request.state != State.NEEDS_ATTENTION:
        return False
    return belongs(user, request) or (user.is_active and user.is_platform)


def can_comment(user: User, request: Request) -> bool:
    return user.is_active and request.pull_number is not None and can_see(user, request)

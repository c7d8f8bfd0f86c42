"""Who may do what to a request. The same predicates serve actions, pages and the API.

Nobody approves what they wrote, whatever else they are: `is_contributor` comes before every role.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import QuerySet

from services.accounts.models import Membership, User
from services.catalog.models import Entity
from services.catalog.queries import refs_of

from .models import TRANSITIONS, Approval, Request, State

Rule = Callable[[User, Request], bool]
Need = Mapping[str, Any]
LEAD = Membership.Role.LEAD

EDITABLE = frozenset(
    {State.DRAFT, State.AWAITING_APPROVAL, State.IN_REVIEW, State.ROLLING_OUT, State.NEEDS_ATTENTION}
)


def writers(request: Request) -> set[int]:
    """Keys of those who wrote any of it; the rules below work on prefetched rows as well."""
    return {request.created_by_id, *(user.pk for user in request.contributors.all())}


def is_contributor(user: User, request: Request) -> bool:
    return user.pk in writers(request)


def belongs(user: User, request: Request) -> bool:
    """Whether the request is this person's business: theirs, or their team's."""
    if not user.is_active:
        return False
    return user.pk == request.created_by_id or (request.team is not None and user.in_team(request.team))


def approvers(request: Request, need: Need) -> QuerySet[User]:
    """The people who may give this approval: leads of the team, its members, or the platform team.

    Where a team has nobody but those who wrote the request, the platform team stands in, so that no
    request waits for ever.
    """
    people = User.objects.filter(is_active=True).exclude(pk__in=writers(request)).order_by("name")
    slug = _team_asked(request, need)
    if slug is not None:
        members = Membership.objects.filter(team__slug=slug)
        wanted = members.filter(role=LEAD) if _wants_lead(need) else members
        own = people.filter(pk__in=wanted.values("user"))
        if own.exists():
            return own
    return people.filter(teams__runs_platform=True).distinct()


def _team_asked(request: Request, need: Need) -> str | None:
    """The slug of the team whose yes is wanted; None for the platform team."""
    if need.get("who") == "platform":
        return None
    return str(need.get("team") or "") or (request.team.slug if request.team else None)


def _wants_lead(need: Need) -> bool:
    return need.get("who") == "lead"


def may_give(user: User, request: Request, need: Need) -> bool:
    """`approvers` for one person, from what is known of them; only where the platform team may stand in is
    the database asked."""
    if not user.is_active or is_contributor(user, request):
        return False
    membership = user.roles.get(_team_asked(request, need) or "")
    if membership is not None and (membership.role == LEAD or not _wants_lead(need)):
        return True
    return user.is_platform and approvers(request, need).filter(pk=user.pk).exists()


def reviewers(request: Request) -> QuerySet[User]:
    """Who may review the pull request: the team and the platform team, without those who wrote it."""
    people = User.objects.filter(is_active=True).exclude(pk__in=writers(request))
    return (people.filter(teams=request.team) | people.filter(teams__runs_platform=True)).distinct()


def given(request: Request) -> list[Approval]:
    """The approvals that hold: of exactly this content, by somebody who wrote none of it."""
    wrote = writers(request)
    return [
        each
        for each in request.approvals.all()
        if each.tree_hash == request.tree_hash and each.voided_at is None and each.by_id not in wrote
    ]


def open_needs(request: Request) -> list[dict[str, Any]]:
    have = {each.key for each in given(request)}
    return [need for need in request.needs if need["key"] not in have]


def needs_for(user: User, request: Request) -> list[dict[str, Any]]:
    """The open approvals this person may give; in review too, for a push may have voided them."""
    if request.state not in (State.AWAITING_APPROVAL, State.IN_REVIEW) or is_contributor(user, request):
        return []
    return [need for need in open_needs(request) if may_give(user, request, need)]


def is_reviewed(request: Request) -> bool:
    """Somebody who did not write it has said yes to exactly this content."""
    return not open_needs(request) and bool(given(request))


def can_change(user: User, entity: Entity) -> bool:
    """Open the form of what runs: those it belongs to, and the platform team."""
    return user.is_active and (user.is_platform or entity.owner_ref in refs_of(user))


def can_see(user: User, request: Request) -> bool:
    return request.submitted_at is not None or request.created_by_id == user.pk


def can_edit(user: User, request: Request) -> bool:
    if request.state not in EDITABLE:
        return False
    return request.created_by_id == user.pk if request.state == State.DRAFT else belongs(user, request)


def can_review(user: User, request: Request) -> bool:
    if request.state != State.IN_REVIEW or is_contributor(user, request):
        return False
    return belongs(user, request) or (user.is_active and user.is_platform)


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

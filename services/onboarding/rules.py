"""Who may do what to a request. The same predicates serve actions, pages and the API.

Nobody approves what they wrote, whatever else they are: `is_contributor` comes before every role.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet

from services.accounts.models import User
from services.catalog.models import Entity
from services.catalog.queries import refs_of

from .approvers import approvers as approvers
from .approvers import is_contributor as is_contributor
from .approvers import may_give, wanted, writers
from .exemptions import Exemption
from .models import TRANSITIONS, Approval, Request, State

Rule = Callable[[User, Request], bool]

EDITABLE = frozenset(
    {State.DRAFT, State.AWAITING_APPROVAL, State.IN_REVIEW, State.ROLLING_OUT, State.NEEDS_ATTENTION}
)

REVERTIBLE = frozenset({State.MERGED, State.ROLLING_OUT, State.LIVE, State.NEEDS_ATTENTION})


def belongs(user: User, request: Request) -> bool:
    """Whether the request is this person's business: theirs, or their team's."""
    if not user.is_active:  # a program is not: it has what it asked for, and nothing of the team's people
        return user.program_of_id is not None and user.pk == request.created_by_id
    return user.pk == request.created_by_id or (request.team is not None and user.in_team(request.team))


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
    """The approvals still asked for: each wants a number of people, and one person counts once."""
    have = Counter(key for key, _ in {(each.key, each.by_id) for each in given(request)})
    return [need for need in request.needs if have[need["key"]] < wanted(need)]


def needs_for(user: User, request: Request) -> list[dict[str, Any]]:
    """The open approvals this person may give; in review too, for a push may have voided them."""
    if request.state not in (State.AWAITING_APPROVAL, State.IN_REVIEW) or is_contributor(user, request):
        return []
    mine = {each.key for each in given(request) if each.by_id == user.pk}
    return [need for need in open_needs(request) if need["key"] not in mine and may_give(user, request, need)]


def is_reviewed(request: Request) -> bool:
    """Somebody who did not write it has said yes to exactly this content."""
    return not open_needs(request) and bool(given(request))


def merges_itself(request: Request) -> bool:
    """A preview has a place of its own and copies what was reviewed before: nobody has to look once more.

    Unless somebody else's yes is asked for, or somebody pushed to its branch.
    """
    own = request.kind in (Request.Kind.PREVIEW, Request.Kind.END)
    return own and not request.tree_hash.startswith("commit:") and not open_needs(request)


def can_change(user: User, entity: Entity) -> bool:
    """Open the form of what runs: those it belongs to, and the platform team."""
    return user.is_active and (user.is_platform or entity.owner_ref in refs_of(user))


def can_upgrade_several(user: User) -> bool:
    return user.is_active and user.is_platform


def can_bring(user: User, entity: Entity) -> bool:
    """Bring an image: those who may change it; of the programs only those of the team that owns it."""
    if user.program_of is not None:
        return entity.owner_ref == user.program_of.ref
    return can_change(user, entity)


def is_on_its_way(request: Request) -> bool:
    """The git host is being told just now, so that its content cannot be exchanged this moment."""
    merging = request.merge_asked_by_id is not None and not request.merge_sha
    return request.state == State.PROPOSING or (request.state == State.IN_REVIEW and merging)


def can_see(user: User, request: Request) -> bool:
    return request.submitted_at is not None or request.created_by_id == user.pk


def can_edit(user: User, request: Request) -> bool:
    if request.state not in EDITABLE or not request.is_form:
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


def can_bring_back(user: User, request: Request) -> bool:
    """Undo a retirement: the team it belonged to, and the platform team."""
    return belongs(user, request) or (user.is_active and user.is_platform)


def is_revertible(request: Request) -> bool:
    """Merged, and with no way back of its own: what was retired is brought back, what is on loan ended."""
    own = (Request.Kind.RETIRE, Request.Kind.END, Request.Kind.PREVIEW)
    return bool(request.merge_sha) and request.state in REVERTIBLE and request.kind not in own


def can_revert(user: User, request: Request) -> bool:
    """Ask for the reverse of what was merged: those it belongs to, and the platform team."""
    return is_revertible(request) and (belongs(user, request) or (user.is_active and user.is_platform))


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


def can_ask_exemption(user: User, request: Request) -> bool:
    """Whoever may write the request: its author while it is a draft, else those it belongs to."""
    return can_edit(user, request)


def may_grant(user: User, exemption: Exemption) -> bool:
    """Granting and refusing: the platform team, never who asked and never who wrote what it is for."""
    if exemption.state != Exemption.State.ASKED or user.pk == exemption.asked_by_id:
        return False
    if exemption.request is not None and is_contributor(user, exemption.request):
        return False
    return user.is_active and user.is_platform


def may_end(user: User, exemption: Exemption) -> bool:
    """Taking back what was asked for, ending what was granted: those it belongs to, and the platform team."""
    is_open = exemption.state == Exemption.State.ASKED or exemption.is_effective
    own = user.pk == exemption.asked_by_id or (exemption.team is not None and user.in_team(exemption.team))
    return is_open and user.is_active and (own or user.is_platform)

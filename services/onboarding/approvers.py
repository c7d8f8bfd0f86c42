"""Who may give an approval: those it asks for, whoever stands in for them, and others when nobody comes.

A need is a mapping: `key`, `reason`, `who` (a word or several, of which any will do), `team`, and `count`,
the number of different people. Nobody gives one to what they wrote, whatever else they are.
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet

from services.accounts.models import Delegation, Membership, User

from .models import Request

Need = Mapping[str, Any]
LEAD = Membership.Role.LEAD
PLATFORM = "platform"


def writers(request: Request) -> set[int]:
    """Keys of those who wrote any of it; prefetched rows and those of `queries.shown` will do."""
    known: list[int] | None = getattr(request, "written_by", None)
    others = [user.pk for user in request.contributors.all()] if known is None else known
    return {request.created_by_id, *others}


def is_contributor(user: User, request: Request) -> bool:
    return user.pk in writers(request)


def words(need: Need) -> list[str]:
    said = need.get("who") or "member"
    return [said] if isinstance(said, str) else list(said)


def wanted(need: Need) -> int:
    """How many different people have to say yes."""
    return int(need.get("count") or 1)


def approvers(request: Request, need: Need) -> QuerySet[User]:
    """The people who may give this approval, and those who stand in for them just now.

    Where there are fewer of them than are wanted, or they let it wait too long, the platform team may give it
    as well, so that no request waits for ever.
    """
    people = User.objects.filter(is_active=True).exclude(pk__in=writers(request))
    asked = Q(pk__in=[])
    for word in words(need):
        asked |= _asked(request, need, word)
    if request.escalated_at or people.filter(asked).distinct().count() < wanted(need):
        asked |= Q(teams__runs_platform=True)
    away = Delegation.objects.running().filter(of__in=people.filter(asked).values("pk"))
    return people.filter(asked | Q(pk__in=away.values("to"))).distinct().order_by("name")


def may_give(user: User, request: Request, need: Need) -> bool:
    """`approvers` for one person, from what is known of them; only where somebody may stand in is the
    database asked."""
    if not user.is_active or is_contributor(user, request):
        return False
    if any(_has(user, request, need, word) for word in words(need)):
        return True
    may_stand_in = user.is_platform or bool(user.stands_in_for)
    return may_stand_in and approvers(request, need).filter(pk=user.pk).exists()


def stands_in(user: User, request: Request, need: Need) -> list[User]:
    """The colleagues in whose place this person gives the approval; empty when it is asked of them anyway."""
    if any(_has(user, request, need, word) for word in words(need)):
        return []
    return list(approvers(request, need).filter(pk__in=user.stands_in_for))


def _team(request: Request, need: Need, word: str) -> str:
    """The slug of the team a word means; none for the platform team."""
    own = request.team.slug if request.team else ""
    named = {PLATFORM: "", "security": settings.SECURITY_TEAM, "owner": own}
    return named.get(word, str(need.get("team") or "") or own)


def _asked(request: Request, need: Need, word: str) -> Q:
    if word == PLATFORM:
        return Q(teams__runs_platform=True)
    rows = Membership.objects.filter(team__slug=_team(request, need, word))
    return Q(pk__in=(rows.filter(role=LEAD) if word == "lead" else rows).values("user"))


def _has(user: User, request: Request, need: Need, word: str) -> bool:
    if word == PLATFORM:
        return user.is_platform
    membership = user.roles.get(_team(request, need, word))
    return membership is not None and (membership.role == LEAD or word != "lead")

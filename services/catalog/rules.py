"""Who may do what with the catalog."""

from typing import Any

from services.catalog.models import Entity, Handover, ImportRun, Source
from services.catalog.ownership.resolution import Ownership
from services.catalog.queries import refs_of

OPEN_TO_ALL = (Source.Kind.UPLOAD, Source.Kind.PASTE)


def can_read_machine(user: Any) -> bool:
    """Folders and repositories on the portal's own machine are for those who run the platform."""
    return bool(user.is_platform)


def can_look(user: Any, source: Source) -> bool:
    """Have a source read now: repositories anybody, all else those who run the platform."""
    if source.removed_at or not source.is_watched:
        return False
    return bool(source.kind == Source.Kind.GIT or can_manage(user))


def can_manage(user: Any) -> bool:
    """Sources are named, paused, removed and pointed at people by those who run the platform."""
    return bool(user.is_platform)


def putter(user: Any) -> str:
    """Who a source that programs put belongs to: the team of the token, else the person."""
    token = getattr(user, "token", None)
    return f"team:{token.team.slug}" if token else f"user:{user.get_username()}"


def can_put(user: Any, source: Source) -> bool:
    """Whoever put first goes on, and so may members of that team and those who run the platform."""
    owner = str(source.options.get("owner", ""))
    kind, _, name = owner.partition(":")
    return bool(user.is_platform or putter(user) == owner or (kind == "team" and name in user.roles))


def can_apply(user: Any, run: ImportRun) -> bool:
    """Who looked may apply and undo, and so may those who run the platform."""
    return bool(user.is_platform or (user.pk and run.created_by_id == user.pk))


def can_judge(user: Any, entity: Entity) -> bool:
    """Whether a derived dependency is one, its owners say, or those who run the platform."""
    return bool(user.is_platform or (entity.owner_ref and entity.owner_ref in refs_of(user)))


def can_choose(user: Any) -> bool:
    """Whose version of an entity counts is for those who run the platform: it concerns two sources."""
    return bool(user.is_platform)


def can_remove(user: Any) -> bool:
    """Orphans are taken out by those who run the platform, for references to them break."""
    return bool(user.is_platform)


def can_confirm(user: Any, owner_ref: str) -> bool:
    """Its owners say whether something is theirs, or those who run the platform."""
    return bool(user.is_platform or (owner_ref and owner_ref in refs_of(user)))


def can_hand_over(user: Any, owner: Ownership) -> bool:
    """Owners may give away what is theirs; for what nobody answers for, anybody may propose somebody."""
    return bool(not owner.is_answered or can_confirm(user, owner.owner_ref))


def can_decide(user: Any, handover: Handover) -> bool:
    """Who is asked decides, or those who run the platform; nobody about their own question."""
    return bool(user.pk != handover.asked_by_id and can_confirm(user, handover.to_ref))


def can_withdraw(user: Any, handover: Handover) -> bool:
    return bool(user.pk == handover.asked_by_id or can_confirm(user, handover.from_ref))


def can_take_step(user: Any, handover: Handover, step: str) -> bool:
    """Whether a person may take a step of a handover, wherever that stands."""
    if step in ("accept", "decline"):
        return can_decide(user, handover)
    if step == "withdraw":
        return can_withdraw(user, handover)
    return step == "reopen" and handover.decided_by_id == user.pk

"""Who may do what with the catalog."""

from typing import Any

from services.catalog.models import Entity, ImportRun, Source
from services.catalog.queries import refs_of

OPEN_TO_ALL = (Source.Kind.UPLOAD, Source.Kind.PASTE)


def can_read_machine(user: Any) -> bool:
    """Folders and repositories on the portal's own machine are for those who run the platform."""
    return bool(user.is_platform)


def can_manage(user: Any) -> bool:
    """Sources are named, paused, removed and pointed at people by those who run the platform."""
    return bool(user.is_platform)


def can_apply(user: Any, run: ImportRun) -> bool:
    """Who looked may apply and undo, and so may those who run the platform."""
    return bool(user.is_platform or run.created_by_id == user.pk)


def can_judge(user: Any, entity: Entity) -> bool:
    """Whether a derived dependency is one, its owners say, or those who run the platform."""
    return bool(user.is_platform or (entity.owner_ref and entity.owner_ref in refs_of(user)))


def can_choose(user: Any) -> bool:
    """Whose version of an entity counts is for those who run the platform: it concerns two sources."""
    return bool(user.is_platform)


def can_remove(user: Any) -> bool:
    """Orphans are taken out by those who run the platform, for references to them break."""
    return bool(user.is_platform)

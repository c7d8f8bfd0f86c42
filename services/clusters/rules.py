"""Who may do what with clusters."""

from typing import Any

from services.catalog import queries as catalog


def can_manage_clusters(user: Any) -> bool:
    return bool(user.is_authenticated and user.is_platform)


def can_steer(user: Any, entity: Any) -> bool:
    """Restart, scale, run now, pause: for those who answer for it."""
    return can_read_logs(user, entity)


def can_read_logs(user: Any, entity: Any) -> bool:
    """Those who own it, and the platform: logs name customers."""
    return can_manage_clusters(user) or entity.owner_ref in catalog.refs_of(user)

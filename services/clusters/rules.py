"""Who may do what with clusters."""

from typing import Any

from services.catalog import queries as catalog


def can_manage_clusters(user: Any) -> bool:
    return bool(user.is_authenticated and user.is_platform)


def can_read_logs(user: Any, entity: Any) -> bool:
    """Those who own it, and the platform: logs name customers."""
    return can_manage_clusters(user) or entity.owner_ref in catalog.refs_of(user)

"""What the watched clusters show of a request's rollouts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.clusters.models import Environment

from ..models import Request, Rollout


@dataclass(frozen=True)
class Picture:
    """One environment as last seen; `current` when what is seen is what was applied, and fresh."""

    state: Rollout.State
    message: str
    ready: int
    desired: int
    as_of: datetime | None
    finding: dict[str, Any] | None
    current: bool


def environments_in_order(names: Sequence[str]) -> list[str]:
    """Staging before production, as the environments' positions say; unknown names are left out."""
    return list(
        Environment.objects.filter(name__in=names).order_by("position").values_list("name", flat=True)
    )


def pictures(request: Request) -> dict[str, Picture]:
    return {}

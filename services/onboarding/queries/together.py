"""What came together is changed together: the other parts of a service, as the repository has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from services.accounts.models import User
from services.catalog import queries as catalog
from services.catalog.models import Entity

from .. import rules
from ..errors import NotOnboarded
from ..models import BRINGING, Request, RequestPart
from .forms import blueprints

if TYPE_CHECKING:
    from .changes import Written


def beside(entity: Entity, user: User, read: Callable[[Entity, User], Written]) -> dict[str, Any]:
    """Their plan and answers, as those of the whole form; nothing for what came alone.

    Left out: what is gone, what somebody else answers for by now, what another request is open for.
    """
    from services.onboarding.blueprints.parts import MOST, PLAN

    found: dict[str, Any] = {}
    plan: dict[str, str] = {}
    for part in _parts_of(entity):
        other = catalog.find(part.entity_ref)
        if other is None or len(plan) == MOST or not _may_come_along(other, user):
            continue
        try:
            written = read(other, user)
        except NotOnboarded:
            continue
        if blueprints()[written.blueprint].joining is not None:
            key = _free(part.key, plan)
            plan[key] = f"{key}:{written.blueprint}"
            found |= {f"{key}-{name}": value for name, value in written.answers.items()}
    return {**found, PLAN: list(plan.values())} if plan else {}


def _parts_of(entity: Entity) -> list[RequestPart]:
    """Each thing that ever came with it, as it came last."""
    rows = RequestPart.objects.filter(
        request__entity_ref=entity.ref, request__kind=Request.Kind.FORM
    ).exclude(request__merge_sha="")
    latest = {row.entity_ref: row for row in rows.order_by("request__number", "position")}
    return list(latest.values())


def _may_come_along(other: Entity, user: User) -> bool:
    under_way = Request.objects.open().about(other.ref).exclude(kind__in=BRINGING)
    return rules.can_change(user, other) and not under_way.exists()


def _free(key: str, plan: dict[str, str]) -> str:
    base = key.rstrip("0123456789")
    return next(each for each in (key, *(f"{base}{n}" for n in range(2, 40))) if each not in plan)

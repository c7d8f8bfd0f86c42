"""What the outbox adds to the pages that belong to nobody."""

from collections.abc import Iterable

from django.urls import reverse

from portal.shell import registry
from portal.shell.frozen import Counted
from portal.shell.http import HttpRequest
from portal.shell.policies import platform_only
from portal.shell.registry import NavItem, NeedsItem
from services.effects import queries

stuck = Counted(queries.waiting_for_people)


def register() -> None:
    registry.nav.add(
        NavItem(
            "effects",
            "Outbox",
            "send",
            "effects:effect_list",
            order=80,
            section="platform",
            badge=lambda request: stuck.of(),
            visible=lambda request: platform_only(request.user),
        )
    )
    registry.needs_me.add(stuck_effects)


def stuck_effects(request: HttpRequest) -> Iterable[NeedsItem]:
    """For platform engineers: what gave up, or whose outcome nobody knows."""
    if not platform_only(request.user):
        return
    stuck = list(queries.waiting_for_people()[:3])
    for effect in stuck:
        yield NeedsItem(
            icon="send",
            tone="bad",
            title=f"{effect.kind} {effect.key}: {effect.get_state_display().lower()}",
            text=effect.last_error[:200],
            url=reverse("effects:effect_list"),
            action="Look at it",
            at=effect.finished_at or effect.created_at,
            order=20,
        )

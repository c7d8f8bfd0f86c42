"""What previews add to the pages of the shell and the catalog."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone

from portal.shell import registry
from portal.shell.frozen import Counted, Frozen
from portal.shell.http import HttpRequest
from portal.shell.registry import (
    EntityAction,
    EntityPanel,
    EnvironmentNote,
    NavItem,
    NeedsItem,
    PaletteItem,
    Tab,
)


def register() -> None:
    registry.nav.add(
        NavItem("previews", "Previews", "layers-subtract", "previews:preview_list", order=50, badge=mine)
    )
    registry.entity_actions.add(preview)
    registry.entity_panels.add(
        EntityPanel("previews", 60, "previews/entity_previews.html", of_entity, area="side", count=standing)
    )
    registry.entity_tabs.add(
        Tab("local", "Run locally", 60, "previews/entity_local.html", local, visible=runs_locally)
    )
    registry.request_actions.add(of_request)
    registry.palette.add(found)
    registry.needs_me.add(needs)
    registry.environment_notes.add(booked)


def mine(request: HttpRequest) -> Any:
    from .models import Preview

    return Preview.objects.standing().filter(team__in=request.user.teams.all())


def preview(request: HttpRequest, entity: Any) -> Iterator[EntityAction]:
    """For what runs, to those who may."""
    from . import rules

    if entity.kind == "Component" and rules.can_ask(request.user, entity):
        url = reverse("previews:preview_new", args=[entity.kind.lower(), entity.namespace, entity.name])
        yield EntityAction("Preview", url, "layers-subtract", order=30)


def of_request(request: HttpRequest, row: Any) -> Iterator[EntityAction]:
    """What a pull request would make, before it is merged; the preview itself for one that brought it."""
    from services.catalog import queries as catalog

    from . import rules
    from .models import Preview, Transfer

    if row.is_of_set:
        for sent in Transfer.objects.filter(request=row)[:1]:
            yield EntityAction("Parity and checklist", sent.get_absolute_url(), "checklist")
        for made in Preview.objects.filter(request=row)[:1]:
            yield EntityAction("Open the preview", made.get_absolute_url(), "layers-subtract")
    elif row.is_form and row.submitted_at and row.is_open and not row.merge_sha:
        entity = catalog.find(row.entity_ref)
        if entity is not None and entity.kind == "Component" and rules.can_ask(request.user, entity):
            where = [entity.kind.lower(), entity.namespace, entity.name]
            url = f"{reverse('previews:preview_new', args=where)}?of={row.ref}"
            yield EntityAction("Preview", url, "layers-subtract")


def booked(request: HttpRequest) -> dict[str, EnvironmentNote]:
    """Row 39: who has a shared environment to themselves now, or within a day."""
    from .calendar import said
    from .queries import soon_booked

    now, found = timezone.now(), {}
    for place, person, begins, ends in soon_booked():
        if begins >= now + timedelta(days=1) or ends <= now:
            continue
        when = f"until {said(ends)}" if begins <= now else f"from {said(begins)}"
        text = f"booked by {person} {when}"
        found[place] = EnvironmentNote(text, reverse("previews:booking_list"), "calendar")
    return found


def _of_refs(refs: list[str]) -> Any:
    return _standing(refs).for_page()[:5]


of_refs: Any = Frozen(_of_refs, refs=[""])


def of_entity(request: HttpRequest, entity: Any) -> dict[str, Any] | None:
    rows = of_refs(refs=[entity.ref])
    return {"previews": rows} if rows else None


def _standing(refs: list[str]) -> Any:
    from .models import Preview

    return Preview.objects.standing().filter(refs__contains=refs)


_counted: Any = Counted(_standing, refs=[""])


def standing(request: HttpRequest, entity: Any) -> Any:
    return _counted.of(refs=[entity.ref])


def local(request: HttpRequest, entity: Any) -> dict[str, Any]:
    from .local import of_entity

    return of_entity(request, entity)


def runs_locally(request: HttpRequest, entity: Any) -> bool:
    from .local import runs

    return runs(request, entity)


def found(request: HttpRequest, query: str) -> Iterator[PaletteItem]:
    from .models import Preview

    rows = Preview.objects.standing().for_page()
    rows = rows.filter(name__icontains=query) if query else rows.filter(created_by=request.user)
    for row in rows[:4]:
        yield PaletteItem("Previews", row.name, row.get_absolute_url(), "layers-subtract", row.root_name)


def needs(request: HttpRequest) -> Iterator[NeedsItem]:
    """Those of one's own that end within a day."""
    from .actions.living import REMINDED
    from .models import Preview

    now = timezone.now()
    rows = Preview.objects.standing().filter(created_by=request.user, reminded_for__isnull=False)
    for row in rows.filter(until__lte=now + REMINDED, ending__isnull=True).for_page():
        text = "It is taken away then, unless you keep it."
        url = row.get_absolute_url()
        yield NeedsItem(
            "clock", "warn", f"Preview {row.name} ends soon", text, url, "Keep it", row.until, order=45
        )

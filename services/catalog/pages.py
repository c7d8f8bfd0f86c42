"""What the catalog adds to the pages that belong to nobody."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.urls import reverse

from portal.shell import registry
from portal.shell.http import HttpRequest
from portal.shell.once import once
from portal.shell.registry import NavItem, NavService, NeedsItem, PaletteItem, Panel, Tab
from services.catalog import about, health, queries
from services.catalog.definition_page import definition_tab
from services.catalog.docs.pages import docs_found, docs_tab, has_docs
from services.catalog.finding import search
from services.catalog.finding.filters import Filters, chosen
from services.catalog.finding.tallies import Tallies
from services.catalog.models import Entity, EntityQuerySet
from services.catalog.ownership import pages as ownership

GROUPS = {"group": "Teams", "user": "People", "api": "APIs", "resource": "Resources", "system": "Systems"}
MOST, MOST_TYPED = 12, 20
EVERYTHING = [("kind", "any")]


def register() -> None:
    registry.nav.add(NavItem("catalog", "Catalog", "stack-2", "catalog:entity_list", order=20))
    ownership.register()
    registry.palette.add(found)
    registry.needs_me.add(broken_files)
    registry.your_services.add(your_services)
    registry.entity_tabs.add(
        Tab("definition", "Definition", 10, "catalog/definition.html", definition_tab, visible=is_api)
    )
    registry.entity_tabs.add(Tab("docs", "Docs", 20, "catalog/docs.html", docs_tab, visible=has_docs))
    registry.palette.add(docs_found)
    registry.home_panels.add(
        Panel("my-services", "My services", 20, "catalog/home_services.html", my_services)
    )


def is_api(request: HttpRequest, entity: Entity) -> bool:
    return entity.kind.lower() == "api"


def broken_files(request: HttpRequest) -> Iterable[NeedsItem]:
    """Sources whose broken files are this person's to mend, or one of their teams'."""
    for source in queries.broken_for(request.user):
        count = source.broken_count
        files = f"{count} files are broken" if count > 1 else f"{source.broken_first} is broken"
        kept = "The last good version is kept until they are mended"
        yield NeedsItem(
            "alert-triangle", "warn", f"{source}: {files}", kept,
            f"{source.get_absolute_url()}#broken", "See what is wrong", at=source.broken_since, order=40,
        )  # fmt: skip


def found(request: HttpRequest, text: str) -> Iterable[PaletteItem]:
    """Entities for the palette: one's own services when nothing is typed yet."""
    rows = _typed(request, text) if text else _mine(request)[:6]
    states = health.by_entity([entity.ref for entity in rows]) if rows else {}
    for entity in rows:
        yield _palette_item(entity, health.worst(states.get(entity.ref, {})), bool(text))
    for label, name, icon in (
        ("Import into the catalog", "import_new", "file-import"),
        ("Catalog sources", "source_list", "folder"),
        ("Ownership reports", "ownership", "user-question"),
        ("API for programs", "api_reference", "api"),
    ):
        yield PaletteItem("Do", label, reverse(f"catalog:{name}"), icon)


def _typed(request: HttpRequest, text: str) -> list[Entity]:
    """What the catalog's list finds for the same text, operators included, among everything."""
    filters = Filters(q=text).understood()
    filters = replace(filters, kind=filters.kind or "any")
    rows = (
        chosen(filters, request.user, Tallies()) if filters.hidden() != EVERYTHING else Entity.objects.all()
    )
    if not filters.q:
        return list(rows.order_by("name", "pk")[:MOST_TYPED])
    return queries.in_order(search.find(rows.select_related(None), filters.q).keys[:MOST_TYPED])


def _palette_item(entity: Entity, worst: str, is_found: bool) -> PaletteItem:
    owner = str(entity.holder) if entity.holder else entity.holder_ref.rpartition("/")[2]
    hint = " · ".join(
        part
        for part in (entity.name if str(entity) != entity.name else "", owner, entity.type or entity.kind)
        if part
    )
    group = "Services" if entity.is_service else GROUPS.get(entity.kind.lower(), "Catalog")
    return PaletteItem(
        group, str(entity), entity.get_absolute_url(), about.icon_of(entity), hint, worst, is_found
    )


def _mine(request: HttpRequest) -> list[Entity]:
    """One's own services, read once for all panels of a page."""
    return once(request, "my services", lambda: list(_my_rows(request)[: MOST + 1]))


def _my_rows(request: HttpRequest) -> EntityQuerySet:
    return queries.owned_by(request.user).services().for_list().order_by("name")


def _states(request: HttpRequest) -> dict[str, dict[str, str]]:
    return once(request, "my states", lambda: health.by_entity([entity.ref for entity in _mine(request)]))


def _with_health(request: HttpRequest) -> list[tuple[Entity, dict[str, str], str]]:
    """(service, states, the worst of them), the worst first."""
    states = _states(request)
    rows = [(e, states.get(e.ref, {}), health.worst(states.get(e.ref, {}))) for e in _mine(request)[:MOST]]
    return sorted(rows, key=lambda row: (health.rank(row[2]), row[0].name))


def your_services(request: HttpRequest) -> Iterable[NavService]:
    for entity, _, worst in _with_health(request):
        yield NavService(entity.name, entity.get_absolute_url(), worst or "Unknown")


def my_services(request: HttpRequest) -> dict[str, Any] | None:
    """The services of one's teams on the home page; hidden for those who own nothing."""
    rows = _with_health(request)
    if not rows:
        return None
    names = health.environments()[:2]
    return {
        "environments": names,
        "rows": [(entity, [states.get(name) for name in names]) for entity, states, _ in rows],
        "more": len(_mine(request)) > MOST,
    }

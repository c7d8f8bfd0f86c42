"""The page of one entity."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from portal.shell import registry, toasts
from portal.shell.counting import counts
from portal.shell.frozen import Frozen
from portal.shell.http import HttpRequest
from portal.shell.policies import policy, signed_in
from portal.shell.registry import EntityPanel
from services.catalog import about, actions, graph, health, queries, reach, rules
from services.catalog.export import as_yaml
from services.catalog.importing import lifecycle
from services.catalog.models import Alias, Entity, EntityQuerySet
from services.catalog.ownership.desk import beside
from services.catalog.ownership.pages import below, owner_here

RUNNING = ("Component", "API", "Resource")


LONG = ("spec", "metadata", "search", "facts", "problem", "description")
OTHERS = [f"{other}__{column}" for other in ("owner", "system") for column in LONG]


def _rows() -> EntityQuerySet:
    """With all that a page says of an entity itself."""
    former = ArraySubquery(Alias.objects.filter(entity=OuterRef("pk")).values("ref"))
    rows = beside(Entity.objects.select_related("owner", "system", "source")).annotate(former=former)
    return rows.defer("search", "facts", *OTHERS).order_by()


called = Frozen(lambda ref: _rows().filter(ref=ref), ref="")
once_called = Frozen(lambda ref: _rows().filter(aliases__ref=ref), ref="")


def entity_for(request: HttpRequest, kind: str, namespace: str, name: str) -> Entity:
    """The entity of a URL, or the one that had this name before; everybody signed in may see the catalog."""
    ref = f"{kind}:{namespace}/{name}".lower().replace("\x00", "?")
    found = called(ref=ref) or once_called(ref=ref)
    if not found:
        raise Http404(f"no {ref}")
    return found[0]


@policy(signed_in)
@require_safe
def entity_detail(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    entity = entity_for(request, kind, namespace, name)
    if entity.ref != f"{kind}:{namespace}/{name}".lower():
        return redirect(f"{entity.get_absolute_url()}?{request.GET.urlencode()}".rstrip("?"))
    chosen = request.GET.get("tab", "overview")
    tabs = _tabs(request, entity, chosen)
    contributed = registry.entity_tabs.get(chosen)
    if not any(tab["current"] for tab in tabs):
        raise Http404(f"no tab {chosen}")
    context: dict[str, Any] = {"entity": entity, "tabs": tabs, "tab": chosen}
    if contributed:
        context |= {"tab_template": contributed.template, **contributed.context(request, entity)}
    elif chosen == "dependencies":
        context |= _dependencies(request, entity)
    else:
        context |= _overview(request, entity)
    context |= _head(request, entity, context.get("states"))
    return render(request, "catalog/entity_detail.html", context)


def _tabs(request: HttpRequest, entity: Entity, chosen: str) -> list[dict[str, Any]]:
    built = [
        ("overview", "Overview", 0, None),
        ("dependencies", "Dependencies" if entity.kind in RUNNING else "Relations", 30, None),
    ]
    shown = [tab for tab in registry.entity_tabs if tab.visible is None or tab.visible(request, entity)]
    wanted = {_key(each): each.count(request, entity) for each in registry.entity_panels if each.count}
    badges = counts(wanted | {tab.key: tab.badge(request, entity) for tab in shown if tab.badge})
    entity.badges = badges  # type: ignore[attr-defined]  # for panels: what is nothing need not be read
    added = [(tab.key, tab.label, tab.order, badges.get(tab.key)) for tab in shown]
    return [
        {"key": key, "label": label, "badge": badge, "current": key == chosen}
        for key, label, _, badge in sorted([*built, *added], key=lambda tab: tab[2])
    ]


def _head(request: HttpRequest, entity: Entity, known: Any = None) -> dict[str, Any]:
    """Title, state and what one can do, on every tab."""
    runs = entity.kind in RUNNING and known is None
    states = (health.by_entity([entity.ref]) if runs else known or {}).get(entity.ref, {})
    worst = health.worst(states)
    found = (action for source in registry.entity_actions for action in source(request, entity))
    return {
        "icon_name": about.icon_of(entity),
        "said_owner": owner_here(request, entity),
        "worst": worst,
        "worst_in": next((name for name, state in states.items() if state == worst), ""),
        "page_actions": sorted(found, key=lambda action: action.order),
        "can_remove": rules.can_remove(request.user),
        "claims": queries.claims_on(entity),
        "can_choose": rules.can_choose(request.user),
        "orphan_days": settings.CATALOG_ORPHAN_DAYS,
        "repository": about.repository(entity),
        "top": _panels(request, entity, "top"),
    }


def _is_shown(panel: EntityPanel, entity: Any) -> bool:
    return panel.count is None or bool(entity.badges.get(_key(panel)))


def _key(panel: EntityPanel) -> str:
    return f"panel {panel.key}"


def _panels(request: HttpRequest, entity: Entity, area: str) -> list[dict[str, Any]]:
    drawn = []
    for panel in registry.entity_panels:
        context = panel.context(request, entity) if panel.area == area and _is_shown(panel, entity) else None
        if context is not None:
            drawn.append({"template": panel.template, "context": context, "key": panel.key})
    return drawn


def _overview(request: HttpRequest, entity: Entity) -> dict[str, Any]:
    said = about.related_to(entity) if entity.kind != "Domain" else []  # it has parts only
    kind = entity.kind.lower()
    return {
        "wide": _panels(request, entity, "wide"),
        "main": _panels(request, entity, "main"),
        "side": _panels(request, entity, "side"),
        "below": below(request, entity),
        "members": about.members(entity, said) if kind == "group" else [],
        "memberships": about.grouped(said, ("memberOf", "childOf", "parentOf")),
        "apis": about.grouped(said, ("providesApi", "consumesApi", "apiProvidedBy", "apiConsumedBy")),
        "needs": about.grouped(said, ("dependsOn", "dependencyOf")),
        "account": queries.account_of(entity) if kind == "user" else None,
        **about.tags_and_links(entity),
    }


def _dependencies(request: HttpRequest, entity: Entity) -> dict[str, Any]:
    rows = reach.rows_around(entity)
    drawn = graph.draw(entity, graph.Asked.read(request.GET))
    return {
        **graph.context_of(drawn),
        "said": about.told([row for row in rows if not reach.is_dismissed(row)], entity),
        "dismissed": [one for one in about.told(list(filter(reach.is_dismissed, rows)), entity) if one.here],
        "can_judge": rules.can_judge(request.user, entity),
    }


@policy(signed_in)
@require_safe
def entity_export(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    entity = entity_for(request, kind, namespace, name)
    response = HttpResponse(as_yaml(entity), content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="catalog-info.yaml"'
    return response


@policy(signed_in, name="catalog.remove_orphan")
@require_POST
def entity_remove(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    entity = entity_for(request, kind, namespace, name)
    if not rules.can_remove(request.user):
        messages.error(request, "Only the platform team removes what a source no longer has. Ask them.")
        return redirect(entity)
    try:
        removed = lifecycle.remove_entity(entity=entity, by=request.user)
    except actions.Refused as reason:
        messages.error(request, str(reason))
        return redirect(entity)
    undo = reverse("catalog:entity_restore", args=[removed.pk])
    toasts.done(request, f"{entity} is no longer in the catalog.", undo=undo)
    return redirect("catalog:entity_list")

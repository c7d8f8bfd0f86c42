"""The tab that says how to work on a service from one's own machine."""

from typing import Any

from django.urls import reverse

from portal.shell.http import HttpRequest
from services.catalog.models import Entity
from services.clusters.models import Environment, KubeObject
from services.integrations.errors import IntegrationError
from services.manifests.locally import Recipe, recipes

from . import queries, rules
from .models import Preview
from .planning import gather


def of_entity(request: HttpRequest, entity: Entity) -> dict[str, Any]:
    """For each place it runs in: by its manifests in the repository, else by what is seen in the cluster."""
    places = [_place(entity, each) for each in queries.bases()]
    shown = [each for each in places if each["recipes"]]
    wanted = request.GET.get("place", "")
    chosen = next((each for each in shown if each["environment"].name == wanted), shown[0] if shown else None)
    return {
        "places": shown,
        "chosen": chosen,
        "previews": _previews(entity),
        "preview_url": _url(request, entity),
    }


def _place(entity: Entity, environment: Environment) -> dict[str, Any]:
    found, seen_in = _recipes(entity, environment)
    return {"environment": environment, "recipes": found, "seen_in": seen_in}


def _recipes(entity: Entity, environment: Environment) -> tuple[list[Recipe], str]:
    namespace, production = environment.namespace, environment.is_production
    try:
        gathered = gather([entity], environment.name)
    except IntegrationError:
        gathered = None
    items = gathered.items.get(entity.ref, []) if gathered else []
    datas, paths = [each.data for each in items], sorted({each.path for each in items})
    if found := recipes(datas, namespace=namespace, production=production, paths=paths):
        return found, "the repository"
    rows = KubeObject.objects.filter(entity_ref=entity.ref, environment=environment)
    rows = rows.filter(kind__in=("Deployment", "StatefulSet", "Service"))
    seen = [each.data | {"kind": each.kind} for each in rows]
    return recipes(seen, namespace=namespace, production=production), "the cluster"


def _previews(entity: Entity) -> list[Preview]:
    rows = Preview.objects.standing().filter(refs__contains=[entity.ref]).for_page()[:3]
    return [row for row in rows if row.is_up]


def _url(request: HttpRequest, entity: Entity) -> str:
    if not rules.can_ask(request.user, entity):
        return ""
    return reverse("previews:preview_new", args=[entity.kind.lower(), entity.namespace, entity.name])


def runs(request: HttpRequest, entity: Any) -> bool:
    return bool(entity.kind == "Component" and entity.type != "library")

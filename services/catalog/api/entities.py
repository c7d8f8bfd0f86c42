"""Entities for programs: the list with the page's own language, one with all that is said about it."""

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlencode

from django.http import QueryDict

from portal.shell import tables
from portal.shell.operations import Asked, operation
from portal.shell.schemas import (
    Schema,
    any_of,
    choice,
    flag,
    listed,
    mapped,
    maybe,
    moment,
    named,
    number,
    page_of,
    sparse,
    text,
    thing,
    turning,
)
from services.catalog import about, health, queries
from services.catalog.export import as_yaml
from services.catalog.finding import search
from services.catalog.finding.filters import Filters, chosen
from services.catalog.finding.tallies import Tallies
from services.catalog.models import Entity
from services.catalog.ownership.reading import owner_of
from services.catalog.ownership.resolution import Ownership, Standing
from services.catalog.views.entities import entity_for
from services.catalog.views.lists import COLUMNS

NAMED: Final = "catalog/entities/<str:kind>/<str:namespace>/<str:name>"
CHECKOUT: Final = {"kind": "component", "namespace": "default", "name": "checkout"}
OPEN: Final[Schema] = {"type": "object"}
FIELDS: Final[dict[str, Schema]] = {
    "ref": text("kind:namespace/name, in lower case"),
    "kind": text(),
    "namespace": text(),
    "name": text(),
    "title": text(),
    "description": text(),
    "type": text(),
    "lifecycle": text(),
    "owner": text("The reference that it names; empty where it names nobody"),
    "system": text("The reference of its system"),
    "state": choice(Entity.State.values, "stale: its file is broken, this is the last good version"),
    "contested": flag("Whether another source has it too"),
    "source": maybe(number("The source that brings it")),
    "request": text("The request that onboarded it"),
    "updated_at": moment(),
    "url": text("Its page"),
    "health": mapped(text(), "Environment -> health; empty for what runs nowhere"),
}
BRIEF: Final = named("EntityInList", any_of(**FIELDS))
OWNERSHIP: Final = named(
    "Ownership",
    thing(
        standing=choice(Standing, "owned and inherited mean that somebody answers"),
        owner=text("Who it belongs to"),
        via=text("The system or domain it was inherited from"),
        why=text("What is wrong with an owner who cannot answer"),
    ),
)
RELATION: Final = named(
    "Relation",
    thing(
        type=text(), ref=text("The other side"), exists=flag("Whether the catalog has it"),
        declared_here=flag("Whether this entity says so, or the other side"),
        origin=choice(Entity.Origin.values),
        confidence=maybe({"type": "number", "description": "Of what was derived"}),
    ),
)  # fmt: skip
ENTITY: Final = named(
    "Entity",
    any_of(
        **FIELDS, ownership=maybe(OWNERSHIP), relations=listed(RELATION, "In both directions"),
        api_version=text(), metadata=OPEN, spec=OPEN, problem=text("Why it is stale or orphaned"),
        place=text("File and line"), former=listed(text(), "References it had before it was renamed"),
    ),
)  # fmt: skip
FILTERS: Final[dict[str, Schema]] = {
    "q": text("Words, and operators as the page's search field takes them", maxLength=200),
    "kind": text("service, any (the usual), or kinds with commas", maxLength=200),
    "type": text("Types with commas", maxLength=200),
    "owner": text("A team or a reference; mine, nobody", maxLength=400),
    "system": text("A system or a reference", maxLength=400),
    "lifecycle": text(maxLength=200),
    "tag": text(maxLength=200),
    "is": text("orphan, broken, unowned, shared", maxLength=100),
    "health": text("Degraded, Healthy, …, or unhealthy", maxLength=100),
    "state": text(maxLength=100),
    "source": text("The number of a source", maxLength=100),
    "onboarded": choice(["yes", "no"]),
    "not": text("What is left out, as owner:payments", maxLength=400),
}
SORTS: Final = choice([turn + key for key in COLUMNS for turn in ("", "-")], "What comes first; - turns it")


@operation(
    "GET", "catalog/entities", scope="catalog:read",
    query={**FILTERS, "sort": SORTS, **sparse(BRIEF), **turning()}, answer=page_of(BRIEF),
    example={"query": {"q": "checkout owner:checkout", "limit": "20"}},
)  # fmt: skip
def entity_list(asked: Asked) -> dict[str, Any]:
    """Find entities.

    The filters and the search are those of the catalog's page. What `q` finds comes with the likeliest first,
    unless `sort` is given.
    """
    given = {"kind": "any", **{key: value for key, value in asked.query.items() if key in FILTERS}}
    filters = Filters.read(QueryDict(urlencode(given)))
    rows = tables.order(asked.request, chosen(filters, asked.user, Tallies()), COLUMNS, "name")
    if not filters.q:
        return asked.page(rows, _drawn)
    order = [str(name) for name in rows.query.order_by] if "sort" in asked.query else None
    found = search.find(rows.select_related(None), filters.q, order)
    return asked.among(found.keys, lambda keys: queries.in_order([*keys]), _drawn)


def _drawn(rows: list[Entity]) -> Iterable[dict[str, Any]]:
    states = health.by_entity([entity.ref for entity in rows])
    return (_brief(entity, states) for entity in rows)


def _brief(entity: Entity, states: dict[str, dict[str, str]]) -> dict[str, Any]:
    columns = (
        "ref", "kind", "namespace", "name", "title", "description", "type", "lifecycle", "state", "contested",
        "updated_at",
    )  # fmt: skip
    return {
        **{column: getattr(entity, column) for column in columns},
        "owner": entity.owner_ref,
        "system": entity.system_ref,
        "source": entity.source_id,
        "request": entity.onboarded_request,
        "url": entity.get_absolute_url(),
        "health": states.get(entity.ref, {}),
    }


@operation("GET", NAMED, scope="catalog:read", query=sparse(ENTITY), answer=ENTITY, example=CHECKOUT)
def entity_detail(asked: Asked, kind: str, namespace: str, name: str) -> dict[str, Any]:
    """One entity: its descriptor, its owner and why, its relations both ways, its health.

    A name that it had before leads here too: `ref` says what it is called now.
    """
    entity: Any = entity_for(asked.request, kind, namespace, name)
    return {
        **_brief(entity, health.by_entity([entity.ref])),
        "ownership": _owned(owner_of(entity)),
        "relations": [_relation(one) for one in about.relations_of(entity)],
        "api_version": entity.api_version,
        "metadata": entity.metadata,
        "spec": entity.spec,
        "problem": entity.problem,
        "place": f"{entity.location}:{entity.line}" if entity.location else "",
        "former": entity.former,
    }


def _owned(found: Ownership | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"standing": found.standing, "owner": found.owner_ref, "via": found.via, "why": found.why}


def _relation(said: about.Said) -> dict[str, Any]:
    return {
        "type": said.type,
        "ref": said.ref,
        "exists": said.entity is not None,
        "declared_here": said.here,
        "origin": said.row.origin,
        "confidence": said.row.confidence,
    }


@operation(
    "GET",
    f"{NAMED}/catalog-info.yaml",
    scope="catalog:read",
    answer=text(),
    media="application/yaml",
    example=CHECKOUT,
)
def entity_yaml(asked: Asked, kind: str, namespace: str, name: str) -> str:
    """One entity as the catalog-info.yaml that it could have come from."""
    return as_yaml(entity_for(asked.request, kind, namespace, name))

"""The API described in OpenAPI 3.1, made from the addresses themselves and one table of what each takes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

FILTERS: Final = ("filter*",)
PAGE: Final = ("limit#", "offset#")
ENTITY: Final = {"$ref": "#/components/schemas/Entity"}
ENTITIES: Final = {"type": "array", "items": ENTITY}


@dataclass(frozen=True)
class Said:
    """What an operation is for; its query (`*`: several times, `#`: a number), its body, its answer."""

    summary: str
    query: tuple[str, ...] = ()
    body: tuple[str, ...] = ()
    answer: Any = None
    status: int = 200


QUERY: Final = (*FILTERS, "fields", *PAGE, "orderField*", "fullTextFilterTerm", "fullTextFilterFields",
                "totalItems", "cursor")  # fmt: skip
BY_QUERY: Final = ("query", "fields", "limit", "offset", "orderBy", "fullTextFilter", "totalItems", "cursor")
TABLE: Final = {
    "me GET": Said("Who asks"),
    "openapi GET": Said("This description"),
    "entities GET": Said("Entities", (*FILTERS, "fields", "order*", *PAGE, "after"), (), ENTITIES),
    "by_query GET": Said("A page of entities", QUERY),
    "by_query POST": Said("A page of entities, by a predicate", (), BY_QUERY),
    "by_refs POST": Said("Entities by reference", FILTERS, ("entityRefs", "fields", "query")),
    "by_name GET": Said("One entity", ("fields",), (), ENTITY),
    "ancestry GET": Said("An entity and where it comes from"),
    "by_uid GET": Said("One entity by its uid", ("fields",), (), ENTITY),
    "entity_facets GET": Said("How many entities have each value", ("facet*", *FILTERS)),
    "entity_facets POST": Said("The same, by a predicate", (), ("facets", "query")),
    "refresh POST": Said("Have an entity's source read again", (), ("entityRef",)),
    "locations GET": Said("The sources"),
    "locations POST": Said("Take in a source", ("dryRun", "onConflict"), ("type", "target"), None, 201),
    "locations_by_query POST": Said("A page of sources", (), ("query", "limit", "cursor")),
    "location_by_entity GET": Said("The source of an entity"),
    "location GET": Said("One source"),
    "analyze_location POST": Said("What is known of a place", (), ("location",)),
    "validate_entity POST": Said("What is wrong with a descriptor", (), ("entity", "location")),
}
ERROR: Final = {
    "description": "Refused: the message says why.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}
TEXT: Final = {"type": "string"}
SCHEMAS: Final = {
    "Entity": {
        "type": "object",
        "required": ["apiVersion", "kind", "metadata"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": {"type": "object"},
            "relations": {"type": "array", "items": {"type": "object"}},
            "status": {"type": "object"},
        },
    },
    "Error": {
        "type": "object",
        "required": ["error", "request", "response"],
        "properties": {
            "error": {"type": "object", "properties": {"name": TEXT, "message": TEXT}},
            "request": {"type": "object"},
            "response": {"type": "object", "properties": {"statusCode": {"type": "integer"}}},
        },
    },
}  # fmt: skip


@cache
def description() -> dict[str, Any]:
    """All that programs may ask, with the scope each needs."""
    paths: dict[str, dict[str, Any]] = {}
    for path, name, view, arguments in _views(get_resolver(), ""):
        for method, scope in view.scopes.items():
            if method != "HEAD":
                said = TABLE.get(f"{name} {method}") or Said((view.__doc__ or name).strip().splitlines()[0])
                paths.setdefault(path, {})[method.lower()] = _operation(said, scope, arguments, name)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Slipway", "version": "1", "description": "What programs may ask."},
        "servers": [{"url": settings.BASE_URL}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }  # fmt: skip


def _views(resolver: URLResolver, before: str) -> Iterator[tuple[str, str, Any, list[str]]]:
    """Address, name, view and arguments of everything under `api`."""
    for entry in resolver.url_patterns:
        route = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _views(entry, route)
        elif isinstance(entry, URLPattern) and hasattr(entry.callback, "scopes"):
            assert isinstance(entry.pattern, RoutePattern)
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", f"/{route}")
            yield path, entry.name or "", entry.callback, list(entry.pattern.converters)


def _operation(said: Said, scope: str, arguments: list[str], name: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "summary": said.summary,
        "tags": [name],
        "security": [{"token": [scope]}],
        "parameters": [_argument(each) for each in arguments] + [_parameter(each) for each in said.query],
        "responses": {str(said.status): _answer(said.answer), "4XX": ERROR},
    }
    if said.body:
        inside = {"type": "object", "properties": {key: {} for key in said.body}}
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": inside}}}
    return found


def _argument(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _parameter(text: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "integer" if text.endswith("#") else "string"}
    if text.endswith("*"):
        schema = {"type": "array", "items": schema}
    return {"name": text.rstrip("*#"), "in": "query", "required": False, "schema": schema}


def _answer(schema: Any) -> dict[str, Any]:
    return {"description": "Done.", "content": {"application/json": {"schema": schema or {}}}}

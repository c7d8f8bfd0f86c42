"""What the addresses of Backstage's API are for, and what each takes: for the description of everything."""

from typing import Any, Final

from portal.shell.openapi import Said
from portal.shell.schemas import Schema, listed, named, number, text

TAG: Final = "As Backstage answers"
FILTERS: Final = ("filter*",)
PAGE: Final = ("limit#", "offset#")
OPEN: Final[Schema] = {"type": "object"}
ENTITY: Final = named(
    "BackstageEntity",
    {
        "type": "object",
        "required": ["apiVersion", "kind", "metadata"],
        "properties": {
            **dict.fromkeys(("apiVersion", "kind"), text()),
            **dict.fromkeys(("metadata", "spec", "status"), OPEN),
            "relations": listed(OPEN),
        },
    },
)
QUERY: Final = (*FILTERS, "fields", *PAGE, "orderField*", "fullTextFilterTerm", "fullTextFilterFields",
                "totalItems", "cursor")  # fmt: skip
BY_QUERY: Final = ("query", "fields", "limit", "offset", "orderBy", "fullTextFilter", "totalItems", "cursor")


def _said(
    summary: str,
    query: tuple[str, ...] = (),
    body: tuple[str, ...] = (),
    answer: Any = None,
    status: int = 200,
) -> Said:
    """`*`: several times, `#`: a number."""
    asked = {word.rstrip("*#"): _parameter(word) for word in query}
    sent: Schema | None = {**OPEN, "properties": {key: {} for key in body}} if body else None
    return Said(summary, asked, sent, answer or {}, status, TAG)


def _parameter(word: str) -> Schema:
    if word.endswith("*"):
        return listed(text())
    return number() if word.endswith("#") else text()


TABLE: Final = {
    "entities GET": _said("Entities", (*FILTERS, "fields", "order*", *PAGE, "after"), (), listed(ENTITY)),
    "by_query GET": _said("A page of entities", QUERY),
    "by_query POST": _said("A page of entities, by a predicate", (), BY_QUERY),
    "by_refs POST": _said("Entities by reference", FILTERS, ("entityRefs", "fields", "query")),
    "by_name GET": _said("One entity", ("fields",), (), ENTITY),
    "ancestry GET": _said("An entity and where it comes from"),
    "by_uid GET": _said("One entity by its uid", ("fields",), (), ENTITY),
    "entity_facets GET": _said("How many entities have each value", ("facet*", *FILTERS)),
    "entity_facets POST": _said("The same, by a predicate", (), ("facets", "query")),
    "refresh POST": _said("Have an entity's source read again", (), ("entityRef",)),
    "locations GET": _said("The sources"),
    "locations POST": _said("Take in a source", ("dryRun", "onConflict"), ("type", "target"), None, 201),
    "locations_by_query POST": _said("A page of sources", (), ("query", "limit", "cursor")),
    "location_by_entity GET": _said("The source of an entity"),
    "location GET": _said("One source"),
    "analyze_location POST": _said("What is known of a place", (), ("location",)),
    "validate_entity POST": _said("What is wrong with a descriptor", (), ("entity", "location")),
}


def tell(addresses: list[Any]) -> list[Any]:
    """The addresses, each with what is said of it here."""
    for entry in addresses:
        view = entry.callback
        view.said = {m: TABLE[f"{entry.name} {m}"] for m in view.scopes if f"{entry.name} {m}" in TABLE}
    return addresses

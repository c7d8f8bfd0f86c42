"""Relations between entities, in both directions."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from services.catalog.descriptors.problems import Found
from services.catalog.descriptors.refs import DEFAULT_NAMESPACE, BadReference, parse_ref, ref_of

INVERSE = {
    "ownedBy": "ownerOf",
    "partOf": "hasPart",
    "providesApi": "apiProvidedBy",
    "consumesApi": "apiConsumedBy",
    "dependsOn": "dependencyOf",
    "childOf": "parentOf",
    "hasMember": "memberOf",
}
INVERSE |= {back: forth for forth, back in INVERSE.items()}


@dataclass(frozen=True)
class Rule:
    """A spec field that names other entities: the relation it makes and the kind a bare name means."""

    field: str
    type: str
    default_kind: str | None


RULES = (
    Rule("owner", "ownedBy", "Group"),
    Rule("subcomponentOf", "partOf", "Component"),
    Rule("system", "partOf", "System"),
    Rule("domain", "partOf", "Domain"),
    Rule("subdomainOf", "partOf", "Domain"),
    Rule("providesApis", "providesApi", "API"),
    Rule("consumesApis", "consumesApi", "API"),
    Rule("dependsOn", "dependsOn", None),
    Rule("dependencyOf", "dependencyOf", None),
    Rule("parent", "childOf", "Group"),
    Rule("children", "parentOf", "Group"),
    Rule("members", "hasMember", "User"),
    Rule("memberOf", "memberOf", "Group"),
    Rule("skills", "hasPart", "AiResource"),
    Rule("plugins", "hasPart", "AiResource"),
)
OF_KIND = {
    "Component": {
        "owner",
        "subcomponentOf",
        "system",
        "providesApis",
        "consumesApis",
        "dependsOn",
        "dependencyOf",
    },
    "API": {"owner", "system"},
    "Resource": {"owner", "system", "dependsOn", "dependencyOf"},
    "System": {"owner", "domain"},
    "Domain": {"owner", "subdomainOf"},
    "Group": {"parent", "children", "members"},
    "User": {"memberOf"},
    "Location": set(),
    "AiResource": {"owner", "system", "dependsOn", "skills", "plugins"},
}

OF_ANY = {"owner", "system", "dependsOn", "dependencyOf"}


@dataclass(frozen=True, order=True)
class Relation:
    """`source_ref` stands in relation `type` to `target_ref`; `field` is where it was said."""

    type: str
    target_ref: str
    source_ref: str
    field: str = ""

    def inverse(self) -> "Relation":
        return Relation(INVERSE[self.type], self.source_ref, self.target_ref, self.field)


def declared(data: dict[str, Any]) -> tuple[list[Relation], list[Found]]:
    """What a valid descriptor says about others, sorted, and the references nobody can read."""
    relations: set[Relation] = set()
    problems: list[Found] = []
    source, namespace = ref_of(data), data["metadata"].get("namespace") or DEFAULT_NAMESPACE
    unread: list[tuple[str | int, ...]] = []
    for rule, path, text in _mentions(data, unread):
        try:
            kind = rule.default_kind or ("AiResource" if data["kind"] == "AiResource" else None)
            target = parse_ref(text, default_kind=kind, default_namespace=namespace)
            relations.add(Relation(rule.type, str(target), source, rule.field))
        except BadReference as error:
            near = f"component:{text}" if rule.default_kind is None else ""
            problems.append(Found(path, "reference", str(error), near))
    for path in unread:
        problems.append(Found(path, "reference", "names no entity: a reference is text", ""))
    return sorted(relations), problems


def both_ways(relations: list[Relation]) -> list[Relation]:
    """Each relation and its opposite, sorted by type, then target."""
    return sorted({*relations, *(relation.inverse() for relation in relations)})


def _mentions(
    data: dict[str, Any], unread: list[tuple[str | int, ...]]
) -> Iterator[tuple[Rule, tuple[str | int, ...], str]]:
    """Every reference with its rule; where a schema says nothing about a field, anything may stand."""
    spec, fields = data.get("spec") or {}, OF_KIND.get(data["kind"], OF_ANY)
    for rule in RULES:
        value = spec.get(rule.field) if rule.field in fields else None
        for number, item in enumerate(value if isinstance(value, list) else [value]):
            path = ("spec", rule.field, number) if isinstance(value, list) else ("spec", rule.field)
            if isinstance(item, str):
                yield rule, path, item
            elif item is not None:
                unread.append(path)

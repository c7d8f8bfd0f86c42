"""Rows from descriptors and back, called inside an action's transaction."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, OuterRef, Subquery

from services.catalog.models import Entity, Relation, Source
from services.catalog.planning import digest_of

CONTENT = [
    "api_version", "kind", "namespace", "name", "title", "description", "type", "lifecycle",
    "owner_ref", "owner", "system_ref", "system", "spec", "metadata", "digest", "source", "origin",
    "location", "line", "state", "problem", "updated_at",
]  # fmt: skip


def _text(value: Any, limit: int) -> str:
    """What a column can hold: PostgreSQL keeps no NUL."""
    return value.replace("\x00", "")[:limit] if isinstance(value, str) else ""


def row_of(
    item: dict[str, Any], source: Source | None, *, state: str = Entity.State.ACTIVE, problem: str = ""
) -> Entity:
    """An unsaved entity from an import's item."""
    descriptor = item["descriptor"]
    metadata, spec = descriptor["metadata"], descriptor.get("spec") or {}
    profile = spec.get("profile") or {}
    title = metadata.get("title") or (profile.get("displayName") if isinstance(profile, dict) else "")
    return Entity(
        ref=item["ref"],
        api_version=descriptor["apiVersion"],
        kind=descriptor["kind"],
        namespace=metadata.get("namespace") or "default",
        name=metadata["name"],
        title=_text(title, 300),
        description=_text(metadata.get("description"), 10_000),
        type=_text(spec.get("type"), 100),
        lifecycle=_text(spec.get("lifecycle"), 100),
        owner_ref=_target(item, "owner"),
        system_ref=_target(item, "system"),
        spec=spec,
        metadata=metadata,
        digest=digest_of(item),
        source=source,
        origin=item["origin"],
        location=item["file"][:1000],
        line=item["line"],
        state=state,
        problem=problem,
    )


def _target(item: dict[str, Any], field: str) -> str:
    """The first reference made by a field, when it fits the column."""
    found = next((r["target"] for r in item["relations"] if r["field"] == field), "")
    return found if len(found) <= 220 else ""


def write(rows: list[Entity], items: Iterable[dict[str, Any]]) -> None:
    """Insert or update entities and replace what they say about others."""
    Entity.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["ref"], update_fields=CONTENT, batch_size=500
    )
    pks = dict(Entity.objects.filter(ref__in=[row.ref for row in rows]).values_list("ref", "pk"))
    Relation.objects.filter(source__in=pks.values()).delete()
    Relation.objects.bulk_create(
        (
            Relation(
                source_id=pks[item["ref"]],
                type=said["type"],
                target_ref=said["target"][:500],
                field=said["field"],
                origin=item["origin"],
                evidence=said["evidence"],
            )
            for item in items
            for said in item["relations"]
        ),
        batch_size=1000,
        ignore_conflicts=True,
    )


def resolve_links() -> None:
    """Turn references into rows wherever the other side has arrived."""
    for name in ("owner", "system"):
        there = Entity.objects.filter(ref=OuterRef(f"{name}_ref"))
        waiting = Entity.objects.filter(**{f"{name}__isnull": True}).exclude(**{f"{name}_ref": ""})
        waiting.filter(Exists(there)).update(**{name: Subquery(there.values("pk")[:1])})
    there = Entity.objects.filter(ref=OuterRef("target_ref"))
    Relation.objects.filter(Exists(there), target__isnull=True).update(
        target=Subquery(there.values("pk")[:1])
    )


def snapshot(refs: list[str]) -> list[dict[str, Any]]:
    """What the catalog says about each of `refs` now, so that it can be said again."""
    rows = Entity.objects.filter(ref__in=refs).prefetch_related("relations")
    known = {entity.ref: _snapshot_one(entity) for entity in rows}
    return [{"ref": ref, "before": known.get(ref)} for ref in refs]


def _snapshot_one(entity: Entity) -> dict[str, Any]:
    relations = [
        {"type": r.type, "target": r.target_ref, "field": r.field, "evidence": r.evidence}
        for r in entity.relations.all()
    ]
    item = {
        "ref": entity.ref,
        "file": entity.location,
        "line": entity.line,
        "origin": entity.origin,
        "descriptor": entity.descriptor,
        "relations": relations,
    }
    return {"item": item, "source": entity.source_id, "state": entity.state, "problem": entity.problem}

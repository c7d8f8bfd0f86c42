"""Rows from descriptors and back, called inside an action's transaction."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, OuterRef, Subquery
from django.utils import timezone
from psycopg.types.json import Jsonb

from services.catalog.compatible.facts import facts_of
from services.catalog.finding import vocabulary
from services.catalog.importing import continuity, copying
from services.catalog.importing.planning import digest_of
from services.catalog.models import Entity, Relation, Source
from services.catalog.ownership import settling

CONTENT = [
    "api_version", "kind", "namespace", "name", "title", "description", "type", "lifecycle",
    "owner_ref", "owner", "system_ref", "system", "spec", "metadata", "digest", "source", "origin",
    "location", "line", "document", "state", "problem", "orphaned_at", "updated_at",
    "facts",
]  # fmt: skip


RELATION = ["source_id", "type", "target_ref", "field", "target_id", "origin", "evidence", "confidence"]
MANY = 100
NAMED_BY_MANY = ("Group", "User", "System", "Domain")


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
        facts=facts_of(descriptor),
        source=source,
        origin=item["origin"],
        location=item["file"][:1000],
        line=item["line"],
        document=item.get("document", 0),
        state=state,
        problem=problem,
        orphaned_at=timezone.now() if state == Entity.State.ORPHAN else None,
    )


def _target(item: dict[str, Any], field: str) -> str:
    """The first reference made by a field, when it fits the column."""
    found = next((r["target"] for r in item["relations"] if r["field"] == field), "")
    return found if len(found) <= 220 else ""


def write(rows: list[Entity], items: Iterable[dict[str, Any]]) -> None:
    """Insert or update entities and replace what they say about others.

    Their names lead to them, and to nobody who had one before. Owners and systems go first, so that the
    many who name them are written once, with the link.
    """
    items = list(items)
    continuity.reclaim(item["ref"] for item in items)
    now = continuity.current({said["target"] for item in items for said in item["relations"]})
    for row in rows if now else ():
        row.owner_ref = now.get(row.owner_ref, row.owner_ref)
        row.system_ref = now.get(row.system_ref, row.system_ref)
    first = [row for row in rows if row.kind in NAMED_BY_MANY]
    _upsert(first)
    rest = [row for row in rows if row.kind not in NAMED_BY_MANY]
    known = _keys({ref for row in rest for ref in (row.owner_ref, row.system_ref) if ref})
    for row in rest:
        row.owner_id, row.system_id = known.get(row.owner_ref), known.get(row.system_ref)
    _upsert(rest)
    _relate({item["ref"]: item for item in items}, now)
    vocabulary.learn(row.ref for row in rows)


def _upsert(rows: list[Entity]) -> None:
    if len(rows) >= MANY:
        copying.upsert(Entity, rows, unique="ref", update=CONTENT)
        return
    Entity.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["ref"], update_fields=CONTENT, batch_size=500
    )


def _keys(refs: set[str]) -> dict[str, int]:
    return dict(Entity.objects.filter(ref__any_of=refs).values_list("ref", "pk"))


def _relate(items: dict[str, dict[str, Any]], now: dict[str, str]) -> None:
    named = {said["target"] for item in items.values() for said in item["relations"]}
    pks = _keys({*items, *named, *now.values()})
    Relation.objects.filter(source__pk__any_of=[pks[ref] for ref in items]).delete()
    rows: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for ref, item in items.items():
        for said in item["relations"]:
            target = now.get(said["target"], said["target"])
            key = pks[ref], said["type"], target[:500], said["field"]
            evidence = Jsonb(said["evidence"]) if said["evidence"] else "[]"
            rows.setdefault(key, (*key, pks.get(target), item["origin"], evidence, said.get("confidence")))
    copying.append(Relation, RELATION, rows.values())


def resolve_links() -> None:
    """Turn references into rows wherever the other side has arrived, and see who answers for what now."""
    for name in ("owner", "system"):
        there = Entity.objects.filter(ref=OuterRef(f"{name}_ref"))
        waiting = Entity.objects.filter(**{f"{name}__isnull": True}).exclude(**{f"{name}_ref": ""})
        waiting.filter(Exists(there)).update(**{name: Subquery(there.values("pk")[:1])})
    there = Entity.objects.filter(ref=OuterRef("target_ref"))
    Relation.objects.filter(Exists(there), target__isnull=True).update(
        target=Subquery(there.values("pk")[:1])
    )
    settling.settle(settling.AT_ONCE)


def snapshot(refs: list[str]) -> list[dict[str, Any]]:
    """What the catalog says about each of `refs` now, so that it can be said again."""
    rows = Entity.objects.filter(ref__any_of=refs).prefetch_related("relations")
    known = {entity.ref: _snapshot_one(entity) for entity in rows}
    return [{"ref": ref, "before": known.get(ref)} for ref in refs]


def _snapshot_one(entity: Entity) -> dict[str, Any]:
    relations = [
        {
            "type": r.type,
            "target": r.target_ref,
            "field": r.field,
            "evidence": r.evidence,
            "confidence": r.confidence,
        }
        for r in entity.relations.all()
    ]
    item = {
        "ref": entity.ref,
        "file": entity.location,
        "line": entity.line,
        "document": entity.document,
        "origin": entity.origin,
        "descriptor": entity.descriptor,
        "relations": relations,
    }
    return {"item": item, "source": entity.source_id, "state": entity.state, "problem": entity.problem}

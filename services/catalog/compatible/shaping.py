"""Entities as Backstage writes them."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

from django.db import connection

from services.catalog.compatible import identity, places
from services.catalog.compatible.fields import Fields, only, wants
from services.catalog.descriptors.relations import INVERSE
from services.catalog.models import Entity, EntityQuerySet

# What `RelationQuerySet.standing` lets through, in both directions, in one statement: every page asks for it.
SAID: Final = """
WITH said AS (
    SELECT one.source_id, one.target_id, one.type, one.target_ref, source.ref AS source_ref
    FROM catalog_relation one JOIN catalog_entity source ON source.id = one.source_id
    WHERE one.id IN (
        SELECT id FROM catalog_relation WHERE source_id = ANY(%(pks)s)
        UNION ALL SELECT id FROM catalog_relation WHERE target_id = ANY(%(pks)s)
    ) AND (one.confidence IS NULL OR NOT EXISTS (
        SELECT FROM catalog_judgement judged WHERE judged.source_ref = source.ref
        AND judged.target_ref = one.target_ref AND judged.verdict = 'dismissed'))
)
SELECT source_id, type, target_ref, false FROM said WHERE source_id = ANY(%(pks)s)
UNION ALL SELECT target_id, type, source_ref, true FROM said WHERE target_id = ANY(%(pks)s)
"""
Told = dict[int, list[dict[str, str]]]


def light(rows: EntityQuerySet) -> EntityQuerySet:
    """The columns that `written` reads."""
    return rows.select_related("source").only(
        "api_version", "kind", "namespace", "name", "ref", "spec", "metadata", "digest", "state", "problem",
        "location", "source__kind", "source__location", "source__branch", "source__path",
    )  # fmt: skip


def written(entities: Iterable[Entity], fields: Fields) -> list[dict[str, Any]]:
    """All of a page; one query for the relations of all of them, none where they are not asked for."""
    page = list(entities)
    told = _relations(page) if wants(fields, "relations") else {}
    return [only(_one(entity, told.get(entity.pk, [])), fields) for entity in page]


def _relations(page: list[Entity]) -> Told:
    """What the entities and others say, in both directions, sorted by type and target; each once."""
    pks = [entity.pk for entity in page]
    said: defaultdict[int, set[tuple[str, str]]] = defaultdict(set)
    with connection.cursor() as cursor:
        cursor.execute(SAID, {"pks": pks})
        for pk, kind, ref, is_back in cursor.fetchall():
            said[pk].add((INVERSE[kind] if is_back else kind, ref))
    return {
        pk: [{"type": kind, "targetRef": ref} for kind, ref in sorted(pairs)] for pk, pairs in said.items()
    }


def _one(entity: Entity, relations: list[dict[str, str]]) -> dict[str, Any]:
    found = {
        "apiVersion": entity.api_version,
        "kind": entity.kind,
        "metadata": _metadata(entity),
        "spec": entity.spec,
        "relations": relations,
    }
    if entity.state == Entity.State.STALE:
        found["status"] = {"items": [_trouble(entity.problem)]}
    return found


def _metadata(entity: Entity) -> dict[str, Any]:
    noted = {places.LOCATION: places.location_of(entity), places.ORIGIN: places.origin_of(entity)}
    if entity.state == Entity.State.ORPHAN:
        noted["backstage.io/orphan"] = "true"
    return {
        **entity.metadata,
        "namespace": entity.namespace,
        "annotations": {**noted, **entity.annotations},
        "uid": identity.id_of(identity.ENTITY, entity.pk),
        "etag": entity.digest,
    }


def _trouble(problem: str) -> dict[str, Any]:
    """That the file is broken and this is the last good version."""
    return {
        "type": "backstage.io/catalog-processing",
        "level": "error",
        "message": f"InputError: {problem}",
        "error": {"name": "InputError", "message": problem},
    }

"""Entities as Backstage writes them, from one query: what is kept as JSON is sent as it stands.

Reading it into objects, only to write them again, took most of the time of a page.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import TextField
from django.db.models.expressions import RawSQL
from django.urls import reverse

from services.catalog.compatible import identity, places
from services.catalog.compatible.fields import Fields, only, wants
from services.catalog.descriptors.relations import INVERSE
from services.catalog.models import Entity, EntityQuerySet, Source

STANDING: Final = """(r.confidence IS NULL OR NOT EXISTS (
    SELECT FROM catalog_judgement judged WHERE judged.source_ref = {source} AND judged.verdict = 'dismissed'
    AND judged.target_ref = r.target_ref))"""
OTHER_WAY: Final = " ".join(f"WHEN '{one}' THEN '{other}'" for one, other in INVERSE.items())
# What `RelationQuerySet.standing` lets through, in both directions, each once, by type and target.
RELATIONS: Final = f"""(
    SELECT coalesce(string_agg(
        '{{"type":"' || said.kind || '","targetRef":' || to_json(said.ref) || '}}', ','
        ORDER BY said.kind COLLATE "C", said.ref COLLATE "C"), '')
    FROM (
        SELECT r.type AS kind, r.target_ref AS ref FROM catalog_relation r
        WHERE r.source_id = "catalog_entity"."id" AND {STANDING.format(source='"catalog_entity"."ref"')}
        UNION SELECT CASE r.type {OTHER_WAY} END, other.ref
        FROM catalog_relation r JOIN catalog_entity other ON other.id = r.source_id
        WHERE r.target_id = "catalog_entity"."id" AND {STANDING.format(source="other.ref")}
    ) AS said)"""  # noqa: S608  # made of constants only
MADE: Final = "ARRAY['annotations', 'namespace', 'uid', 'etag']"
TEXTS: Final = {
    "spec_text": '"catalog_entity"."spec"::text',
    "metadata_text": f'("catalog_entity"."metadata" - {MADE})::text',
    "noted_text": '"catalog_entity"."metadata" ->> \'annotations\'',
    "relations_text": RELATIONS,
}
COLUMNS: Final = (
    "pk", "api_version", "kind", "namespace", "name", "ref", "digest", "state", "problem", "location",
    "source_id", "source__kind", "source__location", "source__branch", "source__path",
)  # fmt: skip
OURS: Final = '"backstage.io/managed-by-'


@dataclass(slots=True)
class Row:
    """An entity as it is shown; `sorting` is its place in the order it was asked in."""

    pk: int
    api_version: str
    kind: str
    namespace: str
    name: str
    ref: str
    digest: str
    state: str
    problem: str
    location: str
    source: Source | None
    spec: str
    metadata: str
    noted: str | None
    relations: str
    sorting: str = ""

    def get_absolute_url(self) -> str:
        return reverse("catalog:entity_detail", args=[self.kind.lower(), self.namespace, self.name])


def read(rows: EntityQuerySet, fields: Fields = ()) -> list[Row]:
    """The rows with all that `written` needs; one query."""
    told = {name: RawSQL(text, [], TextField()) for name, text in TEXTS.items()}  # noqa: S611  # constants
    if not wants(fields, "relations"):
        told.pop("relations_text")
    more = ["sorting"] if "sorting" in rows.query.annotations else []
    found = rows.annotate(**told).values_list(*COLUMNS, *told, *more)
    sources: dict[int | None, Source | None] = {None: None}
    return [_row(values, sources, bool(more), "relations_text" in told) for values in found]


def _row(values: Any, sources: dict[int | None, Source | None], is_sorted: bool, has_relations: bool) -> Row:
    key, kind, location, branch, path = values[10:15]
    if key not in sources:
        sources[key] = Source(pk=key, kind=kind, location=location, branch=branch, path=path)
    relations = values[18] if has_relations else ""
    told: list[Any] = [*values[:10], sources[key], *values[15:18], relations, values[-1] if is_sorted else ""]
    return Row(*told)


def written(entities: Iterable[Row], fields: Fields = ()) -> list[str]:
    """Each as JSON, or the parts of it that were asked for."""
    if not fields:
        return [_one(entity) for entity in entities]
    return [compact(only(json.loads(_one(entity)), fields)) for entity in entities]


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def listed(texts: Iterable[str]) -> str:
    """An array of what is JSON already."""
    return f"[{','.join(texts)}]"


def _one(entity: Row) -> str:
    status = (
        f',"status":{{"items":[{_trouble(entity.problem)}]}}' if entity.state == Entity.State.STALE else ""
    )
    return (
        f'{{"apiVersion":{compact(entity.api_version)},"kind":{compact(entity.kind)},'
        f'"metadata":{_metadata(entity)},"spec":{entity.spec},"relations":[{entity.relations}]{status}}}'
    )


def _metadata(entity: Row) -> str:
    made = {
        "namespace": entity.namespace,
        "uid": identity.id_of(identity.ENTITY, entity.pk),
        "etag": entity.digest,
    }
    said = entity.metadata[:-1] + ("," if len(entity.metadata) > 2 else "")
    return f'{said}"annotations":{_annotations(entity)},{compact(made)[1:]}'


def _annotations(entity: Row) -> str:
    """The entity's own and those that a catalog adds, where its own say nothing of that."""
    added = {places.LOCATION: places.location_of(entity), places.ORIGIN: places.origin_of(entity)}
    if entity.state == Entity.State.ORPHAN:
        added["backstage.io/orphan"] = "true"
    if not entity.noted or entity.noted == "{}":
        return compact(added)
    if OURS in entity.noted or "backstage.io/orphan" in entity.noted:
        return compact({**added, **json.loads(entity.noted)})
    return f"{compact(added)[:-1]},{entity.noted[1:]}"


def _trouble(problem: str) -> str:
    """That the file is broken and this is the last good version."""
    return compact(
        {
            "type": "backstage.io/catalog-processing",
            "level": "error",
            "message": f"InputError: {problem}",
            "error": {"name": "InputError", "message": problem},
        }
    )

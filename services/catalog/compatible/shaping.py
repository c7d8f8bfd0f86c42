"""Entities as Backstage writes them, from one query: what is kept as JSON is sent as it stands.

Reading it into objects, only to write them again, took most of the time of a page.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import EmptyResultSet
from django.db import connection

from services.catalog.compatible import identity, places
from services.catalog.compatible.fields import Fields, only, wants
from services.catalog.models import Entity, EntityQuerySet, Source, address_of

MADE: Final = "ARRAY['annotations', 'namespace', 'uid', 'etag']"
COLUMNS: Final = f"""
e.id, e.api_version, e.kind, e.namespace, e.name, e.ref, e.digest, e.state, e.problem, e.location,
s.id, s.kind, s.location, s.branch, s.path, e.spec::text, (e.metadata - {MADE})::text,
e.metadata ->> 'annotations'
"""
RELATIONS: Final = "catalog_relations_as_json(e.id, e.ref)"
# The keys first, in their order; the long columns of no more rows than are shown.
PAGE: Final = """
SELECT {columns} FROM (SELECT page.*, row_number() OVER () AS place FROM ({rows}) AS page) AS page
JOIN catalog_entity e ON e.id = page.pk LEFT JOIN catalog_source s ON s.id = e.source_id ORDER BY page.place
"""
TOTAL: Final = "(SELECT count(*) FROM found)"
# All that are found are counted on the way, where they have to be read anyway.
COUNTED: Final = """
WITH found AS MATERIALIZED ({rows}) {page}
"""
quoted: Final = json.encoder.encode_basestring  # a text as JSON
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
        return address_of(self.kind, self.namespace, self.name)


def read(rows: EntityQuerySet, fields: Fields = ()) -> list[Row]:
    """The rows with all that `written` needs, in their order; one query."""
    try:
        keys, params = _keys(rows)
    except EmptyResultSet:
        return []
    return _made(_ask(PAGE.format(rows=keys, columns=_columns(rows, fields)), params))


def read_counted(
    rows: EntityQuerySet, order: str, *, limit: int, offset: int, fields: Fields = ()
) -> tuple[list[Row], int | None]:
    """Some of the rows, and how many there are altogether (None where that was not seen); one query."""
    try:
        keys, params = _keys(rows.order_by())
    except EmptyResultSet:
        return [], 0
    some = f"SELECT * FROM found ORDER BY {order} LIMIT {limit:d} OFFSET {offset:d}"  # noqa: S608  # constants
    columns = f"{TOTAL}, {_columns(rows, fields)}"
    found = _ask(COUNTED.format(rows=keys, page=PAGE.format(rows=some, columns=columns)), params)
    if not found:
        return [], None if offset else 0
    return _made(values[1:] for values in found), found[0][0]


def _keys(rows: EntityQuerySet) -> tuple[str, Any]:
    names = ["pk", "sorting"] if _is_sorted(rows) else ["pk"]
    return rows.values_list(*names).query.sql_with_params()


def _is_sorted(rows: EntityQuerySet) -> bool:
    return "sorting" in rows.query.annotations


def _columns(rows: EntityQuerySet, fields: Fields) -> str:
    relations = RELATIONS if wants(fields, "relations") else "''"
    sorting = "page.sorting" if _is_sorted(rows) else "''"
    return f"{COLUMNS}, {relations}, {sorting}"


def _ask(statement: str, params: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return list(cursor.fetchall())


def _made(rows: Iterable[Any]) -> list[Row]:
    sources: dict[int | None, Source | None] = {None: None}
    return [_row(values, sources) for values in rows]


def _row(values: Any, sources: dict[int | None, Source | None]) -> Row:
    key, kind, location, branch, path = values[10:15]
    if key not in sources:
        sources[key] = Source(pk=key, kind=kind, location=location, branch=branch, path=path)
    told: list[Any] = [*values[:10], sources[key], *values[15:]]
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
        f'{{"apiVersion":{quoted(entity.api_version)},"kind":{quoted(entity.kind)},'
        f'"metadata":{_metadata(entity)},"spec":{entity.spec},"relations":[{entity.relations}]{status}}}'
    )


def _metadata(entity: Row) -> str:
    said = entity.metadata[:-1] + ("," if len(entity.metadata) > 2 else "")
    return (
        f'{said}"annotations":{_annotations(entity)},"namespace":{quoted(entity.namespace)},'
        f'"uid":"{identity.id_of(identity.ENTITY, entity.pk)}","etag":{quoted(entity.digest)}}}'
    )


def _annotations(entity: Row) -> str:
    """The entity's own and those that a catalog adds, where its own say nothing of that."""
    origin = places.origin_of(entity)
    added = {places.LOCATION: places.location_of(entity, origin), places.ORIGIN: origin}
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

"""How many entities have each value of a key."""

import json
from collections import Counter
from typing import Any, Final

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Count, Q
from psycopg import sql

from services.catalog.compatible import numbers
from services.catalog.compatible.facts import LONGEST, fact, values_at
from services.catalog.compatible.filtering import RELATIONS
from services.catalog.compatible.keeping import kept
from services.catalog.compatible.values import COLUMNS, inside
from services.catalog.descriptors.relations import INVERSE
from services.catalog.models import Entity, Relation

Facet = list[dict[str, Any]]
PLAIN: Final = {**COLUMNS, "spec.type": "type", "spec.lifecycle": "lifecycle"}
TALLIED: Final = {"kind": "kind", **numbers.FIELDS}
MOST: Final = 10_000  # values of one key
# What stands at a path, and each item of it where it is a list; objects have no value.
VALUES: Final = sql.SQL("""
    SELECT item #>> '{{}}' AS value, count(*) FROM ({rows}) AS chosen
    JOIN catalog_entity USING (id)
    CROSS JOIN LATERAL (SELECT {column} #> %s AS found) AS at
    CROSS JOIN LATERAL jsonb_array_elements(
        CASE jsonb_typeof(found) WHEN 'array' THEN found ELSE jsonb_build_array(found) END
    ) AS item
    WHERE jsonb_typeof(item) IN ('string', 'number', 'boolean') AND length(item #>> '{{}}') <= %s
    GROUP BY 1 ORDER BY 1 LIMIT %s
""")


def counted(
    keys: list[str], wanted: Q, filters: list[str], query: Any, revision: int | None = None
) -> dict[str, Facet]:
    """Key -> its values with their counts. `revision` is the catalog's, under which they may be kept."""
    tallied = numbers.simple(filters, query)
    if tallied is not None and not tallied.field and all(key in TALLIED for key in keys):
        found = dict(zip(keys, tallied.of([TALLIED[key] for key in keys]), strict=True))
        return {key: _told(sorted((v, n) for v, n in said.items() if v)) for key, said in found.items()}
    name = "facets", json.dumps([filters, query], sort_keys=True)
    return {key: _kept(revision, (*name, key), key, wanted) for key in keys}


def _kept(revision: int | None, name: Any, key: str, wanted: Q) -> Facet:
    known: Facet | None = kept.known(revision, name)
    if known is None:
        known = _facet(key, wanted)
        kept.note(revision, name, known)
    return known


def _facet(key: str, wanted: Q) -> Facet:
    low = key.lower()
    if low in PLAIN:
        return _of_column(PLAIN[low], wanted)
    if low in RELATIONS:
        return _of_relation(RELATIONS[low], wanted)
    place = inside(key)
    rows = _of_path(*place, wanted) if place else []
    return rows or _of_rows(low, wanted)


def _of_column(column: str, wanted: Q) -> Facet:
    rows = Entity.objects.filter(wanted).exclude(**{column: ""}).order_by(column).values_list(column)
    return _told(rows.annotate(number=Count("pk"))[:MOST])


def _of_relation(kind: str, wanted: Q) -> Facet:
    """Of either direction; what both sides say is counted once."""
    rows, chosen = Relation.objects.standing().order_by(), Entity.objects.filter(wanted).values("pk")
    forth = rows.filter(type=kind, source__in=chosen).values_list("source_id", "target_ref")
    back = rows.filter(type=INVERSE[kind], target__in=chosen).values_list("target_id", "source__ref")
    tally: dict[str, int] = {}
    for _, ref in forth.union(back):
        tally[ref] = tally.get(ref, 0) + 1
    return _told(sorted(tally.items())[:MOST])


def _of_path(column: str, path: list[str], wanted: Q) -> Facet:
    try:
        chosen, params = Entity.objects.filter(wanted).order_by().values("id").query.sql_with_params()
    except EmptyResultSet:
        return []
    with connection.cursor() as cursor:
        statement = VALUES.format(rows=sql.SQL(chosen), column=sql.Identifier(column))
        cursor.execute(statement, [*params, path, LONGEST, MOST])
        return _told(cursor.fetchall())


def _of_rows(key: str, wanted: Q) -> Facet:
    """Of what no path leads to: within lists, an item of a list, a key in other letters or with dots.

    Reads the entities that have the key, so many at most as a facet has values.
    """
    rows = Entity.objects.filter(wanted, facts__contains=[fact(key)]).order_by()[:MOST]
    tally: Counter[str] = Counter()
    for metadata, spec in rows.values_list("metadata", "spec").iterator(chunk_size=100):
        tally.update(values_at({"metadata": metadata, "spec": spec}, key))
    return _told(sorted(tally.items()))


def _told(rows: Any) -> Facet:
    return [{"value": value, "count": number} for value, number in rows]

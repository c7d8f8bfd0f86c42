"""Who needs whom, any number of steps away: one query each way, bounded, circles included."""

import json
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import Q

from services.catalog.models import Entity, Judgement, Relation, RelationQuerySet

BY_API = ("consumesApi", "providesApi")
MOST_ROWS = 1000
MOST_EDGES = 20_000
FARTHEST = 12
# What somebody dismissed is no edge. An API between two services is none either, where it is known who
# serves it: then its consumer needs its provider.
_KEPT = """(r.confidence IS NULL OR NOT EXISTS (
    SELECT 1 FROM catalog_judgement j WHERE j.source_ref = s.ref AND j.target_ref = r.target_ref
    AND j.verdict = 'dismissed'))"""
_NEEDS = """
  SELECT r.target_ref AS ref FROM catalog_entity s JOIN catalog_relation r ON r.source_id = s.id
   WHERE s.ref = walk.ref AND r.type = 'dependsOn' AND KEPT
  UNION ALL
  SELECT s.ref FROM catalog_relation r JOIN catalog_entity s ON s.id = r.source_id
   WHERE r.target_ref = walk.ref AND r.type IN ('dependencyOf', 'providesApi') AND KEPT
  UNION ALL
  SELECT coalesce(p.ref, r.target_ref) FROM catalog_entity s JOIN catalog_relation r ON r.source_id = s.id
    LEFT JOIN (catalog_relation q JOIN catalog_entity p ON p.id = q.source_id)
      ON q.target_ref = r.target_ref AND q.type = 'providesApi'
   WHERE s.ref = walk.ref AND r.type = 'consumesApi'
""".replace("KEPT", _KEPT)
_NEEDED = """
  SELECT s.ref AS ref FROM catalog_relation r JOIN catalog_entity s ON s.id = r.source_id
   WHERE r.target_ref = walk.ref AND r.type IN ('dependsOn', 'consumesApi') AND KEPT
  UNION ALL
  SELECT r.target_ref FROM catalog_entity s JOIN catalog_relation r ON r.source_id = s.id
   WHERE s.ref = walk.ref AND r.type = 'dependencyOf' AND KEPT
  UNION ALL
  SELECT c.ref FROM catalog_entity s JOIN catalog_relation r ON r.source_id = s.id
    JOIN catalog_relation q ON q.target_ref = r.target_ref AND q.type = 'consumesApi'
    JOIN catalog_entity c ON c.id = q.source_id
   WHERE s.ref = walk.ref AND r.type = 'providesApi'
""".replace("KEPT", _KEPT)
_ONE_WAY = """(start, ref, step) AS (
  SELECT NULL::text, %s::text, 0
  UNION
  SELECT walk.ref::text, next.ref::text, walk.step + 1 FROM NAME AS walk CROSS JOIN LATERAL (EDGES) AS next
   WHERE walk.step < %s AND next.ref <> walk.ref AND next.ref <> %s
)"""
_NAMED = """jsonb_build_object('ref', {0}.ref, 'kind', {0}.kind, 'namespace', {0}.namespace, 'name', {0}.name,
  'title', {0}.title, 'type', {0}.type, 'owner_ref', {0}.owner_ref, 'system_ref', {0}.system_ref)"""
_WALK = """
WITH RECURSIVE needed NEEDED, needs NEEDS, edges AS (
  (SELECT false AS forward, start, ref, step FROM needed WHERE step > 0 LIMIT %s)
  UNION ALL (SELECT true, start, ref, step FROM needs WHERE step > 0 LIMIT %s)
)
SELECT forward, start, ref, step, NULL::jsonb, NULL::jsonb, NULL::jsonb FROM edges
UNION ALL
SELECT NULL, NULL, e.ref, NULL, ENTITY, CASE WHEN o.id IS NOT NULL THEN OWNER END,
       CASE WHEN s.id IS NOT NULL THEN SYSTEM END
  FROM catalog_entity e LEFT JOIN catalog_entity o ON o.id = e.owner_id
  LEFT JOIN catalog_entity s ON s.id = e.system_id WHERE e.ref IN (SELECT ref FROM edges)
"""
for _mark, _sql in (
    ("NEEDED", _ONE_WAY.replace("NAME", "needed").replace("EDGES", _NEEDED)),
    ("NEEDS", _ONE_WAY.replace("NAME", "needs").replace("EDGES", _NEEDS)),
    ("ENTITY", _NAMED.format("e")),
    ("OWNER", _NAMED.format("o")),
    ("SYSTEM", _NAMED.format("s")),
):
    _WALK = _WALK.replace(_mark, _sql)


@dataclass(frozen=True, slots=True)
class Edge:
    """`source` needs `target`."""

    source: str
    target: str


@dataclass
class Reach:
    """Everything one way: how many steps away each is at least, and the edges on the way."""

    steps: dict[str, int] = field(default_factory=dict)
    edges: set[Edge] = field(default_factory=set)
    rows: int = 0

    @property
    def is_cut(self) -> bool:
        return self.rows >= MOST_EDGES


@dataclass
class Around:
    """Who needs something, what it needs, and which of them the catalog knows."""

    needed: Reach = field(default_factory=Reach)
    needs: Reach = field(default_factory=Reach)
    known: dict[str, Entity] = field(default_factory=dict)


def walk(ref: str, *, needed: int, needs: int) -> Around:
    """Everybody who needs `ref` and everything it needs, up to so many steps away; one query.

    The entities have only what pages name them by.
    """
    found = Around()
    given: list[str | int] = [
        ref,
        min(needed, FARTHEST),
        ref,
        ref,
        min(needs, FARTHEST),
        ref,
        MOST_EDGES,
        MOST_EDGES,
    ]
    with connection.cursor() as cursor:
        cursor.execute(_WALK, given)
        for forward, start, end, step, *said in cursor.fetchall():
            if forward is None:
                found.known[end] = _entity(*said)
                continue
            one = found.needs if forward else found.needed
            one.rows += 1
            one.steps[end] = min(step, one.steps.get(end, step))
            one.edges.add(Edge(start, end) if forward else Edge(end, start))
    return found


def _entity(said: str, owner: str | None, system: str | None) -> Entity:
    entity = Entity(**json.loads(said))
    entity.owner = Entity(**json.loads(owner)) if owner else None
    entity.system = Entity(**json.loads(system)) if system else None
    return entity


def rows_around(entity: Entity) -> list[Relation]:
    """Every relation of one entity, and who serves the APIs it uses, with what people said; one query."""
    long = ("spec", "metadata", "search", "problem", "description")
    rows = _touching({entity.ref}).judged().select_related("source", "target")
    return list(
        rows.defer(*(f"{side}__{name}" for side in ("source", "target") for name in long))[:MOST_ROWS]
    )


def _touching(wanted: set[str]) -> RelationQuerySet:
    shared = Relation.objects.filter(source__ref__in=wanted, type__in=BY_API).values("target_ref")
    ends = Q(source__ref__in=wanted) | Q(target_ref__in=wanted)
    return Relation.objects.filter(ends | Q(target_ref__in=shared, type__in=BY_API))


def is_dismissed(row: Any) -> bool:
    """Whether somebody said that a derived relation of `rows_around` is none."""
    return row.is_derived and getattr(row, "verdict", None) == Judgement.Verdict.DISMISSED


FORWARD = {"dependsOn": True, "consumesApi": True, "dependencyOf": False, "providesApi": False}
NAMED = ("ref", "kind", "namespace", "name", "title", "type", "system_ref")


def edges_around(refs: set[str], known: dict[str, Entity]) -> list[Edge]:
    """Every edge that begins or ends at one of many, each once; one query. Fills `known`."""
    columns = (f"{side}__{name}" for side in ("source", "target") for name in NAMED)
    rows = _touching(refs).standing().filter(type__in=FORWARD).select_related("source", "target")
    found = list(rows.only("type", "target_ref", "confidence", *columns)[:MOST_EDGES])
    known.update({row.source.ref: row.source for row in found})
    known.update({row.target.ref: row.target for row in found if row.target})
    servers = {row.target_ref: row.source.ref for row in found if row.type == "providesApi"}
    edges: set[tuple[str, str]] = set()
    for row in found:
        start, end = row.source.ref, row.target_ref
        if row.type in BY_API and end not in refs and end in servers:
            end = servers[end]
        elif not FORWARD[row.type]:
            start, end = end, start
        if start != end and (start in refs or end in refs):
            edges.add((start, end))
    return [Edge(*pair) for pair in sorted(edges)]

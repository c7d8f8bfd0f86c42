"""Who needs whom, any number of steps away: one query each way, bounded, circles included."""

import json
from dataclasses import dataclass, field
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection

from portal.shell.frozen import Frozen
from services.catalog.models import Entity, Judgement, Relation, RelationQuerySet

BY_API = ("consumesApi", "providesApi")
MOST_ROWS = 1000
MOST = 1_000
NEAR = 201
HOLDER: Any = Entity._meta.get_field("holder")
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
  SELECT coalesce(served.ref, r.target_ref)
    FROM catalog_entity s JOIN catalog_relation r ON r.source_id = s.id
    LEFT JOIN LATERAL (SELECT p.ref FROM catalog_relation q JOIN catalog_entity p ON p.id = q.source_id
      WHERE q.target_ref = r.target_ref AND q.type = 'providesApi' OFFSET 0) AS served ON true
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
# Level by level, each thing once: `front` is what this step came to, `seen` everything so far.
_LEVELS = """(step, front, seen) AS (
  SELECT 0, ARRAY[%(ref)s::text], ARRAY[%(ref)s::text]
  UNION ALL
  SELECT step + 1, next.refs, seen || next.refs FROM SIDE CROSS JOIN LATERAL (
    SELECT array_agg(found.ref ORDER BY found.ref) AS refs FROM (
      SELECT edge.ref::text FROM unnest(front) AS walk(ref) CROSS JOIN LATERAL (EDGES) AS edge
      EXCEPT SELECT unnest(seen) LIMIT %(most)s + 1 - cardinality(seen)) AS found) AS next
   WHERE step < %(SIDE_steps)s AND next.refs IS NOT NULL AND cardinality(seen) <= %(most)s
), SIDE_near AS (
  SELECT ref FROM SIDE, unnest(front) AS ref WHERE step <= %(depth)s ORDER BY step, ref LIMIT %(near)s
)"""
_FOUND = """
SELECT FORWARD, step, NULL::text, ref, NULL::jsonb FROM SIDE, unnest(front) AS ref WHERE step > 0
UNION ALL
SELECT DISTINCT FORWARD, NULL::int, walk.ref, edge.ref::text, NULL::jsonb
  FROM SIDE_near AS walk CROSS JOIN LATERAL (EDGES) AS edge
 WHERE edge.ref IN (SELECT ref FROM SIDE_near) AND edge.ref NOT IN (walk.ref, %(ref)s)
"""
_ENTITIES = """
SELECT NULL, NULL, e.holder_ref, e.ref, jsonb_build_object('ref', e.ref, 'kind', e.kind, 'name', e.name,
  'namespace', e.namespace, 'title', e.title, 'type', e.type, 'holder_ref', e.holder_ref,
  'system_ref', e.system_ref)
  FROM catalog_entity e WHERE e.ref = ANY(ARRAY(
    SELECT ref FROM named UNION SELECT unnest(ARRAY[n.holder_ref, n.system_ref])
      FROM catalog_entity n WHERE n.ref = ANY(ARRAY(SELECT ref FROM named))))
"""


def _side(template: str, side: str, edges: str, forward: str) -> str:
    return template.replace("SIDE", side).replace("EDGES", edges).replace("FORWARD", forward)


_WALK = " ".join(
    [
        "WITH RECURSIVE needed",
        _side(_LEVELS, "needed", _NEEDED, "false"),
        ", needs",
        _side(_LEVELS, "needs", _NEEDS, "true"),
        ", named AS (SELECT unnest(front) AS ref FROM needed UNION SELECT unnest(front) FROM needs)",
        _side(_FOUND, "needed", _NEEDED, "false"),
        "UNION ALL",
        _side(_FOUND, "needs", _NEEDS, "true"),
        "UNION ALL",
        _ENTITIES,
    ]
)


@dataclass(frozen=True, slots=True)
class Edge:
    """`source` needs `target`."""

    source: str
    target: str


@dataclass
class Reach:
    """Everything one way: how many steps away each is, and the edges between the nearest."""

    steps: dict[str, int] = field(default_factory=dict)
    edges: set[Edge] = field(default_factory=set)

    @property
    def is_cut(self) -> bool:
        return len(self.steps) >= MOST


@dataclass
class Known:
    """Those that the catalog knows, with what pages name them by; made into entities where one is shown."""

    owners: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    made: dict[str, Entity] = field(default_factory=dict)

    def get(self, ref: str) -> Entity | None:
        if ref in self.made or ref not in self.texts:
            return self.made.get(ref)
        entity = self.made[ref] = Entity(**json.loads(self.texts[ref]))
        entity.system = self.get(entity.system_ref)
        HOLDER.set_cached_value(
            entity, self.get(entity.holder_ref)
        )  # unlike setting it, this keeps the reference
        return entity


@dataclass
class Around:
    """Who needs something, what it needs, and which of them the catalog knows."""

    needed: Reach = field(default_factory=Reach)
    needs: Reach = field(default_factory=Reach)
    known: Known = field(default_factory=Known)


def walk(ref: str, *, needed: int, needs: int, depth: int = FARTHEST) -> Around:
    """Everybody who needs `ref` and everything it needs, up to so many steps away; one query.

    Edges are told up to `depth` steps, among the nearest. The entities have what pages name them by.
    """
    found = Around()
    given: dict[str, str | int] = {
        "ref": ref, "needed_steps": min(needed, FARTHEST), "needs_steps": min(needs, FARTHEST),
        "depth": depth, "most": MOST, "near": NEAR,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_WALK, given)
        for forward, step, start, end, said in cursor.fetchall():
            if forward is None:
                found.known.owners[end], found.known.texts[end] = start, said
            elif start is None:
                (found.needs if forward else found.needed).steps[end] = step
            elif forward:
                found.needs.edges.add(Edge(start, end))
            else:
                found.needed.edges.add(Edge(end, start))
    return found


def _around(ref: str) -> RelationQuerySet:
    long = ("spec", "metadata", "search", "facts", "problem", "description")
    rows = _touching({ref}).judged().select_related("source", "target")
    return rows.defer(*(f"{side}__{name}" for side in ("source", "target") for name in long))[:MOST_ROWS]


rows_of = Frozen(_around, ref="")


def rows_around(entity: Entity) -> list[Relation]:
    """Every relation of one entity, and who serves the APIs it uses, with what people said; one query."""
    return rows_of(ref=entity.ref)


def _touching(wanted: set[str]) -> RelationQuerySet:
    """Relations that begin or end there, and those of the APIs that are used or served there.

    Three short looks into indexes: one condition with OR would be asked of every relation there is. Arrays
    leave the planner no other way, whatever it believes of tables that have just grown.
    """
    rows = Relation.objects.order_by()
    here = ArraySubquery(Entity.objects.order_by().filter(ref__in=wanted).values("pk"))
    begun, ended = rows.filter(source__pk__any_of=here), rows.filter(target_ref__in=wanted)
    shared = ArraySubquery(begun.filter(type__in=BY_API).values("target_ref"))
    others = rows.filter(target_ref__any_of=shared, type__in=BY_API)
    found = begun.values("pk").union(ended.values("pk"), others.values("pk"))
    return Relation.objects.filter(pk__any_of=ArraySubquery(found))


def is_dismissed(row: Any) -> bool:
    """Whether somebody said that a derived relation of `rows_around` is none."""
    return row.is_derived and getattr(row, "verdict", None) == Judgement.Verdict.DISMISSED


FORWARD = {"dependsOn": True, "consumesApi": True, "dependencyOf": False, "providesApi": False}
NAMED = ("ref", "kind", "namespace", "name", "title", "type", "system_ref")


def edges_around(refs: set[str], known: dict[str, Entity]) -> list[Edge]:
    """Every edge that begins or ends at one of many, each once; one query. Fills `known`."""
    columns = (f"{side}__{name}" for side in ("source", "target") for name in NAMED)
    rows = _touching(refs).standing().filter(type__in=FORWARD).select_related("source", "target")
    found = list(rows.only("type", "target_ref", "confidence", *columns)[:MOST])
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

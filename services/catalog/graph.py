"""What an entity calls and what calls it, two steps each way, laid out for drawing."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Q

from services.catalog import health
from services.catalog.models import Entity, Judgement, Relation, RelationQuerySet

FORWARD = {"dependsOn": True, "consumesApi": True, "dependencyOf": False, "providesApi": False}
DRAWN = ("ref", "kind", "namespace", "name", "type")
BY_API = ("consumesApi", "providesApi")
PER_COLUMN = 8
MOST_ROWS = 1000
WIDTH, HEIGHT, STEP_X, STEP_Y, EDGE = 168, 44, 292, 68, 2
LEGEND = (("ok", "Healthy"), ("bad", "Degraded"), ("warn", "Missing"), ("go", "Rolling out"))
MARKS = {"Healthy": "ok", "Degraded": "bad", "Missing": "warn", "Progressing": "go"}


@dataclass(frozen=True)
class Edge:
    """`source` needs `target`."""

    source: str
    target: str


@dataclass(frozen=True)
class Node:
    ref: str
    entity: Entity | None
    x: int
    y: int
    is_me: bool = False
    health: str = ""

    @property
    def mark(self) -> str:
        return MARKS.get(self.health, "idle")

    @property
    def label(self) -> str:
        text = self.entity.name if self.entity else self.ref.rpartition("/")[2]
        return text if len(text) <= 18 else text[:17] + "…"

    @property
    def name(self) -> str:
        return self.entity.name if self.entity else self.ref

    @property
    def hint(self) -> str:
        if self.is_me:
            return "this " + (self.entity.type or self.entity.kind.lower())[:18] if self.entity else ""
        return (self.entity.type or self.entity.kind.lower())[:20] if self.entity else "not in the catalog"

    @property
    def middle(self) -> int:
        return self.y + HEIGHT // 2

    @property
    def right(self) -> int:
        return self.x + WIDTH


@dataclass
class Graph:
    """Columns from the callers of callers to what stands behind what is called."""

    nodes: list[Node] = field(default_factory=list)
    lines: list[tuple[str, bool]] = field(default_factory=list)
    callers: list[Edge] = field(default_factory=list)
    needs: list[Edge] = field(default_factory=list)
    behind: int = 0
    hidden: int = 0
    states: dict[str, dict[str, str]] = field(default_factory=dict)
    width: int = 0
    height: int = 0

    @property
    def is_empty(self) -> bool:
        return len(self.nodes) < 2


def around(refs: Iterable[str], known: dict[str, Entity]) -> list[Edge]:
    """Every edge that begins or ends at one of `refs`; each pair once; one query. Fills `known`."""
    wanted = set(refs)
    columns = (f"{side}__{name}" for side in ("source", "target") for name in DRAWN)
    rows = _touching(wanted).standing().filter(type__in=FORWARD).select_related("source", "target")
    return edges_of(list(rows.only("type", "target_ref", *columns)), wanted, known)


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


def edges_of(rows: list[Relation], wanted: set[str], known: dict[str, Entity]) -> list[Edge]:
    """The edges that relations make; each pair once. Fills `known`.

    An API between two services is not drawn when it is known who serves it: its consumer needs its provider.
    """
    known.update({row.source.ref: row.source for row in rows})
    known.update({row.target.ref: row.target for row in rows if row.target})
    return _without_apis(rows, wanted)


def _without_apis(rows: list[Relation], wanted: set[str]) -> list[Edge]:
    providers: dict[str, str] = {row.target_ref: row.source.ref for row in rows if row.type == "providesApi"}
    edges: dict[tuple[str, str], Edge] = {}
    for row in rows:
        start, end = row.source.ref, row.target_ref
        if row.type in BY_API and end not in wanted and end in providers:
            end = providers[end]
        elif not FORWARD[row.type]:
            start, end = end, start
        if start != end and (start in wanted or end in wanted):
            edges.setdefault((start, end), Edge(start, end))
    return [edges[pair] for pair in sorted(edges)]


def draw(entity: Entity, rows: list[Relation]) -> Graph:
    """The graph around one entity from its relations: two more queries, health included."""
    known: dict[str, Entity] = {}
    drawn = [row for row in rows if row.type in FORWARD and not is_dismissed(row)]
    near = edges_of(drawn, {entity.ref}, known)
    known[entity.ref] = entity
    graph = Graph(
        callers=[edge for edge in near if edge.target == entity.ref],
        needs=[edge for edge in near if edge.source == entity.ref],
    )
    left = _shown(graph, [edge.source for edge in graph.callers])
    right = _shown(graph, [edge.target for edge in graph.needs if edge.target not in left])
    placed = {entity.ref, *left, *right}
    far = around(right, known) if right else []
    beyond = _beyond(far, right, placed)
    graph.behind = len(beyond)
    columns = [left, [entity.ref], right, beyond]
    _place(graph, [column for column in columns if column], entity.ref, known)
    _connect(graph, [*near, *far])
    return graph


def is_dismissed(row: Relation) -> bool:
    """Whether somebody said that a derived relation of `rows_around` is none."""
    return row.is_derived and getattr(row, "verdict", None) == Judgement.Verdict.DISMISSED


def _beyond(far: list[Edge], right: list[str], placed: set[str]) -> list[str]:
    """What stands behind the right column, in the order of who needs it, so that few lines cross."""
    rank: dict[str, int] = {}
    for edge in far:
        if edge.source in right and edge.target not in placed:
            rank[edge.target] = min(rank.get(edge.target, PER_COLUMN), right.index(edge.source))
    return sorted(rank, key=lambda ref: (rank[ref], ref))[:PER_COLUMN]


def _shown(graph: Graph, refs: list[str]) -> list[str]:
    graph.hidden += max(0, len(refs) - PER_COLUMN)
    return refs[:PER_COLUMN]


def _place(graph: Graph, columns: list[list[str]], me: str, known: dict[str, Entity]) -> None:
    states = graph.states = health.by_entity([ref for column in columns for ref in column])
    tallest = max(len(column) for column in columns)
    graph.height = tallest * STEP_Y - (STEP_Y - HEIGHT) + 2 * EDGE
    graph.width = (len(columns) - 1) * STEP_X + WIDTH + 2 * EDGE
    for step, column in enumerate(columns):
        top = (tallest - len(column)) * STEP_Y // 2
        for row, ref in enumerate(column):
            x, y = EDGE + step * STEP_X, EDGE + top + row * STEP_Y
            worst = health.worst(states.get(ref, {}))
            graph.nodes.append(Node(ref, known.get(ref), x, y, ref == me, worst))


def _connect(graph: Graph, edges: list[Edge]) -> None:
    """A curve for each edge to the next column; soft where the other side is not in the catalog."""
    at = {node.ref: node for node in graph.nodes}
    for edge in {(edge.source, edge.target): edge for edge in edges}.values():
        start, end = at.get(edge.source), at.get(edge.target)
        if start is None or end is None or end.x - start.x != STEP_X:
            continue
        middle = (start.right + end.x) // 2
        bend = f"{middle} {start.middle} {middle} {end.middle}"
        path = f"M{start.right} {start.middle}C{bend} {end.x - 3} {end.middle}"
        graph.lines.append((path, start.entity is None or end.entity is None))

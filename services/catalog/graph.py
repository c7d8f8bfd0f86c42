"""What an entity needs and who needs it, laid out in columns for drawing; and who is hurt if it stops."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.catalog import health, reach
from services.catalog.models import Entity
from services.catalog.reach import Edge, Known, Reach

DIRECTIONS = {"both": "Both", "needs": "Needs", "needed": "Needed by"}
GROUPS = {"": "Nothing", "system": "System", "team": "Team"}
DEEPEST = 5
MOST_NODES = 200
MOST_TEAMS, MOST_NAMES = 40, 8
WIDTH, HEIGHT, STEP_X, STEP_Y, EDGE = 168, 44, 256, 60, 8
LEGEND = (("ok", "Healthy"), ("bad", "Degraded"), ("warn", "Missing"), ("go", "Rolling out"))
MARKS = {"Healthy": "ok", "Degraded": "bad", "Missing": "warn", "Progressing": "go"}
SWEEPS = 4


@dataclass(frozen=True)
class Asked:
    """What the address asks for; anything unknown is the default."""

    depth: int = 2
    direction: str = "both"
    group: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> "Asked":
        depth, direction, group = given.get("depth", ""), given.get("direction", ""), given.get("group", "")
        return cls(
            int(depth) if depth in "12345" and len(depth) == 1 else 2,
            direction if direction in DIRECTIONS else "both",
            group if group in GROUPS else "",
        )


@dataclass
class Node:
    """One thing, or with `count` a system or a team with what is in it. `step` is its column."""

    ref: str
    entity: Entity | None
    step: int
    is_me: bool = False
    health: str = ""
    count: int = 0
    x: int = 0
    y: int = 0

    @property
    def mark(self) -> str:
        return MARKS.get(self.health, "idle")

    @property
    def name(self) -> str:
        if self.entity is None:
            return self.ref.rpartition("/")[2] or "Nobody’s"
        return str(self.entity) if self.count else self.entity.name

    @property
    def label(self) -> str:
        return self.name if len(self.name) <= 18 else self.name[:17] + "…"

    @property
    def hint(self) -> str:
        if self.count:
            return f"{self.count} thing{'s' if self.count > 1 else ''}" + self._state
        if self.entity is None:
            return "not in the catalog"
        kind = (self.entity.type or self.entity.kind.lower())[:14]
        return ("this " if self.is_me else "") + kind + self._state

    @property
    def _state(self) -> str:
        return f" · {self.health.lower()}" if self.health in ("Degraded", "Missing") else ""

    @property
    def middle(self) -> int:
        return self.y + HEIGHT // 2

    @property
    def right(self) -> int:
        return self.x + WIDTH


@dataclass
class Team:
    """One team that is hurt: how many of its things, how many of them directly, and the nearest few."""

    ref: str
    entity: Entity | None
    count: int = 0
    direct: int = 0
    names: list[Entity] = field(default_factory=list)

    @property
    def unnamed(self) -> int:
        return self.count - len(self.names)


@dataclass
class Blast:
    """Everything that needs this, at however many steps."""

    count: int = 0
    teams: list[Team] = field(default_factory=list)
    is_cut: bool = False


@dataclass
class Graph:
    asked: Asked
    nodes: list[Node] = field(default_factory=list)
    lines: list[tuple[str, str, str, bool]] = field(default_factory=list)
    needed: int = 0
    needs: int = 0
    behind: int = 0
    left_out: int = 0
    states: dict[str, dict[str, str]] = field(default_factory=dict)
    blast: Blast = field(default_factory=Blast)
    width: int = 0
    height: int = 0

    @property
    def is_empty(self) -> bool:
        return len(self.nodes) < 2


def draw(entity: Entity, asked: Asked) -> Graph:
    """The graph around an entity and who is hurt if it stops; two queries at any depth."""
    around = reach.walk(entity.ref, needed=reach.FARTHEST, needs=asked.depth, depth=asked.depth)
    needed, needs, known = around.needed, around.needs, around.known
    known.made[entity.ref] = entity
    graph = Graph(asked, needed=_first(needed), needs=_first(needs), behind=len(needs.steps) - _first(needs))
    steps = _columns(needed, needs, asked)
    chosen = sorted(steps, key=lambda ref: (abs(steps[ref]), ref))[:MOST_NODES]
    graph.left_out = len(steps) - len(chosen)
    graph.states = health.by_entity([entity.ref, *chosen])
    graph.blast = _blast(needed, known)
    nodes = [Node(ref, known.get(ref), steps[ref], health=_worst(graph, ref)) for ref in chosen]
    me = Node(entity.ref, entity, 0, is_me=True, health=_worst(graph, entity.ref))
    edges = list(needed.edges | needs.edges)
    if asked.group:
        nodes, edges = _collapsed(nodes, edges, asked.group)
    _place(graph, [me, *nodes], edges)
    return graph


def _first(reached: Reach) -> int:
    return sum(step == 1 for step in reached.steps.values())


def _worst(graph: Graph, ref: str) -> str:
    return health.worst(graph.states.get(ref, {}))


def _columns(needed: Reach, needs: Reach, asked: Asked) -> dict[str, int]:
    """Each thing's column: who needs this on the left, what this needs on the right; the nearer side wins."""
    steps: dict[str, int] = {}
    if asked.direction != "needs":
        steps |= {ref: -step for ref, step in needed.steps.items() if step <= asked.depth}
    if asked.direction != "needed":
        for ref, step in needs.steps.items():
            if ref not in steps or step < -steps[ref]:
                steps[ref] = step
    return steps


def _blast(needed: Reach, known: Known) -> Blast:
    """Who is hurt, team by team, the most first."""
    teams: dict[str, Team] = {}
    things: dict[str, list[str]] = {}
    for ref, step in sorted(needed.steps.items(), key=lambda item: (item[1], item[0])):
        owner_ref = known.owners.get(ref, "")
        team = teams.setdefault(owner_ref, Team(owner_ref, None))
        team.count += 1
        team.direct += step == 1
        things.setdefault(owner_ref, []).append(ref)
    ordered = sorted(teams.values(), key=lambda team: (-team.count, team.ref))
    for team in ordered[:MOST_TEAMS]:
        team.entity = known.get(team.ref)
        team.names = [one for one in map(known.get, things[team.ref][:MOST_NAMES]) if one]
    return Blast(len(needed.steps), ordered, needed.is_cut)


def _collapsed(nodes: list[Node], edges: list[Edge], by: str) -> tuple[list[Node], list[Edge]]:
    """Each system or team as one node, where its nearest member stands; what belongs to none stays."""
    groups: dict[str, Node] = {}
    into: dict[str, str] = {}
    for node in nodes:
        ref = _group_of(node, by)
        if not ref:
            groups[node.ref], into[node.ref] = node, node.ref
            continue
        entity = node.entity and (node.entity.system if by == "system" else node.entity.holder)
        one = groups.setdefault(ref, Node(ref, entity or None, node.step))
        into[node.ref] = ref
        one.count += 1
        one.step = min(one.step, node.step, key=abs)
        one.health = health.worst({state: state for state in (one.health, node.health) if state})
    joined = {Edge(into.get(edge.source, edge.source), into.get(edge.target, edge.target)) for edge in edges}
    return list(groups.values()), [edge for edge in joined if edge.source != edge.target]


def _group_of(node: Node, by: str) -> str:
    if node.entity is None:
        return ""
    return node.entity.system_ref if by == "system" else node.entity.holder_ref


def _place(graph: Graph, nodes: list[Node], edges: list[Edge]) -> None:
    """Columns by steps; within each the order that lets few lines cross."""
    columns: dict[int, list[Node]] = {}
    for node in nodes:
        columns.setdefault(node.step, []).append(node)
    ordered = [columns[step] for step in sorted(columns)]
    _untangle(ordered, edges)
    tallest = max(len(column) for column in ordered)
    graph.height = tallest * STEP_Y - (STEP_Y - HEIGHT) + 2 * EDGE
    graph.width = (len(ordered) - 1) * STEP_X + WIDTH + 2 * EDGE
    for number, column in enumerate(ordered):
        top = (tallest - len(column)) * STEP_Y // 2
        for row, node in enumerate(column):
            node.x, node.y = EDGE + number * STEP_X, EDGE + top + row * STEP_Y
    graph.nodes = [node for column in ordered for node in column]
    _connect(graph, edges)


def _untangle(columns: list[list[Node]], edges: list[Edge]) -> None:
    """Put each node at the mean place of its neighbours, there and back (barycentres, after Sugiyama)."""
    beside: dict[str, list[str]] = {}
    for edge in edges:
        beside.setdefault(edge.source, []).append(edge.target)
        beside.setdefault(edge.target, []).append(edge.source)
    place = {node.ref: row / len(column) for column in columns for row, node in enumerate(column)}
    for sweep in range(SWEEPS):
        for column in columns if sweep % 2 else reversed(columns):
            mean: dict[str, float] = {}
            for node in column:
                around = [place[ref] for ref in beside.get(node.ref, ()) if ref in place]
                mean[node.ref] = sum(around) / len(around) if around else place[node.ref]
            column.sort(key=lambda node: (mean[node.ref], node.ref))
            place |= {node.ref: (row + 0.5) / len(column) for row, node in enumerate(column)}


def _connect(graph: Graph, edges: list[Edge]) -> None:
    """A curve for each edge; soft where one side is not in the catalog."""
    at = {node.ref: node for node in graph.nodes}
    for edge in sorted(set(edges), key=lambda edge: (edge.source, edge.target)):
        start, end = at.get(edge.source), at.get(edge.target)
        if start is None or end is None or start is end:
            continue
        soft = start.entity is None or end.entity is None
        graph.lines.append((_curve(start, end), start.ref, end.ref, soft))


def _curve(start: Node, end: Node) -> str:
    """From the right side of one to the left side of the other; a bow where they do not stand so."""
    here, there = start.middle, end.middle
    if start.x == end.x:
        out = start.right + 40
        return f"M{start.right} {here}C{out} {here} {out} {there} {end.right + 3} {there}"
    if start.x > end.x:
        middle = (start.x + end.right) // 2
        return f"M{start.x} {here}C{middle} {here} {middle} {there} {end.right + 3} {there}"
    middle = (start.right + end.x) // 2
    return f"M{start.right} {here}C{middle} {here} {middle} {there} {end.x - 3} {there}"


def tally(graph: Graph) -> list[tuple[str, int]]:
    """How many of the drawn things are in each state."""
    counted = Counter(node.health for node in graph.nodes if node.health)
    return [(state, counted[state]) for state in health.WORST_FIRST if counted[state]]


def context_of(graph: Graph) -> dict[str, Any]:
    """What the page needs beside the drawing."""
    return {
        "graph": graph,
        "states": graph.states,
        "marks": LEGEND,
        "depths": range(1, DEEPEST + 1),
        "directions": DIRECTIONS.items(),
        "groups": GROUPS.items(),
        "tally": tally(graph),
    }

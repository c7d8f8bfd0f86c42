"""The map of a system or domain: what is in it, what uses it from outside, what it needs there."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.urls import reverse

from services.catalog import graph, health, reach
from services.catalog.graph import EDGE, HEIGHT, WIDTH
from services.catalog.models import Entity

STEP_X, STEP_Y, FRAME, HEAD = 236, 60, 14, 26
MOST_PARTS, MOST_INSIDE, MOST_OUTSIDE, LEVELS = 1500, 30, 8, 3
Pairs = Counter[tuple[str, str]]


@dataclass(frozen=True)
class Box:
    """Something on the map; `y` is that of its top."""

    key: str
    title: str
    hint: str
    url: str
    x: int
    y: int
    health: str = ""
    is_outside: bool = False

    @property
    def mark(self) -> str:
        return graph.MARKS.get(self.health, "idle")

    @property
    def label(self) -> str:
        return self.title if len(self.title) <= 18 else self.title[:17] + "…"

    @property
    def middle(self) -> int:
        return self.y + HEIGHT // 2

    @property
    def right(self) -> int:
        return self.x + WIDTH


@dataclass(frozen=True)
class Line:
    """`source` needs `target`, so many times."""

    source: Box
    target: Box
    number: int

    @property
    def path(self) -> str:
        start, end = self.source, self.target
        if end.x > start.x:
            middle = (start.right + end.x) // 2
            bend = f"{middle} {start.middle} {middle} {end.middle}"
            return f"M{start.right} {start.middle}C{bend} {end.x - 3} {end.middle}"
        out = max(start.right, end.right) + 28
        bend = f"{out} {start.middle} {out} {end.middle}"
        return f"M{start.right} {start.middle}C{bend} {end.right + 3} {end.middle}"


@dataclass
class Map:
    title: str = ""
    boxes: list[Box] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    frame: tuple[int, int, int, int] = (0, 0, 0, 0)
    width: int = 0
    height: int = 0
    hidden: int = 0

    @property
    def is_empty(self) -> bool:
        return not any(not box.is_outside for box in self.boxes)


@dataclass(frozen=True)
class Thing:
    """What a box stands for, before it has a place."""

    key: str
    title: str
    hint: str
    url: str


def map_of(entity: Entity, parts: Iterable[Entity], states: Mapping[str, str]) -> Map:
    """The map of a system or domain from its parts and their worst health; one query, for a domain three."""
    drawn = [part for part in parts if part.kind != "API"][:MOST_INSIDE]
    inside = {part.ref: part for part in drawn}
    members = {part.ref: part.ref for part in drawn}
    if entity.kind == "Domain" and inside:
        within = Entity.objects.filter(system_ref__in=inside).exclude(kind="API")
        members |= dict(within.values_list("ref", "system_ref")[:MOST_PARTS])
        states = _states(members)
    known: dict[str, Entity] = {}
    edges = reach.edges_around(set(members), known) if members else []
    outside = {ref for edge in edges for ref in (edge.source, edge.target)} - members.keys()
    homes = {ref: _home(ref, known.get(ref), entity) for ref in outside}
    pairs, things = _collapsed(edges, members, homes)
    things |= {ref: _thing(part) for ref, part in inside.items()}
    return _laid_out(str(entity), list(inside), things, pairs, states)


def _states(members: Mapping[str, str]) -> dict[str, str]:
    """The worst health of each box inside."""
    found: dict[str, dict[str, str]] = {}
    for ref, states in health.by_entity(list(members)).items():
        found.setdefault(members[ref], {})[ref] = health.worst(states)
    return {key: health.worst(states) for key, states in found.items()}


def _thing(entity: Entity) -> Thing:
    hint = (entity.type or entity.kind).lower()
    return Thing(entity.ref, entity.heading, hint, entity.get_absolute_url())


def _home(ref: str, row: Entity | None, me: Entity) -> Thing:
    """What stands outside: the system it belongs to, or itself where it belongs to none."""
    if row is None:
        return Thing(ref, ref.rpartition("/")[2], "not in the catalog", "")
    if not row.system_ref or row.system_ref == me.ref:
        return _thing(row)
    kind, _, place = row.system_ref.partition(":")
    namespace, _, name = place.partition("/")
    return Thing(row.system_ref, name, kind, reverse("catalog:entity_detail", args=[kind, namespace, name]))


def _collapsed(
    edges: Iterable[reach.Edge], members: Mapping[str, str], homes: Mapping[str, Thing]
) -> tuple[Pairs, dict[str, Thing]]:
    """The edges between boxes, counted, and the boxes outside."""
    pairs: Pairs = Counter()
    things: dict[str, Thing] = {}
    for edge in edges:
        ends = []
        for ref in (edge.source, edge.target):
            home = None if ref in members else homes.get(ref)
            if home is not None:
                things[home.key] = home
            ends.append(home.key if home else members.get(ref, ref))
        if ends[0] != ends[1]:
            pairs[ends[0], ends[1]] += 1
    return pairs, things


def _laid_out(
    title: str, inside: list[str], things: Mapping[str, Thing], pairs: Pairs, states: Mapping[str, str]
) -> Map:
    """Callers to the left, what is needed to the right, and inside by who needs whom."""
    within = set(inside)
    callers = Counter({a: 0 for a, b in pairs if b in within and a not in within})
    needed = Counter({b: 0 for a, b in pairs if a in within and b not in within and b not in callers})
    for (a, b), number in pairs.items():
        for outside, key in ((callers, a), (needed, b), (callers, b)):
            if key in outside:
                outside[key] += number
    left, right = _few(callers), _few(needed)
    levels = _levels(inside, [pair for pair in pairs if pair[0] in within and pair[1] in within])
    columns = [left, *(levels or [[]]), right]
    found = _placed(title, columns, things, states, within)
    found.hidden = len(callers) + len(needed) - len(left) - len(right)
    at = {box.key: box for box in found.boxes}
    found.lines = [Line(at[a], at[b], n) for (a, b), n in sorted(pairs.items()) if a in at and b in at]
    return found


def _few(tally: Counter[str]) -> list[str]:
    return sorted(sorted(tally), key=lambda key: -tally[key])[:MOST_OUTSIDE]


def _levels(inside: list[str], pairs: list[tuple[str, str]]) -> list[list[str]]:
    """Columns in which what needs stands before what is needed, as far as circles allow; at most three."""
    level = dict.fromkeys(inside, 0)
    for _ in range(LEVELS - 1):
        for a, b in pairs:
            if level[b] <= level[a] < LEVELS - 1 and (b, a) not in pairs:
                level[b] = level[a] + 1
    columns = [[key for key in inside if level[key] == number] for number in range(LEVELS)]
    columns = [column for column in columns if column]
    if len(columns) == 1 and len(inside) > 4:  # nothing needs anything: side by side
        third = -(-len(inside) // LEVELS)
        columns = [inside[start : start + third] for start in range(0, len(inside), third)]
    return columns


def _placed(
    title: str,
    columns: list[list[str]],
    things: Mapping[str, Thing],
    states: Mapping[str, str],
    within: set[str],
) -> Map:
    """Boxes from left to right, each column in the middle; a frame around all columns but the outer two."""
    tallest = max(len(column) for column in columns)
    found = Map(title=title)
    xs = _lefts(columns)
    for x, column in zip(xs, columns, strict=True):
        top = HEAD + FRAME + (tallest - len(column)) * STEP_Y // 2
        for row, key in enumerate(column):
            one, y = things[key], top + row * STEP_Y
            state, outside = states.get(key, ""), key not in within
            found.boxes.append(Box(key, one.title, one.hint, one.url, x, y, state, outside))
    found.height = HEAD + 2 * FRAME + tallest * STEP_Y - (STEP_Y - HEIGHT) + 2 * EDGE
    end = xs[-2] + WIDTH + FRAME
    found.frame = (xs[1] - FRAME, EDGE, end - xs[1] + FRAME, found.height - 2 * EDGE)
    found.width = (xs[-1] + WIDTH if columns[-1] else end) + EDGE
    return found


def _lefts(columns: list[list[str]]) -> list[int]:
    """Where each column begins; an empty one takes no room."""
    x, found = EDGE, []
    for number, column in enumerate(columns):
        x += FRAME if number in (1, len(columns) - 1) else 0
        found.append(x)
        x += STEP_X if column else 0
    return found

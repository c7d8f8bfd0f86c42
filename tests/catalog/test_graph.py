"""Who needs whom, drawn and told; on one small company with a circle, an API between, and a stranger."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from services.catalog import about, graph, reach
from services.catalog.actions import import_documents, judge_dependency
from services.catalog.models import Entity, Relation
from services.catalog.reach import Edge

pytestmark = pytest.mark.django_db


def _part(name: str, owner: str, system: str = "", **said: list[str]) -> str:
    more = "".join(f", {key}: {value}" for key, value in said.items())
    where = f", system: {system}" if system else ""
    spec = f"{{type: service, lifecycle: production, owner: {owner}{where}{more}}}"
    head = f"apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{name: {name}}}\n"
    return f"{head}spec: {spec}\n".replace("'", '"')


# web -> cart -> (its API) -> prices -> db, prices -> audit -> prices, web -> prices, cart -> stranger
SHOP = {
    "web": _part("web", "discovery", "front", dependsOn=["component:cart", "component:prices"]),
    "cart": _part("cart", "checkout", "order", consumesApis=["prices-api"], dependsOn=["component:stranger"]),
    "prices": _part("prices", "checkout", "order", providesApis=["prices-api"], dependsOn=["component:db"]),
    "audit": _part(
        "audit", "payments", "order", dependsOn=["component:prices"], dependencyOf=["component:prices"]
    ),
    "db": _part("db", "payments"),
    "api": "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {name: prices-api}\n"
    "spec: {type: openapi, lifecycle: production, owner: checkout, definition: 'openapi: 3.0.0'}\n",
    "front": "apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata: {name: front}\n"
    "spec: {owner: discovery}\n",
}


def ref(name: str) -> str:
    return f"component:default/{name}"


@pytest.fixture
def shop(mira):
    files = {f"{name}.yaml": text.encode() for name, text in SHOP.items()}
    import_documents(files=files, title="shop", by=mira, kind="folder", location="/shop")
    return {entity.ref: entity for entity in Entity.objects.all()}


def _steps(found: reach.Reach) -> dict[str, int]:
    return {key.rpartition("/")[2]: step for key, step in found.steps.items()}


@pytest.mark.parametrize(
    ("start", "needs", "depth", "expected"),
    [
        (ref("web"), True, 1, {"cart": 1, "prices": 1}),
        (ref("web"), True, 5, {"cart": 1, "prices": 1, "stranger": 2, "db": 2, "audit": 2}),
        (ref("db"), False, 9, {"prices": 1, "web": 2, "cart": 2, "audit": 2}),
        (ref("prices"), False, 9, {"cart": 1, "web": 1, "audit": 1}),
        (ref("stranger"), False, 9, {"cart": 1, "web": 2}),
        ("api:default/prices-api", False, 9, {"cart": 1, "web": 2}),
        ("api:default/prices-api", True, 1, {"prices": 1}),
        (ref("nobody"), True, 9, {}),
    ],
)
def test_reach_goes_any_number_of_steps_and_ends_in_circles(shop, start, needs, depth, expected):
    found = reach.walk(start, needed=depth, needs=depth)
    assert _steps(found.needs if needs else found.needed) == expected


def test_a_dismissed_dependency_is_none(shop, mira):
    Relation.objects.filter(source__ref=ref("web"), target_ref=ref("prices")).update(confidence=0.7)
    judge_dependency(entity=shop[ref("web")], target_ref=ref("prices"), verdict="dismissed", by=mira)
    assert _steps(reach.walk(ref("web"), needed=1, needs=1).needs) == {"cart": 1}
    assert "web" not in _steps(reach.walk(ref("prices"), needed=1, needs=1).needed)


def test_edges_that_are_too_many_are_cut_and_said(shop, monkeypatch):
    monkeypatch.setattr(reach, "MOST", 2)
    assert reach.walk(ref("web"), needed=5, needs=5).needs.is_cut


READERS = {
    "walk": lambda shop: reach.walk(ref("prices"), needed=9, needs=9),
    "rows_around": lambda shop: reach.rows_around(shop[ref("prices")]),
    "edges_around": lambda shop: reach.edges_around({ref("prices")}, {}),
    "relations_of": lambda shop: about.relations_of(shop[ref("prices")]),
    "parts": lambda shop: list(about.parts(shop["system:default/front"])),
}


def _whole_reads(plan: dict) -> list[str]:
    """The large tables that a plan reads from end to end."""
    inner = [name for part in plan.get("Plans", []) for name in _whole_reads(part)]
    table = plan.get("Relation Name", "") if "Index Cond" not in plan else ""
    is_whole = table in ("catalog_relation", "catalog_entity") and "Bitmap" not in plan["Node Type"]
    return [*inner, table] if is_whole else inner


def test_no_reader_of_one_entity_looks_through_all_of_them(shop):
    """Where scans are forbidden the planner reads a whole table only if no index answers."""
    others = [Entity(ref=f"component:default/o{n}", kind="Component", name=f"o{n}") for n in range(1000)]
    Entity.objects.bulk_create(others)
    Relation.objects.bulk_create(
        Relation(source=one, type="dependsOn", target_ref=f"{one.ref}0") for one in others
    )
    plans = []

    def explained(execute, statement, given, many, context):
        execute(f"EXPLAIN (FORMAT JSON) {statement}", given, many, context)
        plans.append(context["cursor"].fetchone()[0][0]["Plan"])
        return execute(statement, given, many, context)

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE catalog_entity, catalog_relation; SET LOCAL enable_seqscan = off")
    with connection.execute_wrapper(explained):
        for reader in READERS.values():
            reader(shop)
    found = {name: set(_whole_reads(plan)) for name, plan in zip(READERS, plans, strict=True)}
    named = {"catalog_entity"}  # so few that joining all of them is as good, for what rows are called by
    assert not found["walk"] | found["parts"]
    assert not (found["rows_around"] | found["edges_around"] | found["relations_of"]) - named


def test_a_cut_walk_goes_no_further_than_it_may(shop, monkeypatch):
    monkeypatch.setattr(reach, "MOST", 3)
    assert len(reach.walk(ref("web"), needed=5, needs=5).needs.steps) == 3


def _drawn(entity: Entity, **asked: str) -> tuple[dict[str, int], set[tuple[str, str]], graph.Graph]:
    made = graph.draw(entity, graph.Asked.read(asked))
    columns = {node.name: node.x // graph.STEP_X for node in made.nodes}
    short = {(start.rpartition("/")[2], end.rpartition("/")[2]) for _, start, end, _ in made.lines}
    return columns, short, made


def test_columns_go_from_who_needs_it_to_what_it_needs(shop):
    columns, lines, made = _drawn(shop[ref("prices")])
    assert columns == {"web": 0, "cart": 0, "audit": 0, "prices": 1, "db": 2}
    assert lines >= {
        ("web", "cart"),
        ("web", "prices"),
        ("cart", "prices"),
        ("prices", "db"),
        ("audit", "prices"),
    }
    assert [(team.entity or team.ref, team.count, team.direct) for team in made.blast.teams] == [
        ("group:default/checkout", 1, 1),
        ("group:default/discovery", 1, 1),
        ("group:default/payments", 1, 1),
    ]
    assert [[str(one) for one in team.names] for team in made.blast.teams] == [["cart"], ["web"], ["audit"]]
    columns, lines, made = _drawn(shop[ref("prices")], direction="needs", depth="1")
    assert set(columns) == {"prices", "audit", "db"}
    assert made.blast.count == 3
    assert set(_drawn(shop[ref("web")], direction="needed")[0]) == {"web"}


def test_systems_and_teams_stand_for_what_is_in_them(shop):
    _, lines, made = _drawn(shop[ref("web")], group="system", depth="5")
    assert lines == {("web", "order"), ("order", "stranger"), ("order", "db")}
    (order,) = [node for node in made.nodes if node.count]
    assert (order.count, order.step, order.hint) == (3, 1, "3 things")
    _, lines, _ = _drawn(shop[ref("web")], group="team", depth="5")
    assert lines == {
        ("web", "checkout"), ("checkout", "stranger"), ("checkout", "payments"), ("payments", "checkout"),
    }  # fmt: skip


def test_what_is_drawn_is_bounded_and_says_what_is_left_out(shop, monkeypatch):
    monkeypatch.setattr(graph, "MOST_NODES", 2)
    _, _, made = _drawn(shop[ref("web")], depth="5")
    assert (len(made.nodes), made.left_out) == (3, 3)


def test_anything_may_be_asked():
    for odd in ("0", "6", "12", "x", "", "٣"):
        assert graph.Asked.read({"depth": odd, "direction": odd, "group": odd}) == graph.Asked()
    assert graph.Asked.read({"depth": "5", "direction": "needs", "group": "team"}).depth == 5


def test_lines_also_lead_back_and_along_a_column():
    nodes = [
        graph.Node("a", None, 0, x=0),
        graph.Node("b", None, 0, x=0, y=60),
        graph.Node("c", None, 1, x=256),
    ]
    made = graph.Graph(graph.Asked(), nodes=nodes)
    graph._connect(made, [Edge("a", "b"), Edge("c", "a"), Edge("a", "gone"), Edge("a", "a")])
    assert [(start, end, soft) for _, start, end, soft in made.lines] == [("a", "b", True), ("c", "a", True)]
    assert made.lines[0][0].startswith("M168 22C208")
    assert made.lines[1][0].startswith("M256 22C")


def test_the_page_has_everything_in_its_address_and_costs_the_same_at_any_depth(client, mira, shop):
    client.force_login(mira)
    counted = []
    for query in ("", "&depth=5&direction=both", "&depth=5&group=team&direction=needs"):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page = client.get(f"/catalog/component/default/prices/?tab=dependencies{query}").content.decode()
        counted.append(len(queries))
        assert "If this stops" in page
        assert "3 hurt, of 3 teams" in page
    assert max(counted) - min(counted) <= 1
    assert max(counted) <= 12
    assert re.search(r'href="\?tab=dependencies&amp;depth=5&amp;group=team&amp;direction=both"', page)
    assert 'aria-current="true">5</a>' in page
    empty = client.get("/catalog/component/default/db/?tab=dependencies&direction=needs").content.decode()
    assert "Nothing in this direction" in empty

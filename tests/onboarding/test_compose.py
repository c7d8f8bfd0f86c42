"""Several blueprints in one request: what each gives the others, what is judged together, what is kept."""

from dataclasses import replace
from typing import Any

import pytest

from services.manifests.emit import load_all
from services.manifests.problems import Lease
from services.onboarding import actions, queries
from services.onboarding.blueprints import (
    Context,
    EnvironmentInfo,
    Evaluation,
    Person,
    TeamRef,
    evaluate,
    parts_of,
    shipped,
    with_changes,
)
from services.onboarding.blueprints.loader import load
from services.onboarding.blueprints.parts import PLAN, entries, with_part, without_part
from services.onboarding.blueprints.source import BlueprintError
from services.onboarding.models import Request, RequestPart
from tests.onboarding.conftest import answers as service_answers

SETTINGS: dict[str, Any] = {
    "registry": "registry.example.com",
    "domain": "example.net",
    "public_domain": "example.com",
    "gateway": {"name": "shared", "namespace": "gateway"},
    "prices": {"cpu": 20, "memory": 4, "storage": 0.1, "currency": "EUR"},
    "machine_network": "10.70.0.0/16",
    "backups": {"destination": "s3://backups"},
    "database_module": {"source": "git::https://git.example.com/postgres", "version": "v1"},
}
PLACES = (
    EnvironmentInfo("staging", "Staging", "shop-staging", False, SETTINGS),
    EnvironmentInfo("production", "Production", "shop", True, SETTINGS),
)
USER = Person("mira", "Mira", [TeamRef("checkout", "Checkout"), TeamRef("payments", "Payments")])
SERVICE = {"name": "wishlist", "description": "Lets people keep products for later."}
ALL = ["db:postgres", "cache:cache", "route:public-route"]


def composed(plan: list[str] = ALL, blueprint: str = "web-service", **over: Any) -> Evaluation:
    context = Context(USER, PLACES, today="2026-11-20", request="R-1001", **over.pop("context", {}))
    return evaluate(
        shipped()[blueprint], {**SERVICE, PLAN: plan, **over.pop("said", {}), **over}, context, shipped()
    )


def manifest(found: Evaluation, path: str) -> dict[str, Any]:
    name = next(each for each in found.files if each.endswith(path))
    return dict(load_all(found.files[name])[0].data)


def outside(egress: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Ranges and ports a policy opens."""
    opened = [(to["ipBlock"]["cidr"], rule) for rule in egress for to in rule["to"] if "ipBlock" in to]
    return [(cidr, rule["ports"][0]["port"]) for cidr, rule in opened]


def part(found: Evaluation, key: str) -> Any:
    return next(each for each in found.parts if each.key == key)


def states(found: Evaluation) -> dict[str, Any]:
    return {state.name: state for section in found.sections for state in section.fields}


@pytest.fixture(scope="module")
def whole() -> Evaluation:
    return composed()


def test_nothing_is_asked_twice(whole) -> None:
    assert not whole.blocked, whole.errors
    assert [each.name for each in whole.parts] == [
        "wishlist", "wishlist-db", "wishlist-cache", "wishlist-route",
    ]  # fmt: skip
    assert {part.entity["spec"]["owner"] for part in whole.parts} == {"group:default/checkout"}
    shown = states(whole)
    assert shown["db-owner"].prefilled
    assert shown["db-owner"].expert
    moved = composed(owner="payments", environments=["production"])
    assert {each.entity["spec"]["owner"] for each in moved.parts} == {"group:default/payments"}
    assert {each.environments for each in moved.parts} == {("production",)}
    assert composed(said={"db-owner": "payments"}).answers["db-owner"] == "payments"


def test_the_service_reads_the_secret_of_its_database_and_may_reach_it(whole) -> None:
    container = manifest(whole, "wishlist/staging/deployment.yaml")["spec"]["template"]["spec"]["containers"][
        0
    ]
    env = {each["name"]: each.get("valueFrom") for each in container["env"]}
    assert env["DATABASE_HOST"] == {"secretKeyRef": {"name": "wishlist-db-app", "key": "host"}}
    assert env["CACHE_PASSWORD"] == {"secretKeyRef": {"name": "wishlist-cache-app", "key": "password"}}
    assert manifest(whole, "wishlist/staging/configmap.yaml")["data"] == {
        "CACHE_HOST": "wishlist-cache", "CACHE_PORT": "6379",
    }  # fmt: skip
    egress = manifest(whole, "wishlist/staging/networkpolicy.yaml")["spec"]["egress"]
    peers = [to["podSelector"]["matchLabels"] for rule in egress for to in rule["to"] if "podSelector" in to]
    assert {peer["app.kubernetes.io/instance"] for peer in peers} == {"wishlist-db", "wishlist-cache"}
    assert whole.entity["spec"]["dependsOn"] == [
        "resource:default/wishlist-db",
        "resource:default/wishlist-cache",
    ]
    out = outside(egress)
    assert out == [], "in staging it runs in the cluster"
    egress = manifest(whole, "wishlist/production/networkpolicy.yaml")["spec"]["egress"]
    out = outside(egress)
    assert out == [("10.70.0.0/16", 5432)], "in production on a machine"
    assert whole.dependencies == ("resource:default/wishlist-db", "resource:default/wishlist-cache")


def test_the_route_leads_to_the_service_and_its_port() -> None:
    found = composed(["route:public-route"], port=9000)
    route = manifest(found, "wishlist-route/production/httproute.yaml")["spec"]["rules"][0]["backendRefs"]
    opened = manifest(found, "wishlist-route/production/networkpolicy.yaml")["spec"]["ingress"][0]["ports"]
    assert route == [{"name": "wishlist", "port": 80}]
    assert opened == [{"port": 9000, "protocol": "TCP"}]
    assert [option.value for option in states(found)["route-service"].options] == [
        "component:default/wishlist"
    ]


def test_answers_keep_what_was_said_and_the_wiring_is_worked_out_anew(whole) -> None:
    assert whole.answers["secrets"] == []
    assert whole.answers["depends_on"] == []
    again = composed(said=whole.answers)
    assert again.files == whole.files
    assert again.answers == whole.answers
    kept = load_all(whole.files["apps/checkout/wishlist/slipway.yaml"])[0].data["spec"]["answers"]
    assert {"name": "DATABASE_NAME", "secret": "wishlist-db-app", "key": "dbname"} in kept["secrets"]
    alone = composed([], said=kept)
    assert "wishlist-db-app" in next(
        text for path, text in alone.files.items() if path.endswith("wishlist/staging/deployment.yaml")
    )


def test_a_connection_is_renamed_or_taken_away() -> None:
    said = {"main-db-DATABASE_HOST": "PGHOST", "main-db-DATABASE_PORT": "", "main-cache-on": False}
    found = composed(said=said)
    env = manifest(found, "wishlist/staging/deployment.yaml")["spec"]["template"]["spec"]["containers"][0][
        "env"
    ]
    names = {each["name"] for each in env}
    assert "PGHOST" in names
    assert not {"DATABASE_HOST", "DATABASE_PORT", "CACHE_PASSWORD"} & names
    assert found.entity["spec"]["dependsOn"] == ["resource:default/wishlist-db"]
    wires = {wire.key: wire for wire in part(found, "").wires}
    assert wires["main-db"].on
    assert not wires["main-cache"].on
    assert "Secret wishlist-db-app" in wires["main-db"].says
    assert found.answers["main-db-DATABASE_HOST"] == "PGHOST"


@pytest.mark.parametrize("wrong", ["1ST NAME", ["x"], 7])
def test_a_variable_that_cannot_be_one_is_refused_where_it_stands(wrong) -> None:
    found = composed(said={"main-db-DATABASE_HOST": wrong})
    assert [error.field for error in found.errors] == ["main-db-DATABASE_HOST"]
    assert found.blocked


def test_what_the_person_says_stays_and_connections_get_out_of_its_way() -> None:
    own = {"name": "DATABASE_HOST", "secret": "mine", "key": "host"}
    found = composed(secrets=[own], depends_on=["resource:default/wishlist-db"])
    env = manifest(found, "wishlist/staging/deployment.yaml")["spec"]["template"]["spec"]["containers"][0][
        "env"
    ]
    hosts = [each for each in env if each["name"] == "DATABASE_HOST"]
    assert [each["valueFrom"]["secretKeyRef"]["name"] for each in hosts] == ["mine"]
    assert "DB_DATABASE_HOST" in {each["name"] for each in env}
    assert found.entity["spec"]["dependsOn"].count("resource:default/wishlist-db") == 1


def test_two_databases_are_told_apart() -> None:
    found = composed(["db:postgres", "db2:postgres"], said={"db2-name": "orders-db"})
    env = manifest(found, "wishlist/staging/deployment.yaml")["spec"]["template"]["spec"]["containers"][0][
        "env"
    ]
    by_name = {each["name"]: each.get("valueFrom") for each in env}
    assert by_name["DATABASE_HOST"]["secretKeyRef"]["name"] == "wishlist-db-app"
    assert by_name["DB2_DATABASE_HOST"]["secretKeyRef"]["name"] == "orders-db-app"


def test_names_within_one_request_differ() -> None:
    errors = {
        (e.field, e.rule): e.suggestion
        for e in composed(["db:postgres"], said={"db-name": "wishlist"}).errors
    }
    assert errors["db-name", "taken"] == "wishlist-2"
    assert ("name", "taken") not in errors


def test_a_file_made_twice_names_both_parts(tmp_path) -> None:
    for name in ("one", "two"):
        folder = tmp_path / name
        (folder / "manifests").mkdir(parents=True)
        (folder / "manifests" / "configmap.yaml").write_text(MAP)
        (folder / "blueprint.yaml").write_text(TINY.format(name=name))
    known = {name: load(tmp_path / name) for name in ("one", "two")}
    found = evaluate(known["one"], {"name": "a", PLAN: ["two:two"]}, Context(USER, PLACES), known)
    clash = [error for error in found.errors if error.rule == "path"]
    assert [error.field for error in clash] == ["two-name"]
    assert "shared/a.yaml" in clash[0].message
    assert "a (thing one)" in clash[0].message
    assert found.blocked


MAP = """
apiVersion: v1
kind: ConfigMap
metadata: {name: "${{ answers.name }}", namespace: "${{ environment.namespace }}"}
data: {a: b}
"""
TINY = """
apiVersion: slipway.dev/v1
kind: Blueprint
metadata: {{name: {name}, title: Thing {name}}}
spec:
  sections:
  - title: What
    fields: [{{name: name, label: Name}}]
  joins: {{key: {name}, label: thing, answers: {{name: "${{{{ main.name }}}}"}}}}
  subject: ${{{{ answers.name }}}}
  owner: checkout
  path: apps/checkout/{name}
  environments: '["staging"]'
  entityPath: shared/${{{{ answers.name }}}}.yaml
  entity: {{kind: Resource, metadata: {{name: "${{{{ answers.name }}}}"}}, spec: {{}}}}
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("joins: {key: main, label: x}", "must be a few small letters, and not main"),
        ("joins: {key: Db, label: x}", "must be a few small letters"),
        ("joins: {key: db, label: x, answers: {nam: a}}", "there is no field nam"),
        ("accepts: [{kinds: [a], says: b, fill: {nam: offer.ref}}]", "there is no field nam"),
        ("provides: [{kind: a, gives: {}}]", "gives is not known"),
    ],
)
def test_mistakes_in_how_a_blueprint_joins_are_named(tmp_path, text, message) -> None:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "configmap.yaml").write_text(MAP)
    lines = [line for line in TINY.format(name="one").splitlines() if "joins" not in line]
    (tmp_path / "blueprint.yaml").write_text("\n".join([*lines, f"  {text}"]))
    with pytest.raises(BlueprintError, match=message):
        load(tmp_path)


def test_findings_lead_to_the_field_of_their_part(whole) -> None:
    found = composed(said={"cache-memory": 100, "memory_limit": 512})
    blocking = next(each for each in found.findings if each.severity == "block")
    assert blocking.fix is not None
    assert set(blocking.fix.changes) == {"memory_limit"}
    alone = next(each for each in whole.findings if each.rule == "one-replica-stateful")
    assert whole.part_of(alone).key == "cache"
    fixed = with_changes(parts_of(shipped()["web-service"], found.answers, shipped()), found.answers, {
        "memory_limit": 600, "cache-memory": "128", "nobody": 1,
    })  # fmt: skip
    assert (fixed["memory_limit"], fixed["memory_request"], fixed["cache-memory"]) == (600, 400, 128)
    assert "nobody" not in fixed


def test_an_exception_is_for_the_part_it_was_granted_to() -> None:
    lease = Lease(
        rule="one-replica-stateful", environment="production", object="", until="2027-01-01", reason="",
        asked_by="a", granted_by="b", ref="1",
    )  # fmt: skip
    for ref, severity in (
        ("resource:default/wishlist-cache", "info"),
        ("component:default/wishlist", "warn"),
    ):
        leases = {ref: [lease]}
        found = composed(context={"leases": lambda ref, known=leases: known.get(ref, ())})
        told = {each.severity for each in found.findings if each.rule == "one-replica-stateful"}
        assert severity in told, ref


def test_cost_and_approvals_are_those_of_the_whole(whole) -> None:
    assert whole.cost.monthly == pytest.approx(sum(each.cost.monthly for each in whole.parts))
    assert any(label.startswith("wishlist-db: ") for label, _ in whole.cost.lines)
    open_to_all = {"route-exposure": "public", "route-reason": "Shoppers use it every day."}
    found = composed(said={**open_to_all, "db-production_target": "cluster"})
    assert {need.key for need in found.approvals} == {"cost", "public", "in-cluster"}
    assert len({need.key for need in found.approvals}) == len(found.approvals)


def test_one_that_cannot_be_rendered_says_so_and_the_others_go_on() -> None:
    broken = {**shipped(), "cache": replace(shipped()["cache"], path=shipped()["public-route"].entity_path)}
    broken["cache"] = replace(broken["cache"], values=shipped()["public-route"].values)
    found = evaluate(
        shipped()["web-service"], {**SERVICE, PLAN: ["cache:cache"]}, Context(USER, PLACES), broken
    )
    assert [error.rule for error in found.errors] == ["blueprint"]
    assert found.blocked
    assert any(path.endswith("wishlist/slipway.yaml") for path in found.files)


def test_the_plan_takes_only_what_joins() -> None:
    said = {PLAN: ["db:postgres", "db:cache", "x:nothing", "Y:cache", 7, "main:cache", "ns:namespace"]}
    found = parts_of(shipped()["web-service"], said, shipped())
    assert [(each.key, each.blueprint.name) for each in found] == [("", "web-service"), ("db", "postgres")]
    assert entries({PLAN: "db:postgres"}) == []


def test_parts_come_and_go_with_their_answers() -> None:
    one = with_part({"name": "a"}, shipped()["postgres"])
    two = with_part({**one, "db-size": "large", "main-db-on": False}, shipped()["postgres"])
    assert two[PLAN] == ["db:postgres", "db2:postgres"]
    assert without_part({**two, "db2-size": "small"}, "db") == {
        "name": "a",
        PLAN: ["db2:postgres"],
        "db2-size": "small",
    }
    assert without_part(one, "db") == {"name": "a"}
    assert with_part({}, shipped()["namespace"]) == {}
    full = {PLAN: [f"c{n}:cache" for n in range(12)]}
    assert with_part(full, shipped()["cache"]) == full


# ---- as requests -----------------------------------------------------------------------------------------


def send(world: Any, plan: tuple[str, ...] = ("db:postgres", "cache:cache"), **over: Any) -> Request:
    said = service_answers(**{PLAN: list(plan), **over})
    return actions.submit(by=world.mira, blueprint="web-service", answers=said)


def test_one_request_one_pull_request_and_a_row_for_each_part(world) -> None:
    row = send(world)
    assert row.title == "Onboard wishlist with database and cache"
    assert row.entity_refs == [
        "component:default/wishlist", "resource:default/wishlist-db", "resource:default/wishlist-cache",
    ]  # fmt: skip
    assert [(p.key, p.blueprint, p.is_open, p.entity_name) for p in row.parts.all()] == [
        ("db", "postgres", True, "wishlist-db"), ("cache", "cache", True, "wishlist-cache"),
    ]  # fmt: skip
    assert {path.split("/")[2] for path in row.files if path.startswith("apps/")} == {
        "wishlist", "wishlist-db", "wishlist-cache",
    }  # fmt: skip
    assert str(row.parts.get(key="db")) == f"wishlist-db of {row.ref}"
    actions.withdraw(request=row, by=world.mira)
    assert not RequestPart.objects.filter(is_open=True).exists()


def test_names_of_parts_belong_to_the_first_who_asks(world) -> None:
    send(world)
    found = queries.evaluate("postgres", {"name": "wishlist-db"}, user=world.noah)
    assert ("name", "taken") in {(error.field, error.rule) for error in found.errors}

"""A form offers only what the target clusters can do, and says why something is missing (row 82)."""

import json
from pathlib import Path

import pytest

from services.manifests import dates, networks
from services.manifests.expressions import evaluate as cel
from services.onboarding.blueprints import (
    BlueprintError,
    Context,
    EnvironmentInfo,
    Person,
    TeamRef,
    evaluate,
    load,
    shipped,
)
from tests.onboarding.test_blueprints import field

BLUEPRINT = """
apiVersion: slipway.dev/v1
kind: Blueprint
metadata: {name: store, title: Store}
spec:
  requires: {v1/ConfigMap: The core}
  reserved: ip-range
  sections:
  - title: All
    fields:
    - {use: name, placeholder: my-store}
    - {use: environments}
    - name: engine
      label: Engine
      required: true
      default: operator
      options:
      - {value: operator, label: Operator, requires: {example.com/v1/Store: The store operator}}
      - {value: own, label: One of your own}
    - name: pool
      label: Pool
      required: true
      requires: {example.com/v1/Pool: The pooler}
    - {name: until, label: Until, format: date, default: "${{ plusDays(today, 7) }}"}
    - name: range
      label: Range
      format: cidr
      default: "${{ freeRange('10.0.0.0/8', 16, reserved.map(r, r.cidr)) }}"
  subject: ${{ answers.name }}
  owner: orders
  path: apps/orders/${{ answers.name }}
  environments: answers.environments
  entityPath: catalog/${{ answers.name }}.yaml
  entity: {kind: Resource, metadata: {name: "${{ answers.name }}"}, spec: {}}
"""
MODULE = """
# Made by the pipeline of the machines.
module: {"${{ answers.name }}": {source: here, size: "${{ 1 + 1 }}"}}
"""
OBJECT = """
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: b}
data: {engine: "${{ text(answers.engine) }}"}
"""
HERE, EVERYTHING = ["v1/ConfigMap"], ["v1/ConfigMap", "example.com/v1/Store", "example.com/v1/Pool"]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = Path(tmp_path_factory.mktemp("store"))
    (folder / "manifests").mkdir()
    (folder / "blueprint.yaml").write_text(BLUEPRINT)
    (folder / "manifests/main.tf.json.yaml").write_text(MODULE.lstrip())
    (folder / "manifests/configmap.yaml").write_text(OBJECT)
    return load(folder)


def asked(store, answers, staging, production=EVERYTHING, **more):
    places = [
        EnvironmentInfo("staging", "Staging", "s", False, {}, staging),
        EnvironmentInfo("production", "Production", "p", True, {}, production),
    ]
    user = Person("ada", "Ada", [TeamRef("orders", "Orders")])
    return evaluate(store, {"name": "a", **answers}, Context(user, places, today="2026-11-20", **more))


def test_what_a_cluster_lacks_is_shown_with_the_reason_and_not_prefilled(store):
    found = asked(store, {}, HERE)
    engine, pool = field(found, "engine"), field(found, "pool")
    assert [each.missing for each in engine.options] == ["The store operator is not installed in Staging", ""]
    assert engine.value == "own"
    assert (pool.missing, pool.required, pool.errors) == ("The pooler is not installed in Staging", False, ())
    assert not found.blocked


def test_choosing_it_all_the_same_is_refused_with_what_can_be_had(store):
    (error,) = asked(store, {"engine": "operator", "environments": ["staging"]}, HERE).errors
    assert (error.rule, error.suggestion) == ("unavailable", "own")
    assert error.message == "The store operator is not installed in Staging"


def test_only_the_chosen_environments_count_and_those_nobody_looked_at_lack_nothing(store):
    found = asked(store, {"environments": ["production"], "pool": "x"}, HERE)
    assert field(found, "engine").value == "operator"
    assert asked(store, {"pool": "x"}, None, None).errors == ()


def test_an_environment_that_cannot_hold_the_blueprint_is_not_chosen(store):
    found = asked(store, {}, [])
    assert field(found, "environments").value == ["production"]
    assert field(found, "environments").options[0].missing == "The core is not installed in Staging"
    nowhere = asked(store, {}, [], [])
    assert "environments" in {each.field for each in nowhere.errors}


def test_a_json_file_goes_to_its_own_tool_and_to_no_cluster(store):
    found = asked(store, {"environments": ["production"], "pool": "x"}, HERE)
    module = json.loads(found.files["apps/orders/a/production/main.tf.json"])
    assert module["module"] == {"a": {"source": "here", "size": 2}}
    assert "Made by the pipeline" in module["//"]
    assert "main.tf.json" not in found.files["apps/orders/a/production/kustomization.yaml"]


def test_dates_and_ranges_are_prefilled_from_what_is_known(store):
    taken = [{"name": "a", "cidr": "10.0.0.0/15"}, {"name": "b", "cidr": "10.2.0.0/24"}]
    found = asked(store, {}, EVERYTHING, reserved=lambda kind: taken)
    assert found.answers["until"] == "2026-11-27"
    assert found.answers["range"] == "10.3.0.0/16"
    wrong = asked(store, {"until": "27.11.2026", "range": "10.1.2.3/16"}, EVERYTHING).errors
    assert {(each.field, each.suggestion) for each in wrong if each.rule == "format"} == {
        ("until", None),
        ("range", "10.1.0.0/16"),
    }


def test_a_field_of_the_library_that_is_not_there_is_refused_with_its_line(tmp_path):
    (tmp_path / "blueprint.yaml").write_text(BLUEPRINT.replace("use: name", "use: nme"))
    with pytest.raises(BlueprintError, match=r"blueprint.yaml:11: fields.yaml has no field nme"):
        load(tmp_path)


def test_dates():
    assert cel("daysBetween('2026-02-27', '2026-03-01')", {}) == 2
    assert cel("plusDays('2026-12-31', 1)", {}) == "2027-01-01"
    assert [dates.is_date(each) for each in ("2026-02-28", "2026-02-30", "20260228", "x")] == [True] + [
        False
    ] * 3


@pytest.mark.parametrize(
    ("pool", "prefix", "taken", "free"),
    [
        ("10.0.0.0/8", 16, [], "10.0.0.0/16"),
        ("10.0.0.0/16", 24, ["10.0.0.128/25"], "10.0.1.0/24"),
        ("10.0.0.0/30", 31, ["10.0.0.0/31", "10.0.0.2/32"], None),
        ("10.0.0.0/16", 8, [], None),
        ("fd00::/48", 64, ["10.0.0.0/8", "fd00::/64"], "fd00:0:0:1::/64"),
        ("10.0.0.0/24", 24, ["0.0.0.0/0"], None),
    ],
)
def test_the_first_range_that_is_free(pool, prefix, taken, free):
    assert networks.free_range(pool, prefix, taken) == free


def test_ranges_overlap_in_part_or_whole_and_never_across_versions():
    assert networks.overlaps("10.0.0.0/8", "10.1.0.0/16")
    assert not networks.overlaps("10.0.0.0/16", "10.1.0.0/16")
    assert not networks.overlaps("0.0.0.0/0", "::/0")
    assert networks.overlaps("::/0", "fd00::/8")
    assert cel("addresses('10.0.0.0/24')", {}) == 256
    assert not networks.is_network("10.0.0.1")


def test_names_keep_their_letters_within_a_sentence():
    nouns = {name: blueprint.noun for name, blueprint in shipped().items()}
    assert (nouns["postgres"], nouns["web-service"]) == ("PostgreSQL database", "web service")
    assert (nouns["dns-name"], nouns["ip-range"]) == ("DNS name", "IP range")

"""Judging many policies at once says what judging them one by one says."""

import pytest

from services.manifests.guardrails import FOLDER, Guardrails, shipped
from services.manifests.guardrails.evaluation import Case, Surroundings, problems
from services.manifests.guardrails.policy import read
from services.manifests.guardrails.sieve import NOTHING, USUAL
from services.manifests.reader import Document, load_all

EXAMPLES = sorted(each.name for each in (FOLDER / "examples").iterdir())
SETTINGS = {
    "registries": ["registry.larkfield.shop"],
    "smallest_node_memory": "30Gi",
    "cpu_limits": "required",
}


def one_by_one(rails, obj):
    around = Surroundings(SETTINGS, {}, rails.policies)
    case = Case.of(obj, around, NOTHING)
    named = rails.concerning(obj, "production").policies
    return [problem for policy in named for problem in problems(policy, case)]


def at_once(rails, obj):
    policies = Guardrails(rails.policies)
    return [problem for _, problem in policies.broken([obj], "production", SETTINGS)]


@pytest.mark.parametrize("which", ["good", "bad"])
def test_at_once_and_one_by_one_say_the_same(which):
    for name in EXAMPLES:
        for document in load_all((FOLDER / "examples" / name / f"{which}.yaml").read_bytes()):
            assert at_once(shipped(), document.data) == one_by_one(shipped(), document.data)


def passed(rails, obj):
    return Case.of(
        obj, Surroundings(SETTINGS, {}, rails.policies), rails.concerning(obj, "production")
    ).passed


def test_what_passes_is_not_looked_at_again():
    for name, expected in (("good", True), ("bad", False)):
        (document,) = load_all((FOLDER / "examples" / "image-tag" / f"{name}.yaml").read_bytes())[:1]
        assert ("image-tag" in passed(shipped(), document.data)) is expected


def policy(name, *expressions, variables=()):
    rules = [
        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
    ]
    data = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": rules},
            "variables": [{"name": key, "expression": value} for key, value in variables],
            "validations": [{"expression": each} for each in expressions],
        },
    }
    return read([Document(0, 1, data)])[0]


CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "menu"}, "data": {"a": "b"}}


def test_an_error_in_one_policy_costs_the_others_nothing_but_a_second_look():
    rails = Guardrails((policy("sound", "'a' in object.data"), policy("broken", "object.nowhere == 1")))
    assert passed(rails, CONFIG) == frozenset()
    (problem,) = at_once(rails, CONFIG)
    assert (problem.rule.id, problem.unjudged) == ("broken", True)
    assert "nowhere" in problem.message


def test_variables_reach_the_policies_that_use_them_and_a_comment_ends_nothing():
    keys = ("keys", "object.data.map(k, k) // what it holds")
    rails = Guardrails(
        (
            policy("short", "size(variables.keys) < 3 // few", variables=[keys]),
            policy("shorter", "size(variables.keys) < 1", "true", variables=[keys, ("unused", "object.no")]),
        )
    )
    assert passed(rails, CONFIG) == {"short"}
    assert [each.rule.id for each in at_once(rails, CONFIG)] == ["shorter"]


FILTERED = {
    "variables.keys.filter(k, k.startsWith('x'))": True,
    "variables.keys.filter(k, k == 'a') // those": False,
    "variables.keys.filter(k, k == ')' && [k].size() == 1)": True,
    "variables.keys.filter(k, k == 'b') + variables.keys.filter(k, k == 'a')": False,
    "variables.keys.filter(k, k == 'a').filter(k, k == 'b')": True,
}


@pytest.mark.parametrize(("offenders", "passes"), FILTERED.items())
def test_offenders_are_looked_for_without_collecting_them(offenders, passes):
    keys = [("keys", "object.data.map(k, k)"), ("offenders", offenders)]
    rails = Guardrails((policy("none", "size(variables.offenders) == 0", variables=keys),))
    assert passed(rails, CONFIG) == ({"none"} if passes else frozenset())
    assert [each.rule.id for each in at_once(rails, CONFIG)] == ([] if passes else ["none"])


def test_an_offender_that_cannot_be_judged_is_told_however_it_is_looked_for():
    keys = [("keys", "object.data.map(k, k)"), ("offenders", "variables.keys.filter(k, object.no == k)")]
    rails = Guardrails((policy("none", "size(variables.offenders) == 0", variables=keys),))
    assert [each.unjudged for each in at_once(rails, CONFIG)] == [True]


def test_many_long_policies_are_judged_in_several_batches():
    padding = " && 'padding' != ''" * 100
    rails = Guardrails(tuple(policy(f"long-{n}", f"'a' in object.data{padding}") for n in range(9)))
    assert len(passed(rails, CONFIG)) == 9
    assert len(rails.concerning(CONFIG, "production")._batches) > 1


def test_data_too_large_to_multiply_is_judged_one_by_one():
    large = {**CONFIG, "data": {f"k{n}": "v" for n in range(USUAL.largest + 1)}}
    rails = Guardrails((policy("sound", "'k1' in object.data"), policy("not", "'a' in object.data")))
    assert passed(rails, large) == frozenset()
    assert [each.rule.id for each in at_once(rails, large)] == ["not"]


def test_a_policy_that_costs_too_much_is_judged_by_itself():
    costly = policy("costly", "object.data.map(a, object.data.map(b, object)) != []")
    rails = Guardrails((policy("sound", "true"), costly))
    assert passed(rails, CONFIG) == {"sound"}
    assert at_once(rails, CONFIG) == []


def test_kinds_from_other_people_s_files_do_not_pile_up():
    rails = Guardrails((policy("sound", "true"),))
    for number in range(1_200):
        rails.concerning({"apiVersion": "v1", "kind": f"Kind{number}"}, "production")
    assert len(rails._sieves) <= 500

"""Who reaches a database or a cache: only what is declared, in one request or by a later change (row 26)."""

from dataclasses import replace
from typing import Any

import pytest
import yaml

from services.onboarding.blueprints import Choice, Context, Evaluation, evaluate, shipped

from .test_compose import PLACES, USER, composed, manifest
from .test_compose import whole as whole


def context() -> Context:
    known = [{"ref": f"component:default/{name}", "name": name} for name in ("basket", "cart")]
    services = [Choice(each["ref"], each["name"]) for each in known]
    return Context(USER, PLACES, today="2026-11-20", request="R-1001", services=services)


def matches(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """As the API server matches; an empty selector matches everything."""
    plain = all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
    within = (labels.get(each["key"]) in each["values"] for each in selector.get("matchExpressions", []))
    return plain and all(within)


def let_in(found: Evaluation, environment: str, pods: dict[str, str], who: dict[str, str]) -> bool:
    """Whether pods of the same namespace reach others: policies add up, and an empty `from` is everybody."""
    policies = [
        yaml.safe_load(text)["spec"]
        for path, text in found.files.items()
        if f"/{environment}/networkpolicy" in path
    ]
    mine = [
        each for each in policies if "Ingress" in each["policyTypes"] and matches(each["podSelector"], pods)
    ]
    peers = [rule.get("from") or [{"podSelector": {}}] for each in mine for rule in each.get("ingress", [])]
    own = [peer["podSelector"] for some in peers for peer in some if "namespaceSelector" not in peer]
    return not mine or any(matches(each, who) for each in own)


CLOSED = "slipway.dev/lets-in"
INSTANCE = "app.kubernetes.io/instance"
OTHER = {INSTANCE: "basket", "app.kubernetes.io/name": "basket"}


def pods_of(found: Evaluation, name: str) -> dict[str, str]:
    """The labels of a database's, or a cache's, pods in staging."""
    if f"apps/checkout/{name}/staging/cluster.yaml" in found.files:
        spec = manifest(found, f"{name}/staging/cluster.yaml")["spec"]
        return {**spec["inheritedMetadata"]["labels"], "cnpg.io/cluster": name}
    template = manifest(found, f"{name}/staging/statefulset.yaml")["spec"]["template"]
    return dict(template["metadata"]["labels"])


@pytest.mark.parametrize("name", ["wishlist-db", "wishlist-cache"])
def test_only_what_is_connected_gets_in_and_a_change_adds_another(whole, name) -> None:
    pods, own = pods_of(whole, name), {INSTANCE: "wishlist", "app.kubernetes.io/name": "wishlist"}
    assert (let_in(whole, "staging", pods, own), let_in(whole, "staging", pods, OTHER)) == (True, False)
    apart = composed(said={"main-db-on": False, "main-cache-on": False})
    assert not let_in(apart, "staging", pods_of(apart, name), own)
    kept = f"resource:default/{name}"
    known = {"components": [Choice(kept, name)]}
    other = composed([], context=known, said={"name": "basket", "depends_on": [kept]})
    together = replace(whole, files={**whole.files, **other.files})
    assert let_in(together, "staging", pods, OTHER)
    assert let_in(together, "staging", {INSTANCE: name}, {INSTANCE: "anything"}), (
        "what is not closed stays open"
    )


def test_the_form_of_a_database_lets_in_those_it_names() -> None:
    for blueprint in ("postgres", "cache"):
        said = {"name": "store", "owner": "checkout", "description": "Keeps what is needed."}
        for users, may in (([], False), (["component:default/basket"], True)):
            answers = {**said, "used_by": users, "environments": ["staging"]}
            found = evaluate(shipped()[blueprint], answers, context(), shipped())
            pods = pods_of(found, "store")
            assert let_in(found, "staging", pods, OTHER) is may, (blueprint, users)
            assert not let_in(found, "staging", pods, {INSTANCE: "cart"})
            assert let_in(found, "staging", pods, pods) is (blueprint == "postgres")


def test_copies_of_a_cache_speak_among_themselves_and_to_those_it_names() -> None:
    said = {
        "name": "store",
        "owner": "checkout",
        "description": "Keeps what is needed.",
        "kind": "replicated",
    }
    answers = {**said, "used_by": ["component:default/basket"], "environments": ["production"]}
    found = evaluate(shipped()["cache"], answers, context(), shipped())
    pods = manifest(found, "store/production/redisreplication.yaml")["metadata"]["labels"]
    assert (pods[CLOSED], let_in(found, "production", pods, pods)) == ("declared", True)
    assert let_in(found, "production", pods, OTHER)
    assert not let_in(found, "production", pods, {INSTANCE: "cart"})

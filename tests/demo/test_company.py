"""The demo company hangs together: what it declares, what it configures and who works there."""

from urllib.parse import urlsplit

import pytest
import yaml

from portal.demo import company, manifests
from portal.demo.management.commands import demo_manifests

UNDECLARED = {("promotions", "loyalty"), ("returns", "notifications"), ("recommendations", "orders")}


def documents() -> list[dict]:
    return [doc for text in company.descriptors().values() for doc in yaml.safe_load_all(text)]


def components() -> dict[str, dict]:
    return {doc["metadata"]["name"]: doc["spec"] for doc in documents() if doc["kind"] == "Component"}


def providers() -> dict[str, str]:
    return {api: name for name, spec in components().items() for api in spec.get("providesApis", [])}


def declared(spec: dict) -> set[str]:
    made_by = providers()
    return {made_by[api] for api in spec.get("consumesApis", [])} | {
        ref.partition(":")[2] for ref in spec.get("dependsOn", [])
    }


def configured(name: str) -> set[str]:
    known = {doc["metadata"]["name"] for doc in documents()}
    values = manifests.settings_of(name, company.PRODUCTION).get("config", {}).values()
    hosts = {(urlsplit(value).hostname or "").split(".")[0] for value in values if "://" in value}
    return hosts & known


def test_every_service_that_runs_is_described_and_the_other_way_round() -> None:
    assert components().keys() == company.workloads().keys()
    assert len(components()) == 23


@pytest.mark.parametrize("name", sorted(company.workloads()))
def test_configuration_agrees_with_what_is_declared(name: str) -> None:
    undeclared = {target for source, target in UNDECLARED if source == name}
    assert configured(name) == declared(components()[name]) | undeclared


def test_every_declared_dependency_resolves() -> None:
    known = {(doc["kind"].lower(), doc["metadata"]["name"]) for doc in documents()}
    wanted = {
        tuple(ref.split(":")) for spec in components().values() for ref in spec.get("dependsOn", [])
    } | {("api", api) for spec in components().values() for api in spec.get("consumesApis", [])}
    assert wanted <= known


def test_only_one_owner_is_nobody() -> None:
    known = {f"{doc['kind'].lower()}:default/{doc['metadata']['name']}" for doc in documents()}
    dead = {name for name, spec in components().items() if spec["owner"] not in known}
    assert dead == {"loyalty"}


def test_people_in_the_catalog_are_the_colleagues_who_sign_in() -> None:
    users = {
        doc["metadata"]["name"]: (doc["spec"]["profile"]["displayName"], doc["spec"]["memberOf"])
        for doc in documents()
        if doc["kind"] == "User"
    }
    assert users == {who.username: (who.name, [who.team or "engineering"]) for who in company.COLLEAGUES}


def test_one_object_per_file_and_every_file_in_its_place() -> None:
    tree = manifests.tree()
    assert len(tree) > 120
    for path, text in tree.items():
        apps, team, _service, place, file = path.split("/")
        doc = yaml.safe_load(text)
        assert (apps, file) == ("apps", f"{doc['kind'].lower()}.yaml")
        assert doc["metadata"]["labels"]["slipway.dev/team"] == team
        assert doc["metadata"]["namespace"] == {"staging": "shop-staging", "production": "shop"}[place]


def test_secrets_are_in_the_cluster_and_not_in_git() -> None:
    assert not any("kind: Secret" in text for text in manifests.tree().values())
    secrets = {
        (doc["metadata"]["namespace"], doc["metadata"]["name"])
        for doc in manifests.cluster_only()
        if doc["kind"] == "Secret"
    }
    assert ("shop", "checkout-db") in secrets
    assert ("shop-staging", "tax-rates-provider") not in secrets


def test_demo_manifests_writes_all_of_it(tmp_path) -> None:
    count = demo_manifests.write(tmp_path)
    written = list(tmp_path.rglob("*.yaml"))
    assert len(written) == count
    assert yaml.safe_load((tmp_path / "apps/checkout/checkout/production/deployment.yaml").read_text())
    first = next(yaml.safe_load_all((tmp_path / "_cluster/objects.yaml").read_text()))
    assert first["kind"] == "Namespace"

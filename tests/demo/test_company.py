"""The demo company hangs together: what it declares, what it configures and who works there."""

import functools
from urllib.parse import urlsplit

import pytest
import yaml

from portal.demo import company, forms, harbour, manifests
from services.manifests import emit
from services.manifests.check import check

UNDECLARED = {("promotions", "loyalty"), ("returns", "notifications"), ("recommendations", "orders")}


@functools.cache
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
    values = company.workloads()[name].get("config", {}).values()
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
    tree = {path: text for path, text in manifests.tree().items() if path.count("/") == 4}
    assert len(tree) > 200
    for path, text in tree.items():
        apps, team, _service, place, file = path.split("/")
        doc = yaml.safe_load(text)
        assert (apps, file) == ("apps", f"{doc['kind'].lower()}.yaml")
        if doc["kind"] != "Kustomization":
            assert doc["metadata"]["labels"]["slipway.dev/team"] == team
            assert doc["metadata"]["namespace"] == {"staging": "shop-staging", "production": "shop"}[place]


def test_every_form_of_today_passes_its_own_guardrails() -> None:
    for name, row in company.workloads().items():
        if "onboarded" in row:
            form = forms.today(name, judged=True)
            assert not form.blocked, (name, form.errors, form.findings)


def test_only_loyalty_breaks_guardrails_in_production() -> None:
    docs = [
        document
        for path, text in manifests.tree().items()
        if "/production/" in path and not path.endswith("kustomization.yaml")
        for document in emit.load_all(text, path)
    ]
    found = check(docs, environment="production", settings={**company.PRODUCTION.settings})
    assert {finding.object for finding in found if finding.severity == "block"} == {"Deployment/shop/loyalty"}


def test_secrets_are_in_the_cluster_and_not_in_git() -> None:
    assert not any("kind: Secret" in text for text in manifests.tree().values())
    secrets = {
        (doc["metadata"]["namespace"], doc["metadata"]["name"])
        for doc in harbour.cluster_only()
        if doc["kind"] == "Secret"
    }
    assert ("shop", "checkout-db") in secrets
    assert ("shop-staging", "tax-rates-provider") not in secrets


def test_the_cluster_starts_with_everything_that_is_in_git_and_more(tmp_path) -> None:
    count = harbour.write(tmp_path)
    written = list(tmp_path.rglob("*.yaml"))
    assert len(written) == count
    docs = [doc for path in sorted(written) for doc in yaml.safe_load_all(path.read_text())]
    objects = [yaml.safe_load(text) for path, text in manifests.tree().items() if path.count("/") == 4]
    in_git = {identity(doc) for doc in objects if doc["kind"] != "Kustomization"}
    assert in_git < {identity(doc) for doc in docs}
    assert all(harbour.AGE in doc["metadata"]["annotations"] for doc in docs)


def test_what_was_rolled_out_lately_is_loaded_before_and_after(tmp_path) -> None:
    harbour.write(tmp_path)
    docs = list(yaml.safe_load_all((tmp_path / "services/checkout-production.yaml").read_text()))
    images = [
        (
            doc["spec"]["template"]["spec"]["containers"][0]["image"].partition(":")[2],
            doc["metadata"]["annotations"][harbour.AGE],
        )
        for doc in docs
        if doc["kind"] == "Deployment"
    ]
    assert [version for version, _ in images] == ["2.40.6", "2.41.0"]
    assert images[1][1] == "61m"


def identity(doc: dict) -> tuple[str, str, str]:
    return doc["kind"], doc["metadata"].get("namespace", ""), doc["metadata"]["name"]

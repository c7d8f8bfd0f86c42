"""What one's own machine needs to know of a service, and a preview for every pull request as files."""

import json
from typing import Any

import pytest
import yaml

from services.manifests.copying import Item
from services.manifests.copying.follow import Followed, followed
from services.manifests.locally import Recipe, recipes

from .test_copying import deployment, obj, service


def by_key(datas: list[dict[str, Any]], **more: Any) -> dict[str, Recipe]:
    return {each.key: each for each in recipes(datas, namespace="shop", **more)}


def with_ports(*ports: dict[str, Any]) -> dict[str, Any]:
    made = deployment("cart")
    made["spec"]["template"]["spec"]["containers"][0] |= {
        "ports": list(ports),
        "image": "r.example:5000/cart:1@sha256:0",
    }
    return made


def test_each_tool_is_told_the_names_and_ports_of_the_manifests() -> None:
    door = service(
        "front", selector={"app": "cart"}, ports=[{"name": "web", "port": 80, "targetPort": "http"}]
    )
    pod = with_ports({"containerPort": 9090, "name": "metrics"}, {"containerPort": 8080, "name": "http"})
    found = by_key(
        [door, pod], paths=["apps/a/cart/staging/deployment.yaml", "apps/a/cart/staging/service.yaml"]
    )
    target = json.loads(found["mirrord"].text)
    assert target["target"] == {"path": "deployment/cart/container/app", "namespace": "shop"}
    assert target["feature"]["network"]["incoming"]["mode"] == "steal"
    assert (
        "telepresence intercept cart --service front --port 8080:web --env-file .env"
        in found["telepresence"].commands
    )
    skaffold = yaml.safe_load(found["skaffold"].text)
    assert skaffold["build"]["artifacts"][0]["image"] == "r.example:5000/cart"
    assert skaffold["manifests"]["rawYaml"][0] == "apps/a/cart/staging/deployment.yaml"
    assert (skaffold["portForward"][0]["resourceName"], skaffold["portForward"][0]["localPort"]) == (
        "front",
        8080,
    )


def test_in_production_traffic_is_looked_at_and_nothing_else() -> None:
    found = by_key([with_ports({"containerPort": 80})], production=True)
    assert list(found) == ["mirrord"]
    assert json.loads(found["mirrord"].text)["feature"]["network"]["incoming"]["mode"] == "mirror"


ODD: list[list[dict[str, Any]]] = [
    [], [service("cart")], [obj("CronJob", "c", {})], [obj("Deployment", "d", {"template": {"spec": {}}})],
]  # fmt: skip


@pytest.mark.parametrize("datas", ODD)
def test_where_nothing_runs_there_is_nothing_to_say(datas: list[dict[str, Any]]) -> None:
    assert recipes(datas, namespace="shop") == []


def test_low_ports_and_none_at_all_become_ones_a_person_may_open() -> None:
    assert "--port 8080:80" in " ".join(by_key([with_ports({"containerPort": 80})])["telepresence"].commands)
    assert "--port 8080:8080" in " ".join(by_key([with_ports({"name": "odd"})])["telepresence"].commands)


ABOUT = Followed(
    "cart", "github", "shop/cart", "https://git.example.com/shop/deploy.git", "previews/checkout/cart",
    "registry.example.com/cart", "preview.example.net",
)  # fmt: skip


def test_a_preview_for_every_pull_request_is_kept_apart_by_its_number() -> None:
    rules = [{"host": "cart.example.com"}, {"host": "api.example.com"}]
    ingress = obj(
        "Ingress", "cart", {"rules": rules, "tls": [{"hosts": ["cart.example.com"]}]}, "networking.k8s.io/v1"
    )
    web = deployment("cart", {"A": "http://cart.shop.svc:80", "T": "tax:80"}, replicas=3)
    items = [Item("component:default/cart", each) for each in (web, service("cart"), ingress)]
    files, copied = followed(items, ABOUT, source="shop", beside=["tax"])
    spec = yaml.safe_load(files["previews/checkout/cart/applicationset.yaml"])["spec"]
    generator = spec["generators"][0]["pullRequest"]
    assert (spec["goTemplate"], generator["requeueAfterSeconds"]) == (True, 300)
    assert generator["github"] == {"owner": "shop", "repo": "cart", "labels": ["preview"]}
    made = spec["template"]["spec"]
    assert made["project"] == "previews"  # never from the pull request
    assert "{{" not in made["source"]["repoURL"] + made["source"]["path"] + made["destination"]["server"]
    assert made["source"]["kustomize"]["images"] == ["registry.example.com/cart:{{ .head_sha }}"]
    patch = json.loads(made["source"]["kustomize"]["patches"][0]["patch"])
    assert [each.get("value", each["op"]) for each in patch] == [
        "cart-{{ .number }}.preview.example.net", "api-{{ .number }}.preview.example.net", "remove",
    ]  # fmt: skip
    assert {"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]} in made[
        "ignoreDifferences"
    ]
    names = yaml.safe_load(files["previews/checkout/cart/base/kustomization.yaml"])["resources"]
    assert sorted(f"previews/checkout/cart/base/{name}" for name in names) == sorted(
        path for path in files if "/base/" in path and not path.endswith("kustomization.yaml")
    )
    base = yaml.safe_load(files["previews/checkout/cart/base/cart-deployment-cart.yaml"])
    assert "namespace" not in base["metadata"]
    assert base["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] == "http://cart:80"
    assert [each.name for each in copied.routed] == ["tax"]


def test_gitlab_is_followed_by_its_project() -> None:
    from dataclasses import replace

    route = obj("HTTPRoute", "cart", {"hostnames": ["cart.example.com"]}, "gateway.networking.k8s.io/v1")
    files, _ = followed([Item("cart", route)], replace(ABOUT, provider="gitlab"), source="shop")
    spec = yaml.safe_load(files["previews/checkout/cart/applicationset.yaml"])["spec"]
    assert spec["generators"][0]["pullRequest"]["gitlab"]["project"] == "shop/cart"
    patch = json.loads(spec["template"]["spec"]["source"]["kustomize"]["patches"][0]["patch"])
    assert patch[0]["path"] == "/spec/hostnames/0"

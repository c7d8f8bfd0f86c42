"""A set of services somewhere else: nothing in the copy reaches what it should not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.manifests import pointers
from services.manifests.check import check
from services.manifests.copying import Copied, Item, Target, copy
from services.manifests.reader import load_each

PREVIEW = Target(
    "preview-cart",
    name="cart",
    domain="preview.example.net",
    labels={"slipway.dev/preview": "cart"},
    small=True,
)
SHOP = "shop"


def obj(kind: str, name: str, spec: Any = None, api: str = "v1", **more: Any) -> dict[str, Any]:
    found = {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": SHOP}}
    return found | ({} if spec is None else {"spec": spec}) | more


def deployment(name: str, env: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    container = {"name": "app", "image": f"registry.example.com/{name}.shop:1"}
    container["env"] = [{"name": key, "value": value} for key, value in (env or {}).items()]  # type: ignore[assignment]
    pod = {"containers": [container], **spec.pop("pod", {})}
    template = {"metadata": {"labels": {"app": name}}, "spec": pod}
    selector = {"matchLabels": {"app": name}}
    return obj("Deployment", name, {"selector": selector, "template": template, **spec}, "apps/v1")


def service(name: str, **spec: Any) -> dict[str, Any]:
    return obj("Service", name, {"selector": {"app": name}, "ports": [{"port": 80}], **spec})


def copied(*datas: dict[str, Any], target: Target = PREVIEW, **more: Any) -> Copied:
    return copy([Item("cart", data) for data in datas], target, source=SHOP, **more)


def one(found: Copied, kind: str, name: str = "") -> dict[str, Any]:
    mine = [each.data for each in found.items if each.data["kind"] == kind]
    return next(each for each in mine if not name or each["metadata"]["name"] == name)


def env_of(found: Copied, name: str) -> dict[str, str]:
    containers = one(found, "Deployment", name)["spec"]["template"]["spec"]["containers"]
    return {each["name"]: each["value"] for each in containers[0]["env"]}


ADDRESSES = [
    ("http://cart.shop.svc.cluster.local:8080/x", "http://cart.preview-cart.svc.cluster.local:8080/x"),
    ("cart.shop.svc.cluster.local.", "cart.preview-cart.svc.cluster.local."),
    ("cart.shop.svc:8080", "cart.preview-cart.svc:8080"),
    ("cart.shop:8080", "cart.preview-cart:8080"),
    ("cart-0.cart.shop.svc", "cart-0.cart.preview-cart.svc"),
    ("postgres://u@cart.shop.svc/db", "postgres://u@cart.preview-cart.svc/db"),
    ("a=cart.shop.svc,b=tax.shop.svc", "a=cart.preview-cart.svc,b=tax.shop.svc"),
    ("https://api.cart.shop/", "https://api.cart.shop/"),
    ("smart-cart.shop.svc", "smart-cart.shop.svc"),
    ("cart.shopping.svc", "cart.shopping.svc"),
    ("cart:8080", "cart:8080"),
    ("tax.shop.svc.cluster.local", "tax.shop.svc.cluster.local"),
]


@pytest.mark.parametrize(("before", "after"), ADDRESSES)
def test_addresses_of_the_set_follow_it_and_no_others(before: str, after: str) -> None:
    found = copied(service("cart"), deployment("web", {"URL": before}))
    assert env_of(found, "web") == {"URL": after}


def test_texts_of_config_maps_and_arguments_follow_but_images_do_not() -> None:
    web = deployment("web")
    web["spec"]["template"]["spec"]["containers"][0]["args"] = ["--to=cart.shop.svc:80"]
    config = obj("ConfigMap", "web", data={"app.yaml": "cart: http://cart.shop.svc/\n"})
    found = copied(service("cart"), web, config)
    container = one(found, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    assert container["args"] == ["--to=cart.preview-cart.svc:80"]
    assert container["image"] == "registry.example.com/web.shop:1"
    assert one(found, "ConfigMap")["data"] == {"app.yaml": "cart: http://cart.preview-cart.svc/\n"}


def test_the_originals_stay_as_they_were() -> None:
    given = deployment("cart", {"A": "cart.shop.svc"}, replicas=3)
    before = repr(given)
    copied(given, service("cart"))
    assert repr(given) == before


MENTIONS = [
    ("tax:9000", True), ("http://tax/vat", True), ("redis://:x@tax:6379/0", True), ("tax", True),
    ("u@tcp(tax:3306)/db", True), ("host=tax port=1", True), ("tax.shop.svc", False), ("/api/tax", False),
    ("syntax:90", False), ("tax-free", False), ("value of tax here", False),
]  # fmt: skip


@pytest.mark.parametrize(("text", "led"), MENTIONS)
def test_who_stays_is_led_back_to_by_its_name(text: str, led: bool) -> None:
    found = copied(service("cart"), deployment("cart", {"X": text}), beside=["tax", "cart"])
    assert [each.name for each in found.routed] == (["tax"] if led else [])
    if led:
        spec = {"type": "ExternalName", "externalName": "tax.shop.svc.cluster.local"}
        assert one(found, "Service", "tax")["spec"] == spec
        assert one(found, "Service", "tax")["metadata"]["namespace"] == "preview-cart"


def test_a_route_to_who_stays_is_led_back_and_what_is_there_already_is_left_alone() -> None:
    paths = [{"path": "/", "backend": {"service": {"name": "tax", "port": {"number": 80}}}}]
    ingress = obj(
        "Ingress", "web", {"rules": [{"host": "a.b", "http": {"paths": paths}}]}, "networking.k8s.io/v1"
    )
    assert [each.needed_by for each in copied(ingress, beside=["tax"]).routed] == [("cart",)]
    there = copied(ingress, beside=["tax"], there=[("Service", "tax")])
    assert [each.data["kind"] for each in there.items] == ["Ingress"]


LEFT = [
    (obj("Secret", "s"), "never copied"),
    (obj("SealedSecret", "s", {}, "bitnami.com/v1alpha1"), "sealed"),
    (obj("ClusterRole", "r", api="rbac.authorization.k8s.io/v1"), "whole cluster"),
    (obj("Namespace", "shop"), "of its own"),
    (obj("PersistentVolume", "pv", {}), "whole cluster"),
    (obj("Application", "a", {}, "argoproj.io/v1alpha1"), "elsewhere"),
    (obj("HorizontalPodAutoscaler", "a", {}, "autoscaling/v2"), "One replica"),
    (obj("PodDisruptionBudget", "a", {}, "policy/v1"), "drained"),
    (obj("PrometheusRule", "a", {}, "monitoring.coreos.com/v1"), "wakes nobody"),
    (obj("DaemonSet", "a", {}, "apps/v1"), "every node"),
    ({"apiVersion": "v1", "kind": "List"}, "no Kubernetes object"),
]


@pytest.mark.parametrize(("data", "reason"), LEFT)
def test_what_is_not_for_a_copy_is_left_with_a_reason(data: dict[str, Any], reason: str) -> None:
    found = copied(data, service("cart"))
    assert [each.data["kind"] for each in found.items] == ["Service"]
    assert reason in found.left[0].reason


def test_a_copy_for_good_keeps_its_size_and_its_alarms() -> None:
    target = Target("shop-eu", domains={"example.com": "example.eu"})
    hpa = obj("HorizontalPodAutoscaler", "cart", {"scaleTargetRef": {"kind": "Deployment", "name": "cart"}})
    route = obj(
        "HTTPRoute",
        "cart",
        {"hostnames": ["cart.example.com", "x.other.org"]},
        "gateway.networking.k8s.io/v1",
    )
    found = copied(
        deployment("cart", replicas=3), hpa, route, service("cart", type="LoadBalancer"), target=target
    )
    assert found.left == []
    assert one(found, "Deployment")["spec"]["replicas"] == 3
    assert one(found, "Service")["spec"]["type"] == "LoadBalancer"
    assert one(found, "HTTPRoute")["spec"]["hostnames"] == ["cart.example.eu", "x.other.org"]


def test_secrets_that_nothing_makes_are_named_as_missing() -> None:
    pod = {
        "volumes": [
            {"name": "a", "secret": {"secretName": "made"}}, {"name": "b", "secret": {"secretName": "lost"}},
            {"name": "c", "configMap": {"name": "cart"}}, {"name": "d", "configMap": {"name": "gone"}},
            {"name": "e", "secret": {"secretName": "maybe", "optional": True}},
        ],
        "serviceAccountName": "default",
    }  # fmt: skip
    external = obj("ExternalSecret", "x", {"target": {"name": "made"}, "secretStoreRef": {"name": "vault"}})
    whole = obj("ExternalSecret", "y", {"secretStoreRef": {"name": "v", "kind": "ClusterSecretStore"}})
    found = copied(deployment("cart", pod=pod), obj("ConfigMap", "cart"), external, whole)
    assert [(each.kind, each.name) for each in found.missing] == [
        ("ConfigMap", "gone"), ("Secret", "lost"), ("SecretStore", "vault"),
    ]  # fmt: skip
    assert one(found, "ExternalSecret")["spec"]["secretStoreRef"] == {"name": "vault"}


def test_hosts_become_those_of_the_preview_everywhere() -> None:
    rules = [{"host": "cart.example.com"}, {"host": "*.cart.example.com"}, {"host": "cart.example.org"}]
    tls = [{"hosts": ["cart.example.com"], "secretName": "tls"}]
    ingress = obj("Ingress", "cart", {"rules": rules, "tls": tls}, "networking.k8s.io/v1")
    ingress["metadata"]["annotations"] = {"external-dns.alpha.kubernetes.io/hostname": "cart.example.com"}
    web = deployment("web", {"PUBLIC": "https://cart.example.com/a", "MAIL": "me@scart.example.com"})
    found = copied(ingress, web)
    hosts = [each["host"] for each in one(found, "Ingress")["spec"]["rules"]]
    assert hosts[0] == "cart-cart.preview.example.net"
    assert len(set(hosts)) == 3
    assert all(host.endswith(".preview.example.net") for host in hosts)
    assert one(found, "Ingress")["spec"]["tls"][0]["hosts"] == [hosts[0]]
    assert one(found, "Ingress")["metadata"]["annotations"].popitem()[1] == hosts[0]
    assert env_of(found, "web") == {"PUBLIC": f"https://{hosts[0]}/a", "MAIL": "me@scart.example.com"}


def test_routes_that_answered_to_every_host_get_one_and_keep_their_gateway() -> None:
    route = obj(
        "HTTPRoute", "cart", {"parentRefs": [{"name": "edge"}], "rules": []}, "gateway.networking.k8s.io/v1"
    )
    ingress = obj("Ingress", "old", {"rules": [{"http": {"paths": []}}]}, "networking.k8s.io/v1")
    found = copied(route, ingress)
    assert one(found, "HTTPRoute")["spec"]["hostnames"] == ["cart-cart.preview.example.net"]
    assert one(found, "HTTPRoute")["spec"]["parentRefs"] == [{"name": "edge", "namespace": "shop"}]
    assert one(found, "Ingress")["spec"]["rules"][0]["host"] == "old-cart.preview.example.net"


def test_a_host_too_long_for_a_label_is_cut_and_stays_its_own() -> None:
    routes = [obj("HTTPRoute", f"{'x' * 60}{n}", {}, "gateway.networking.k8s.io/v1") for n in range(2)]
    found = copied(*routes)
    labels = [each.data["spec"]["hostnames"][0].split(".")[0] for each in found.items]
    assert len(set(labels)) == 2
    assert all(len(label) <= 63 for label in labels)


def test_namespaces_follow_in_role_bindings_policies_and_monitors() -> None:
    subjects = [
        {"kind": "ServiceAccount", "name": "cart", "namespace": "shop"},
        {"kind": "ServiceAccount", "name": "ci", "namespace": "shop"},
        {"kind": "ServiceAccount", "name": "ci", "namespace": "build"}, {"kind": "Group", "name": "devs"},
    ]  # fmt: skip
    binding = obj("RoleBinding", "b", subjects=subjects, roleRef={"kind": "Role", "name": "r"})
    own = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "shop"}}}
    tax = {"podSelector": {"matchLabels": {"app": "tax"}}}
    policy = obj("NetworkPolicy", "p", {"ingress": [{"from": [own]}], "egress": [{"to": [tax, own]}]})
    monitor = obj("ServiceMonitor", "m", {"namespaceSelector": {"matchNames": ["shop"]}})
    account, web = obj("ServiceAccount", "cart"), deployment("web", {"T": "tax:80"})
    found = copied(binding, policy, monitor, account, web, beside=["tax"])
    there = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "preview-cart"}}}
    spaces = [each.get("namespace") for each in one(found, "RoleBinding")["subjects"]]
    assert spaces == ["preview-cart", "shop", "build", None]
    spec = one(found, "NetworkPolicy")["spec"]
    assert spec["ingress"] == [{"from": [there]}]
    assert spec["egress"] == [{"to": [tax, {**own, **tax}, there, own]}]
    assert one(found, "ServiceMonitor")["spec"]["namespaceSelector"]["matchNames"] == ["preview-cart"]


def test_a_preview_is_small_and_takes_no_address_away() -> None:
    claim = {"volumeName": "pv-1", "resources": {"requests": {"storage": "200Gi"}}}
    template = {"metadata": {"name": "d"}, "spec": {"resources": {"requests": {"storage": "20Gi"}}}}
    database = obj(
        "Cluster", "db", {"instances": 3, "storage": {"size": "9Gi"}, "backup": {}}, "postgresql.cnpg.io/v1"
    )
    door = service(
        "door", type="LoadBalancer", loadBalancerIP="1.2.3.4", clusterIP="10.0.0.1",
        ports=[{"port": 80, "nodePort": 30080}],
    )  # fmt: skip
    found = copied(
        deployment("cart", replicas=4), obj("PersistentVolumeClaim", "data", claim), database, door,
        obj("StatefulSet", "s", {"replicas": 2, "volumeClaimTemplates": [template]}, "apps/v1"),
        obj("CronJob", "nightly", {"schedule": "0 3 * * *"}, "batch/v1"),
    )  # fmt: skip
    assert "replicas" not in one(found, "Deployment")["spec"]
    assert one(found, "PersistentVolumeClaim")["spec"] == {"resources": {"requests": {"storage": "1Gi"}}}
    assert pointers.find(one(found, "StatefulSet"), pointers.parse(
        "spec.volumeClaimTemplates[0].spec.resources.requests.storage")) == "1Gi"  # fmt: skip
    assert one(found, "Cluster")["spec"] == {"instances": 1, "storage": {"size": "1Gi"}}
    assert one(found, "Service")["spec"] == {
        "type": "ClusterIP",
        "selector": {"app": "door"},
        "ports": [{"port": 80}],
    }
    assert one(found, "CronJob")["spec"]["suspend"] is True
    assert any("runs once instead of 4" in each.text for each in found.notes)


def test_beside_the_original_every_name_and_every_label_that_selects_is_told_apart() -> None:
    target = Target("shop", name="cart", suffix="-pr7")
    pod = {"serviceAccountName": "cart", "volumes": [{"name": "v", "configMap": {"name": "cart"}}]}
    web = deployment("cart", {"SELF": "http://cart:80/", "FULL": "cart.shop.svc", "TAX": "tax:1"}, pod=pod)
    scale = obj("Role", "cart"), obj("RoleBinding", "cart", roleRef={"kind": "Role", "name": "cart"},
        subjects=[{"kind": "ServiceAccount", "name": "cart"}])  # fmt: skip
    found = copied(
        web, service("cart"), obj("ConfigMap", "cart"), obj("ServiceAccount", "cart"), *scale,
        target=target, beside=["tax"],
    )  # fmt: skip
    assert {each.data["metadata"]["name"] for each in found.items} == {"cart-pr7"}
    spec = one(found, "Deployment")["spec"]
    assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"] == {"app": "cart-pr7"}
    assert one(found, "Service")["spec"]["selector"] == {"app": "cart-pr7"}
    assert spec["template"]["spec"]["serviceAccountName"] == "cart-pr7"
    assert spec["template"]["spec"]["volumes"][0]["configMap"]["name"] == "cart-pr7"
    assert env_of(found, "cart-pr7") == {
        "SELF": "http://cart-pr7:80/",
        "FULL": "cart-pr7.shop.svc",
        "TAX": "tax:1",
    }
    assert one(found, "RoleBinding")["roleRef"]["name"] == "cart-pr7"
    assert one(found, "RoleBinding")["subjects"][0]["name"] == "cart-pr7"


def test_without_a_namespace_the_set_names_itself_without_one() -> None:
    found = copied(
        service("cart"), deployment("web", {"URL": "http://cart.shop.svc:80"}), target=Target("", name="x")
    )
    assert env_of(found, "web") == {"URL": "http://cart:80"}
    assert all("namespace" not in each.data["metadata"] for each in found.items)


def test_what_the_cluster_wrote_is_gone_and_the_marks_are_on_objects_and_pods() -> None:
    given = deployment("cart")
    given["status"] = {"replicas": 1}
    given["metadata"] |= {
        "uid": "1",
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
    }
    made = one(copied(given), "Deployment")
    assert "status" not in made
    assert made["metadata"] == {
        "name": "cart", "namespace": "preview-cart", "annotations": {},
        "labels": {"slipway.dev/preview": "cart"},
    }  # fmt: skip
    assert made["spec"]["template"]["metadata"]["labels"]["slipway.dev/preview"] == "cart"


def _real(folder: Path) -> Iterator[Item]:
    for path in sorted(folder.rglob("*.y*ml")):
        for each in load_each(path.read_bytes(), path.name, repeated_keys=True)[0]:
            if isinstance(each.data, dict):
                yield Item(path.stem, each.data, path.name)


@pytest.mark.parametrize("system", ["online-boutique", "sock-shop"])
def test_a_real_system_is_copied_whole_and_nothing_the_schema_allowed_is_refused_after(
    shared_data: Path, system: str
) -> None:
    items = list(_real(shared_data / "2-systems" / system / "manifests"))
    found = copy(items, PREVIEW, source="sock-shop" if system == "sock-shop" else "shop")
    workloads = [each for each in items if each.data["kind"] == "Deployment"]
    assert len([each for each in found.items if each.data["kind"] == "Deployment"]) == len(workloads) > 10
    assert found.missing == []
    assert {each.data["metadata"]["namespace"] for each in found.items} == {"preview-cart"}

    def refused(some: list[Any]) -> int:
        return sum(each.rule == "schema" for each in check(some, environment="staging"))

    assert refused([each.data for each in found.items]) <= refused([each.data for each in items])


def test_where_nothing_makes_its_certificate_a_preview_shows_the_shared_one() -> None:
    spec = {"rules": [{"host": "a.example.com"}], "tls": [{"hosts": ["a.example.com"], "secretName": "tls"}]}
    ingress = obj("Ingress", "a", spec, "networking.k8s.io/v1")
    found = copied(ingress)
    assert one(found, "Ingress")["spec"]["tls"] == [{"hosts": ["a-cart.preview.example.net"]}]
    assert found.missing == []
    kept = copied(ingress, target=Target("elsewhere"))
    assert [each.name for each in kept.missing] == ["tls"]

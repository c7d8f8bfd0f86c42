"""Each difference between the simulated cluster and a real API server, as written down: no more, no less.

One that disappears fails here as one that appears does elsewhere.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contracts import differences
from tests.contracts.conftest import config_map, deployments, maps
from tests.contracts.differences import DIFFERENCES
from tests.contracts.peers import APPLY, Answer, Peer
from tests.contracts.test_kube_custom import DEFINITIONS, boat, definition
from tests.fakes.cluster import deployment, eventually

Probe = Callable[[Peer, str], str]
PROBES: dict[str, Probe] = {}


def probe(key: str) -> Callable[[Probe], Probe]:
    def keep(ask: Probe) -> Probe:
        PROBES[key] = ask
        return ask

    return keep


def _owned(peer: Peer, namespace: str, policy: str) -> tuple[Answer, int]:
    """A deletion of a config map that owns another, and what became of the other."""
    owner = peer.ask("POST", maps(namespace), config_map(namespace, "owner")).body["metadata"]
    child = config_map(namespace, "child")
    ref = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["uid"]}
    child["metadata"]["ownerReferences"] = [ref]
    peer.ask("POST", maps(namespace), child)
    answer = peer.ask("DELETE", maps(namespace, "owner"), {"propagationPolicy": policy})
    return answer, peer.ask("GET", maps(namespace, "child")).code


@probe("foreground")
def _(peer: Peer, namespace: str) -> str:
    answer, child = _owned(peer, namespace, "Foreground")
    waits = answer.body["kind"] == "ConfigMap" and child == 200
    return (
        "waits for a collector" if waits else f"gone at once, with what it owned{'' if child == 404 else '?'}"
    )


@probe("orphan")
def _(peer: Peer, namespace: str) -> str:
    answer, child = _owned(peer, namespace, "Orphan")
    if answer.body["kind"] == "ConfigMap":
        return "waits for a collector"
    return f"gone at once, what it owned {'stays' if child == 200 else 'goes'}"


@probe("namespace")
def _(peer: Peer, namespace: str) -> str:
    name = f"{namespace}-short"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    peer.ask("POST", "/api/v1/namespaces", body)
    peer.ask("DELETE", f"/api/v1/namespaces/{name}")
    if peer.name == "simulated":
        eventually(lambda: peer.ask("GET", f"/api/v1/namespaces/{name}").code == 404)
    found = peer.ask("GET", f"/api/v1/namespaces/{name}")
    return "goes when it is empty" if found.code == 404 else f"stays {found.body['status']['phase']}"


@probe("rollout")
def _(peer: Peer, namespace: str) -> str:
    peer.ask("POST", deployments(namespace), deployment("web", namespace))

    def pods() -> list[Any]:
        return peer.ask("GET", f"/api/v1/namespaces/{namespace}/pods").body["items"]

    if peer.name == "simulated":
        eventually(pods)
    return "gets pods" if pods() else "gets none"


@probe("service")
def _(peer: Peer, namespace: str) -> str:
    spec = {"selector": {"a": "b"}, "ports": [{"port": 80}]}
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}
    made = peer.ask("POST", f"/api/v1/namespaces/{namespace}/services", body).body
    return "has an address" if made["spec"].get("clusterIP") else "has no address"


def _pod(peer: Peer, namespace: str) -> Answer:
    spec = {"containers": [{"name": "app", "image": "registry.larkfield.shop/missing:1"}]}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    return peer.ask("POST", f"/api/v1/namespaces/{namespace}/pods", body)


@probe("log")
def _(peer: Peer, namespace: str) -> str:
    _pod(peer, namespace)
    answer = peer.ask("GET", f"/api/v1/namespaces/{namespace}/pods/p/log", container="app")
    return "204, empty" if answer.code == 204 else f"{answer.code}, {_words(answer, 'waiting to start')}"


def _words(answer: Answer, expected: str) -> str:
    return expected if expected in answer.body["message"] else str(answer.body["message"])


@probe("strict")
def _(peer: Peer, namespace: str) -> str:
    body = deployment("web", namespace)
    body["spec"]["replica"] = 2
    answer = peer.ask("POST", deployments(namespace), body, fieldValidation="Strict")
    if answer.code == 201:
        return "201, dropped" if "replica" not in answer.body["spec"] else "201, kept"
    return f"{answer.code}, {_words(answer, 'unknown field')}"


def _served(peer: Peer, version: str, plural: str) -> str:
    answer = peer.ask("GET", f"/apis/{version}")
    known = answer.code == 200 and plural in {r["name"] for r in answer.body["resources"]}
    return "served" if known else "unknown"


@probe("cronjob")
def _(peer: Peer, namespace: str) -> str:
    return _served(peer, "batch/v1", "cronjobs")


@probe("budget")
def _(peer: Peer, namespace: str) -> str:
    return _served(peer, "policy/v1", "poddisruptionbudgets")


@probe("autoscaler")
def _(peer: Peer, namespace: str) -> str:
    return _served(peer, "autoscaling/v2", "horizontalpodautoscalers")


@probe("policy")
def _(peer: Peer, namespace: str) -> str:
    """A policy that lets nothing pass, and a binding of it to everything."""
    group = "/apis/admissionregistration.k8s.io/v1"
    version = "admissionregistration.k8s.io/v1"
    name = f"nothing-{namespace}"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps"]}
    policy = {
        "apiVersion": version, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name},
        "spec": {"matchConstraints": {"resourceRules": [rule]}, "validations": [{"expression": "false"}]},
    }  # fmt: skip
    made = peer.ask("POST", f"{group}/validatingadmissionpolicies", policy)
    if made.code == 404:
        return "unknown"
    binding = {
        "apiVersion": version, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny"]},
    }  # fmt: skip
    peer.ask("POST", f"{group}/validatingadmissionpolicybindings", binding)
    passed = peer.ask("POST", maps(namespace), config_map(namespace, "a")).code == 201
    return f"kept, {'not enforced' if passed else 'enforced'}"


@probe("yaml")
def _(peer: Peer, namespace: str) -> str:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: written\n"
    return str(peer.ask("POST", maps(namespace), text, "application/yaml").code)


@probe("applied-yaml")
def _(peer: Peer, namespace: str) -> str:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: written\n"
    return str(peer.ask("PATCH", maps(namespace, "written"), text, APPLY, fieldManager="one").code)


@probe("null")
def _(peer: Peer, namespace: str) -> str:
    answer = peer.ask("POST", maps(namespace), "null")
    return "422, no name" if answer.causes == [("metadata.name", "FieldValueRequired")] else (
        f"{answer.code}, {_words(answer, 'not an object')}"
    )  # fmt: skip


@probe("kind")
def _(peer: Peer, namespace: str) -> str:
    body = config_map(namespace, "x") | {"kind": "Secret"}
    return str(peer.ask("PATCH", maps(namespace, "x"), body, APPLY, fieldManager="one").code)


@probe("group")
def _(peer: Peer, namespace: str) -> str:
    answer = peer.ask("GET", "/apis/flying.example/v1/carpets")
    return f"{answer.code} as {'text' if isinstance(answer.body, str) else 'a Status'}"


@probe("table")
def _(peer: Peer, namespace: str) -> str:
    accept = "application/json;as=Table;g=meta.k8s.io;v=v1"
    headers = {"Authorization": f"Bearer {peer.admin}", "Accept": accept}
    kind = peer.http.get(maps(namespace), headers=headers).json()["kind"]
    return "a table" if kind == "Table" else "a list"


@probe("openapi")
def _(peer: Peer, namespace: str) -> str:
    headers = {"Authorization": f"Bearer {peer.admin}"}
    with peer.http.stream("GET", "/openapi/v2", headers=headers) as answer:
        return str(answer.status_code)


@probe("version")
def _(peer: Peer, namespace: str) -> str:
    return str(peer.ask("GET", maps(namespace), watch="1", resourceVersion="abc").code)


@probe("keyed")
def _(peer: Peer, namespace: str) -> str:
    group = f"{namespace}.dev"
    body = json.loads(json.dumps(definition(group)))
    crew = body["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"][
        "crew"
    ]
    crew |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
    crew["items"]["required"] = ["name"]
    assert peer.ask("POST", DEFINITIONS, body).code == 201
    address = f"/apis/{group}/v1/namespaces/{namespace}/boats"

    def applied(manager: str, name: str) -> Answer:
        spec = boat(address, crew=[{"name": name}])
        return peer.ask("PATCH", f"{address}/a", spec, APPLY, fieldManager=manager, force="true")

    eventually(lambda: applied("one", "Ada").code in (200, 201))
    eventually(lambda: peer.ask("GET", f"{address}/a").code == 200)
    crew = applied("two", "Bob").body["spec"]["crew"]
    peer.ask("DELETE", f"{DEFINITIONS}/boats.{group}")
    return "merged by key" if len(crew) == 2 else "replaced as a whole"


@probe("quantity")
def _(peer: Peer, namespace: str) -> str:
    body = deployment("web", namespace, limit="lots")
    return str(peer.ask("POST", deployments(namespace), body).code)


@probe("limits")
def _(peer: Peer, namespace: str) -> str:
    limits = [{"type": "Container", "default": {"memory": "64Mi"}}]
    body = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "l"}, "spec": {"limits": limits}}
    assert peer.ask("POST", f"/api/v1/namespaces/{namespace}/limitranges", body).code == 201

    def filled() -> bool:
        made = _pod(peer, namespace).body
        peer.ask("DELETE", f"/api/v1/namespaces/{namespace}/pods/p", {"gracePeriodSeconds": 0})
        return made["kind"] == "Pod" and bool(made["spec"]["containers"][0].get("resources"))

    if peer.name == "real":
        eventually(filled)
    return "fills in defaults" if filled() else "kept, not applied"


@pytest.mark.parametrize("key", DIFFERENCES)
def test_the_difference_is_as_written_down(peer: Peer, namespace: str, key: str) -> None:
    written = DIFFERENCES[key]
    assert PROBES[key](peer, namespace) == (written.simulated if peer.name == "simulated" else written.real)


def test_each_difference_is_one_and_can_be_read() -> None:
    assert set(PROBES) == set(DIFFERENCES)
    assert all(each.simulated != each.real for each in DIFFERENCES.values())
    text = (Path(__file__).resolve().parents[2] / "docs" / "clusters.md").read_text()
    rows = [f"| {d.what} | {d.simulated} | {d.real} | {d.why} |" for d in DIFFERENCES.values()]
    assert [row for row in rows if row not in text] == []
    assert [line for line in differences.NOT_COMPARED if line not in " ".join(text.split())] == []
    assert text.count("\n| ") == len(rows) + 1

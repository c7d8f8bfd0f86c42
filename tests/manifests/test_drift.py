"""Git against live: what differs, what only looks so, and who it was."""

import json
from copy import deepcopy
from typing import Any

import pytest

from portal.demo.cluster import managers, patches
from portal.demo.cluster.defaults import with_defaults
from portal.demo.cluster.kinds import BY_KIND
from services.manifests import pointers
from services.manifests.drift import back, drift
from services.manifests.merging import MISSING

KIND = BY_KIND["apps/v1", "Deployment"]
GIT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}, "annotations": {}},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "containers": [
                    {
                        "name": "app",
                        "image": "shop/web:1",
                        "args": ["--fast"],
                        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                        "ports": [{"containerPort": 8080}],
                        "resources": {"requests": {"cpu": 0.5, "memory": "1Gi"}},
                    }
                ]
            },
        },
    },
}


def deployed() -> dict[str, Any]:
    """As it is after an apply, with all that the server adds."""
    base = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}}
    live = managers.apply(base, deepcopy(GIT), "slipway", keyed=True, force=False, now="2026-01-01T00:00:00Z")
    return with_defaults(KIND, live)


def written(change: dict[str, Any], by: str = "kubectl-edit", how: Any = patches.strategic) -> dict[str, Any]:
    live = deployed()
    new = how(deepcopy(live), change)
    return managers.update(live, new, by, keyed=True, now="2026-02-02T00:00:00Z")


def container(**fields: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"name": "app"} | fields]}}}}


def shown(live: dict[str, Any], **about: Any) -> list[tuple[str, str, str]]:
    def said(value: Any) -> str:
        return "-" if value is MISSING else json.dumps(value)

    return [(pointers.text(each.path), said(each.git), said(each.live)) for each in drift(GIT, live, **about)]


APP = "spec.template.spec.containers[0]"
RESTARTED = {"kubectl.kubernetes.io/restartedAt": "x"}
SIDECAR = {"name": "debug", "image": "busybox"}
CASES: dict[str, tuple[dict[str, Any], list[tuple[str, str, str]]]] = {
    "replicas": ({"spec": {"replicas": 5}}, [("spec.replicas", "2", "5")]),
    "image": (container(image="shop/web:2"), [(f"{APP}.image", '"shop/web:1"', '"shop/web:2"')]),
    "variable changed": (
        container(env=[{"name": "B", "value": "3"}]),
        [(f"{APP}.env[1].value", '"2"', '"3"')],
    ),
    "variable added": (
        container(env=[{"name": "C", "value": "3"}]),
        [(f"{APP}.env[4]", "-", '{"name": "C", "value": "3"}')],
    ),
    "label added": ({"metadata": {"labels": {"x": "y"}}}, [("metadata.labels.x", "-", '"y"')]),
    "arguments": (container(args=["--b", "--c"]), [(f"{APP}.args", '["--fast"]', '["--b", "--c"]')]),
    "a container added": (
        {"spec": {"template": {"spec": {"containers": [SIDECAR]}}}},
        [("spec.template.spec.containers[2]", "-", '{"name": "debug", "image": "busybox"}')],
    ),
    "setting added": ({"spec": {"minReadySeconds": 9}}, [("spec.minReadySeconds", "-", "9")]),
    "memory": (
        container(resources={"requests": {"memory": "2Gi"}}),
        [(f"{APP}.resources.requests.memory", '"1Gi"', '"2Gi"')],
    ),
    "the same amount": (container(resources={"requests": {"cpu": "500m", "memory": "1024Mi"}}), []),
    "a restart": ({"spec": {"template": {"metadata": {"annotations": RESTARTED}}}}, []),
}  # fmt: skip


def test_what_the_server_adds_is_no_drift() -> None:
    assert drift(GIT, deployed()) == []
    assert "strategy" in deployed()["spec"]


@pytest.mark.parametrize("case", CASES)
def test_what_somebody_changed(case: str) -> None:
    change, wanted = CASES[case]
    live = written(change)
    assert shown(live) == wanted
    assert {(each.manager, each.since) for each in drift(GIT, live)} <= {
        ("kubectl-edit", "2026-02-02T00:00:00Z")
    }


@pytest.mark.parametrize("case", [case for case, (_, wanted) in CASES.items() if wanted])
def test_taking_it_back_leaves_none(case: str) -> None:
    live = written(CASES[case][0])
    for each in drift(GIT, live):
        if each.git is MISSING:
            live = patches.merge(live, back(each, live))
    again = managers.apply(live, deepcopy(GIT), "slipway", keyed=True, force=True, now="2026-03-03T00:00:00Z")
    assert shown(again) == []


def test_what_controllers_add_is_theirs() -> None:
    live = written({"metadata": {"annotations": {"operator.example/seen": "yes"}}}, by="some-operator")
    assert shown(live) == []
    live = written({"spec": {"replicas": 7}}, by="kube-controller-manager")
    assert shown(live, is_scaled=True) == []
    assert shown(live) == [("spec.replicas", "2", "7")]


def test_what_was_taken_away() -> None:
    live = written(container(env=[{"$patch": "delete", "name": "A"}]))
    assert shown(live) == [(f"{APP}.env[0]", '{"name": "A", "value": "1"}', "-")]


def test_nonsense_in_managed_fields_is_no_trouble() -> None:
    live = deployed()
    entry = {"manager": "kubectl", "fieldsV1": {"f:spec": {"k:{": {}, "f:gone": {}, "f:replicas": 3}}}
    live["metadata"]["managedFields"] = [None, "x", {}, entry]
    assert shown(live) == []
    live["metadata"]["managedFields"] = "x"
    assert shown(live) == []

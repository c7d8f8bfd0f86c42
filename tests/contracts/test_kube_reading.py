"""Lists in pages, selections, watches, discovery, logs and events."""

import json
import time
from typing import Any

import pytest

from services.integrations.kube import errors
from services.integrations.kube.client import KubeClient
from services.integrations.kube.objects import Ref
from tests.contracts.conftest import config_map, maps
from tests.contracts.peers import MERGE, Answer, Peer

CORE = "/api/v1/namespaces"


@pytest.fixture(scope="module")
def six(peer: Peer, kube: KubeClient, place: str) -> str:
    """A namespace with part-0 to part-4, labelled by their numbers, and one without a label."""
    for number in range(5):
        labels = {"n": str(number), "half": "even" if number % 2 == 0 else "odd"}
        kube.create(config_map(place, f"part-{number}", labels))
    kube.create(config_map(place, "plain"))
    return place


def names(answer: Answer) -> list[str]:
    """The last letter of each name; `n` is `plain`. Kubernetes' own root certificates are left out."""
    found = [item["metadata"]["name"] for item in answer.body["items"]]
    return [name[-1] for name in found if name.startswith(("part-", "plain"))]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("n=1", "1"), ("n==1", "1"), ("n!=1", "0234n"), ("n in (1,2)", "12"), ("n notin (1, 2)", "034n"),
        ("n", "01234"), ("!n", "n"), ("n=1,n=2", ""), ("half=even,n!=2", "04"), ("n>2", "34"), ("n<2", "01"),
        ("n in ()", ""), ("half in (odd),!none", "13"), ("", "01234n"),
    ],
)  # fmt: skip
def test_labels_select(peer: Peer, six: str, selector: str, expected: str) -> None:
    assert "".join(names(peer.ask("GET", maps(six), labelSelector=selector))) == expected


@pytest.mark.parametrize(
    ("selector", "expected"),
    [("metadata.name=part-1", "1"), ("metadata.name!=part-1", "0234n"), ("metadata.name==part-1", "1")],
)
def test_fields_select(peer: Peer, six: str, selector: str, expected: str) -> None:
    assert "".join(names(peer.ask("GET", maps(six), fieldSelector=selector))) == expected


@pytest.mark.parametrize(
    "params",
    [
        {"labelSelector": "n lt"}, {"labelSelector": "=x"}, {"labelSelector": "n in 1"},
        {"labelSelector": "a b"},
        {"fieldSelector": "data.x=1"}, {"fieldSelector": "nope"}, {"fieldSelector": "metadata.labels=1"},
        {"limit": "x"}, {"continue": "garbage"}, {"watch": "1", "timeoutSeconds": "x"},
        {"watch": "1", "labelSelector": "a b"}, {"watch": "1", "fieldSelector": "data.x=1"},
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_read_is_refused(peer: Peer, six: str, params: dict[str, str]) -> None:
    assert peer.ask("GET", maps(six), **params).told == (400, "BadRequest")


def test_pages_are_of_one_moment_and_say_how_much_is_left(peer: Peer, six: str) -> None:
    first = peer.ask("GET", maps(six), limit="2")
    metadata = first.body["metadata"]
    assert len(first.body["items"]) == 2
    assert metadata["remainingItemCount"] >= 4
    rest = peer.ask("GET", maps(six), limit="500", **{"continue": metadata["continue"]})
    assert rest.body["metadata"]["resourceVersion"] == metadata["resourceVersion"]
    assert "continue" not in rest.body["metadata"]
    assert "".join(names(first) + names(rest)) == "01234n"


def test_items_of_a_list_do_not_say_what_they_are(peer: Peer, six: str) -> None:
    """The client adds it."""
    listed = peer.ask("GET", maps(six), limit="1").body
    assert listed["kind"] == "ConfigMapList"
    with peer.client() as kube:
        (item, *_) = kube.list("v1", "ConfigMap", six).items
    assert (item["apiVersion"], item["kind"]) == ("v1", "ConfigMap")


# Watching


def events(peer: Peer, path: str, most: int = 99, **params: str) -> list[tuple[str, str]]:
    """Type and name of what a watch of a second tells, or of the first few events of it."""
    told = []
    headers = {"Authorization": f"Bearer {peer.admin}"}
    asked = {"watch": "1", "timeoutSeconds": "1", **params}
    with peer.http.stream("GET", path, params=asked, headers=headers) as answer:
        for line in answer.iter_lines():
            event = json.loads(line)
            told.append((event["type"], event["object"].get("metadata", {}).get("name", "")))
            if len(told) == most:
                break
    return [event for event in told if not event[1].startswith("kube-root")]


def test_a_watch_of_a_selection_tells_who_enters_and_leaves(peer: Peer, namespace: str) -> None:
    start = peer.ask("GET", maps(namespace)).body["metadata"]["resourceVersion"]
    peer.ask("POST", maps(namespace), config_map(namespace, "a", {"in": "yes"}))
    for change in ({"in": "no"}, {"other": "label"}, {"in": "yes"}, {"still": "in"}):
        peer.ask("PATCH", maps(namespace, "a"), {"metadata": {"labels": change}}, MERGE)
    peer.ask("DELETE", maps(namespace, "a"))
    told = events(peer, maps(namespace), 5, resourceVersion=start, labelSelector="in=yes")
    assert [type_ for type_, _ in told] == ["ADDED", "DELETED", "ADDED", "MODIFIED", "DELETED"]


def test_a_watch_from_nowhere_begins_with_what_there_is_and_ends_in_silence(peer: Peer, six: str) -> None:
    start = time.monotonic()
    told = events(peer, maps(six), fieldSelector="metadata.name=part-3")
    assert told == [("ADDED", "part-3")]
    assert 0.8 < time.monotonic() - start < 10


def test_a_watch_sees_what_happens_while_it_lasts(peer: Peer, namespace: str) -> None:
    with peer.client() as kube, peer.client() as other:
        start = kube.list("v1", "ConfigMap", namespace).resource_version
        other.create(config_map(namespace, "first"))
        seen: list[str] = []
        for event in kube.watch("v1", "ConfigMap", namespace, start, timeout_seconds=5):
            if event.type != "ADDED" or event.object["metadata"]["name"].startswith("kube-root"):
                continue
            seen.append(event.object["metadata"]["name"])
            if len(seen) == 3:
                break
            other.create(config_map(namespace, f"after-{seen[-1]}"))
    assert seen == ["first", "after-first", "after-after-first"]


# Where things are


def test_versions_and_groups_are_told(peer: Peer) -> None:
    assert peer.ask("GET", "/api").body["versions"] == ["v1"]
    groups = {group["name"]: group for group in peer.ask("GET", "/apis").body["groups"]}
    assert groups["apps"]["preferredVersion"] == {"groupVersion": "apps/v1", "version": "v1"}
    assert peer.ask("GET", "/apis/apps").body["kind"] == "APIGroup"
    assert peer.ask("GET", "/version").body["gitVersion"].startswith("v1.")


SERVED = [
    ("/api/v1", "configmaps"), ("/api/v1", "secrets"), ("/api/v1", "events"),
    ("/api/v1", "pods"), ("/api/v1", "pods/log"), ("/api/v1", "pods/status"), ("/api/v1", "serviceaccounts"),
    ("/api/v1", "persistentvolumeclaims"), ("/api/v1", "resourcequotas"), ("/api/v1", "limitranges"),
    ("/apis/apps/v1", "deployments"), ("/apis/apps/v1", "deployments/scale"),
    ("/apis/apps/v1", "deployments/status"), ("/apis/apps/v1", "replicasets"),
    ("/apis/apps/v1", "statefulsets"),
    ("/apis/apps/v1", "daemonsets"), ("/apis/batch/v1", "jobs"), ("/apis/batch/v1", "jobs/status"),
    ("/apis/networking.k8s.io/v1", "ingresses"), ("/apis/networking.k8s.io/v1", "networkpolicies"),
    ("/apis/rbac.authorization.k8s.io/v1", "roles"), ("/apis/rbac.authorization.k8s.io/v1", "clusterroles"),
    ("/apis/storage.k8s.io/v1", "storageclasses"), ("/api/v1", "namespaces/status"),
    ("/apis/apiextensions.k8s.io/v1", "customresourcedefinitions"),
]  # fmt: skip


@pytest.fixture(scope="module")
def served(peer: Peer) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (version, entry["name"]): entry
        for version in {version for version, _ in SERVED}
        for entry in peer.ask("GET", version).body["resources"]
    }


# What both say of each is written once: the kind, whether it lives in a namespace, the verbs.
WHOLE = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
CLUSTER = {"clusterroles", "storageclasses", "namespaces/status", "customresourcedefinitions"}
PARTS = {"log": ["get"], "status": ["get", "patch", "update"], "scale": ["get", "patch", "update"]}


@pytest.mark.parametrize(("version", "name"), SERVED, ids=[name for _, name in SERVED])
def test_each_kind_is_served_alike(served: dict[tuple[str, str], Any], version: str, name: str) -> None:
    entry = served[version, name]
    assert entry["namespaced"] is (name not in CLUSTER)
    assert sorted(entry["verbs"]) == PARTS.get(name.partition("/")[2], WHOLE)
    assert (entry["kind"] == "Scale") is name.endswith("/scale")


# Logs and events


@pytest.fixture(scope="module")
def pod(peer: Peer, place: str) -> str:
    """The address of a pod whose container is not running."""
    spec = {"containers": [{"name": "app", "image": "registry.larkfield.shop/missing:1"}]}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    assert peer.ask("POST", f"{CORE}/{place}/pods", body).code == 201
    return f"{CORE}/{place}/pods/p"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"container": "none"}, 400),
        ({"container": "app", "tailLines": "x"}, 400),
        ({"container": "app", "tailLines": "-1"}, 422),
    ],
)
def test_a_log_that_cannot_be_read_is_refused(
    peer: Peer, pod: str, params: dict[str, str], code: int
) -> None:
    assert peer.ask("GET", f"{pod}/log", **params).code == code


def test_the_client_tells_which_container_is_none(kube: KubeClient, pod: str, place: str) -> None:
    with pytest.raises(errors.BadRequest, match="container none is not valid for pod p"):
        kube.logs(place, "p", "none")
    with pytest.raises(errors.NotFound):
        kube.logs(place, "nobody", "app")


@pytest.mark.parametrize(
    ("selector", "code"),
    [
        ("status.phase=Failed", 200), ("spec.nodeName=somewhere", 200), ("spec.restartPolicy=Always", 200),
        ("status.podIP=1", 200), ("spec.containers=1", 400), ("spec.serviceAccountName=x", 200),
    ],
)  # fmt: skip
def test_pods_are_selected_by_some_fields(peer: Peer, pod: str, place: str, selector: str, code: int) -> None:
    assert peer.ask("GET", f"{CORE}/{place}/pods", fieldSelector=selector).code == code


@pytest.fixture(scope="module")
def happened(peer: Peer, place: str) -> str:
    """The address of events, one of them about a config map."""
    about = {"kind": "ConfigMap", "name": "part-1", "namespace": place}
    body = {
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": "e1"}, "involvedObject": about,
        "reason": "Because", "type": "Warning", "message": "m",
    }  # fmt: skip
    assert peer.ask("POST", f"{CORE}/{place}/events", body).code == 201
    return f"{CORE}/{place}/events"


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("involvedObject.name=part-1", True), ("involvedObject.name=part-1,type=Warning", True),
        ("involvedObject.kind=ConfigMap,reason=Because", True), ("involvedObject.name=part-2", False),
        ("involvedObject.kind=ConfigMap,type!=Warning", False), ("message=m", None),
    ],
)  # fmt: skip
def test_events_are_selected_by_what_they_are_about(
    peer: Peer, happened: str, selector: str, found: bool | None
) -> None:
    answer = peer.ask("GET", happened, fieldSelector=selector)
    if found is None:
        assert answer.told == (400, "BadRequest")
    else:
        assert [item["metadata"]["name"] for item in answer.body["items"]] == (["e1"] if found else [])


def test_an_event_lives_where_its_object_does(peer: Peer, happened: str) -> None:
    body = {
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": "e2"}, "reason": "Because",
        "involvedObject": {"kind": "Pod", "name": "p", "namespace": "elsewhere"},
    }  # fmt: skip
    assert peer.ask("POST", happened, body).causes == [("involvedObject.namespace", "FieldValueInvalid")]


# Last, for it makes the past unreadable


def test_a_list_that_began_too_long_ago_cannot_be_continued(peer: Peer, namespace: str) -> None:
    assert peer.forget, "the etcd of this API server is not known"
    with peer.client() as kube:
        for number in range(3):
            kube.create(config_map(namespace, f"m{number}"))
        page = peer.ask("GET", maps(namespace), limit="1").body["metadata"]
        kube.patch(Ref("v1", "ConfigMap", "m2", namespace), {"data": {"a": "1"}})
        peer.forget()
        late = peer.ask("GET", maps(namespace), limit="1", **{"continue": page["continue"]})
        assert late.told == (410, "Expired")
        assert len(kube.list("v1", "ConfigMap", namespace, limit=1).items) >= 3

"""Verbs and subresources that the product's client does not use itself, but people's tools do."""

import uuid
from typing import Any

import pytest

from tests.contracts.conftest import config_map, deployments, maps
from tests.contracts.peers import APPLY, JSON_PATCH, MERGE, STRATEGIC, Peer
from tests.fakes.cluster import deployment

OPTIONS = {"apiVersion": "v1", "kind": "DeleteOptions"}


@pytest.fixture
def web(peer: Peer, namespace: str) -> str:
    """The address of a Deployment."""
    assert peer.ask("POST", deployments(namespace), deployment("web", namespace)).code == 201
    return deployments(namespace, "web")


@pytest.fixture
def settings_map(peer: Peer, namespace: str) -> str:
    """The address of a config map that holds `colour: red`."""
    assert peer.ask("POST", maps(namespace), config_map(namespace, "settings", colour="red")).code == 201
    return maps(namespace, "settings")


def test_replace_is_for_the_version_that_was_read(peer: Peer, settings_map: str) -> None:
    read = peer.ask("GET", settings_map).body
    assert peer.ask("PUT", settings_map, read | {"data": {"a": "1"}}).body["data"] == {"a": "1"}
    assert peer.ask("PUT", settings_map, read | {"data": {"b": "2"}}).told == (409, "Conflict")


def test_replace_of_an_absent_object_is_refused(peer: Peer, place: str) -> None:
    assert peer.ask("PUT", maps(place, "none"), config_map(place, "none")).told == (404, "NotFound")


def test_replace_of_another_object_of_that_name_is_refused(
    peer: Peer, settings_map: str, namespace: str
) -> None:
    other = config_map(namespace, "settings")
    other["metadata"]["uid"] = "another"
    assert peer.ask("PUT", settings_map, other).told == (409, "Conflict")


@pytest.mark.parametrize(("kind", "extra"), [(MERGE, {}), (APPLY, {"fieldManager": "one"})])
def test_a_patch_can_be_for_one_version_too(
    peer: Peer, settings_map: str, namespace: str, kind: str, extra: dict[str, str]
) -> None:
    old = peer.ask("GET", settings_map).body["metadata"]["resourceVersion"]
    peer.ask("PATCH", settings_map, {"data": {"size": "large"}}, MERGE)
    late = config_map(namespace, "settings", size="small")
    late["metadata"]["resourceVersion"] = old
    assert peer.ask("PATCH", settings_map, late, kind, **extra).told == (409, "Conflict")


@pytest.mark.parametrize(
    ("patch", "data"),
    [
        ([{"op": "add", "path": "/data/size", "value": "large"}], {"colour": "red", "size": "large"}),
        ([{"op": "replace", "path": "/data/colour", "value": "blue"}], {"colour": "blue"}),
        ([{"op": "remove", "path": "/data/colour"}], None),
        ([{"op": "copy", "from": "/data/colour", "path": "/data/a~1b"}], "Invalid"),
        ([{"op": "move", "from": "/data/colour", "path": "/data/hue"}], {"hue": "red"}),
        ([{"op": "test", "path": "/data/colour", "value": "blue"}], "Invalid"),
        ([{"op": "remove", "path": "/data/none"}], "Invalid"),
        ([{"op": "fly", "path": "/data"}], "Invalid"),
        ({"op": "add"}, "BadRequest"),
    ],
)
def test_json_patch_does_all_of_it_or_nothing(peer: Peer, settings_map: str, patch: Any, data: Any) -> None:
    answer = peer.ask("PATCH", settings_map, patch, JSON_PATCH)
    if isinstance(data, str):
        assert answer.told == ({"Invalid": 422, "BadRequest": 400}[data], data)
        data = {"colour": "red"}
    assert peer.ask("GET", settings_map).body.get("data") == data


def test_strategic_merge_knows_containers_by_name(peer: Peer, web: str) -> None:
    def containers(change: dict[str, Any]) -> list[str]:
        patch = {"spec": {"template": {"spec": {"containers": [change]}}}}
        found = peer.ask("PATCH", web, patch, STRATEGIC).body["spec"]["template"]["spec"]["containers"]
        return sorted(f"{c['name']} {c['image'].rpartition('/')[2]}" for c in found)

    assert containers({"name": "proxy", "image": "proxy:1"}) == ["app web:1.4.2", "proxy proxy:1"]
    assert containers({"name": "app", "image": "web:2"}) == ["app web:2", "proxy proxy:1"]
    assert containers({"name": "proxy", "$patch": "delete"}) == ["app web:2"]


def test_a_merge_patch_replaces_a_list(peer: Peer, web: str) -> None:
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "new", "image": "new:1"}]}}}}
    found = peer.ask("PATCH", web, patch, MERGE).body["spec"]["template"]["spec"]["containers"]
    assert [c["name"] for c in found] == ["new"]


def test_scale_reads_and_writes_the_replicas(peer: Peer, web: str) -> None:
    read = peer.ask("GET", f"{web}/scale").body
    assert (read["kind"], read["spec"], read["status"]["selector"]) == (
        "Scale", {"replicas": 2}, "app.kubernetes.io/name=web"
    )  # fmt: skip
    wanted = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": read["metadata"]}
    del wanted["metadata"]["resourceVersion"]
    assert peer.ask("PUT", f"{web}/scale", wanted | {"spec": {"replicas": 5}}).body["spec"] == {"replicas": 5}
    assert peer.ask("GET", web).body["spec"]["replicas"] == 5
    assert peer.ask("PATCH", f"{web}/scale", {"spec": {"replicas": 1}}, MERGE).body["spec"] == {"replicas": 1}
    refused = peer.ask("PATCH", f"{web}/scale", {"spec": {"replicas": -1}}, MERGE)
    assert (refused.told, refused.causes) == ((422, "Invalid"), [("spec.replicas", "FieldValueInvalid")])


def test_status_is_written_at_its_own_address_and_nothing_else_there(peer: Peer, web: str) -> None:
    both = {
        "status": {"observedGeneration": 77},
        "spec": {"replicas": 99},
        "metadata": {"labels": {"a": "b"}},
    }
    found = peer.ask("PATCH", f"{web}/status", both, MERGE).body
    assert (found["status"]["observedGeneration"], found["spec"]["replicas"]) == (77, 2)
    peer.ask("PATCH", web, {"status": {"observedGeneration": 78}}, MERGE)
    assert peer.ask("GET", f"{web}/status").body["status"].get("observedGeneration") != 78


@pytest.mark.parametrize("sub", ["flying", "log", "finalize"])
def test_a_subresource_nobody_knows_is_not_found(peer: Peer, web: str, sub: str) -> None:
    assert peer.ask("GET", f"{web}/{sub}").told == (404, "NotFound")


def test_deletion_answers_with_what_is_gone(peer: Peer, settings_map: str) -> None:
    uid = peer.ask("GET", settings_map).body["metadata"]["uid"]
    gone = peer.ask("DELETE", settings_map)
    assert (gone.code, gone.body["kind"], gone.body["status"]) == (200, "Status", "Success")
    assert gone.body["details"] == {"name": "settings", "kind": "configmaps", "uid": uid} | (
        {"group": ""} if "group" in gone.body["details"] else {}
    )
    assert peer.ask("DELETE", settings_map).told == (404, "NotFound")


@pytest.mark.parametrize("wanted", [{"uid": "another"}, {"resourceVersion": "1"}])
def test_deletion_on_a_condition_that_does_not_hold_is_refused(
    peer: Peer, settings_map: str, wanted: dict[str, str]
) -> None:
    assert peer.ask("DELETE", settings_map, OPTIONS | {"preconditions": wanted}).told == (409, "Conflict")
    live = peer.ask("GET", settings_map).body["metadata"]
    right = {key: live[key] for key in wanted}
    assert peer.ask("DELETE", settings_map, OPTIONS | {"preconditions": right}).code == 200


def test_deletion_in_a_manner_nobody_knows_is_refused(peer: Peer, settings_map: str) -> None:
    refused = peer.ask("DELETE", settings_map, OPTIONS | {"propagationPolicy": "Sideways"})
    assert (refused.told, refused.causes) == (
        (422, "Invalid"), [("propagationPolicy", "FieldValueNotSupported")]
    )  # fmt: skip


def test_deletion_of_a_selection(peer: Peer, namespace: str) -> None:
    for name, half in (("a", "one"), ("b", "two"), ("c", "one")):
        peer.ask("POST", maps(namespace), config_map(namespace, name, {"half": half}))
    assert peer.ask("DELETE", maps(namespace), labelSelector="half=one").code == 200
    left = peer.ask("GET", maps(namespace), labelSelector="half").body["items"]
    assert [item["metadata"]["name"] for item in left] == ["b"]


def test_deletion_waits_for_finalizers_and_takes_no_new_ones(peer: Peer, namespace: str) -> None:
    held = config_map(namespace, "held")
    held["metadata"]["finalizers"] = ["contract.dev/hold"]
    peer.ask("POST", maps(namespace), held)
    address = maps(namespace, "held")
    first, second = peer.ask("DELETE", address), peer.ask("DELETE", address)
    assert first.body["metadata"]["deletionTimestamp"] == second.body["metadata"]["deletionTimestamp"]
    assert first.body["kind"] == "ConfigMap"
    assert peer.ask("PATCH", address, {"data": {"still": "here"}}, MERGE).code == 200
    more = {"metadata": {"finalizers": ["contract.dev/hold", "contract.dev/more"]}}
    refused = peer.ask("PATCH", address, more, MERGE)
    assert refused.told == (422, "Invalid")
    assert set(refused.causes) == {("metadata.finalizers", "FieldValueForbidden")}
    peer.ask("PATCH", address, {"metadata": {"finalizers": None}}, MERGE)
    assert peer.ask("GET", address).code == 404


def test_a_namespace_that_is_going_takes_nothing_new(peer: Peer) -> None:
    name = f"going-{uuid.uuid4().hex[:8]}"
    peer.ask(
        "POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    )
    held = config_map(name, "held")
    held["metadata"]["finalizers"] = ["contract.dev/hold"]
    peer.ask("POST", maps(name), held)
    assert peer.ask("DELETE", f"/api/v1/namespaces/{name}").body["metadata"]["deletionTimestamp"]
    for refused in (
        peer.ask("POST", maps(name), config_map(name, "new")),
        peer.ask("PATCH", maps(name, "new"), config_map(name, "new"), APPLY, fieldManager="one"),
    ):
        assert (refused.told, refused.causes) == (
            (403, "Forbidden"), [("metadata.namespace", "NamespaceTerminating")]
        )  # fmt: skip
    assert peer.ask("PATCH", maps(name, "held"), {"data": {"still": "here"}}, MERGE).code == 200
    peer.ask("PATCH", maps(name, "held"), {"metadata": {"finalizers": None}}, MERGE)


def test_a_name_is_made_up_on_request(peer: Peer, place: str) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "made-"}}
    names = {peer.ask("POST", maps(place), body).body["metadata"]["name"] for _ in range(3)}
    assert len(names) == 3
    assert all(name.startswith("made-") and len(name) == 10 for name in names)


def test_dry_runs_refuse_what_a_real_run_would(peer: Peer, settings_map: str, namespace: str) -> None:
    again = config_map(namespace, "settings")
    assert peer.ask("POST", maps(namespace), again, dryRun="All").told == (409, "AlreadyExists")
    assert peer.ask("POST", maps(namespace), again, dryRun="Some").told == (422, "Invalid")
    peer.ask("PATCH", settings_map, again | {"data": {"x": "1"}}, APPLY, fieldManager="one")
    other = again | {"data": {"x": "2"}}
    assert peer.ask("PATCH", settings_map, other, APPLY, fieldManager="two", dryRun="All").code == 409
    assert peer.ask("DELETE", settings_map, dryRun="All").code == 200
    assert peer.ask("GET", settings_map).body["data"] == {"colour": "red", "x": "1"}


def test_apply_names_every_manager_in_the_way(peer: Peer, settings_map: str, namespace: str) -> None:
    def applied(manager: str, **data: str) -> Any:
        body = config_map(namespace, "shared", **data)
        return peer.ask("PATCH", maps(namespace, "shared"), body, APPLY, fieldManager=manager)

    applied("one", a="1", b="2")
    applied("two", a="1")
    refused = applied("three", a="9", b="9")
    told = sorted((cause["field"], cause["message"]) for cause in refused.body["details"]["causes"])
    assert [(field, message.partition(" using")[0]) for field, message in told] == [
        (".data.a", 'conflict with "one"'),
        (".data.a", 'conflict with "two"'),
        (".data.b", 'conflict with "one"'),
    ]


def test_a_field_goes_with_the_last_manager_that_names_it(peer: Peer, namespace: str) -> None:
    def applied(manager: str, **data: str) -> Any:
        body = config_map(namespace, "shared", **data)
        answer = peer.ask("PATCH", maps(namespace, "shared"), body, APPLY, fieldManager=manager)
        return answer.body.get("data")

    applied("one", a="1", b="2")
    applied("two", a="1")
    assert applied("one", b="2") == {"a": "1", "b": "2"}
    assert applied("two") == {"b": "2"}


def test_text_of_a_secret_is_kept_in_base64(peer: Peer, namespace: str) -> None:
    secret = config_map(namespace, "db") | {"kind": "Secret", "data": {}, "stringData": {"password": "plain"}}
    made = peer.ask("POST", f"/api/v1/namespaces/{namespace}/secrets", secret).body
    assert (made["data"], made["type"], "stringData" in made) == ({"password": "cGxhaW4="}, "Opaque", False)

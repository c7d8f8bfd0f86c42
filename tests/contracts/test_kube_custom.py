"""Kinds that a definition adds: served once it is established, held to its schema, gone with it."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from services.integrations.kube import errors
from services.integrations.kube.client import KubeClient
from services.integrations.kube.objects import Ref
from tests.contracts.peers import APPLY, MERGE, STRATEGIC, Peer
from tests.fakes.cluster import eventually

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SPEC = {
    "type": "object",
    "required": ["length"],
    "properties": {
        "length": {"type": "integer", "minimum": 1},
        "rig": {"type": "string", "enum": ["sloop", "ketch"]},
        "name": {"type": "string", "default": "Argo"},
        "code": {"type": "string", "pattern": "^[A-Z]+$"},
        "captain": {"type": "string", "nullable": True},
        "crew": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}},
        "log": {"type": "object", "additionalProperties": {"type": "string"}},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    },
}
STATUS = {"type": "object", "properties": {"afloat": {"type": "boolean"}}}


def definition(group: str, plural: str = "boats") -> dict[str, Any]:
    kind = plural.removesuffix("s").capitalize()
    schema = {"type": "object", "properties": {"spec": SPEC, "status": STATUS}}
    version = {
        "name": "v1", "served": True, "storage": True, "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": schema},
    }  # fmt: skip
    spec = {
        "group": group,
        "scope": "Namespaced",
        "names": {"plural": plural, "singular": kind.lower(), "kind": kind},
        "versions": [version],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": spec,
    }


def established(peer: Peer, name: str) -> bool:
    status = peer.ask("GET", f"{DEFINITIONS}/{name}").body.get("status") or {}
    found = {c["type"]: c["status"] for c in status.get("conditions") or []}
    return found == {"NamesAccepted": "True", "Established": "True"}


@pytest.fixture(scope="module")
def group(peer: Peer) -> Iterator[str]:
    """A group whose boats are served."""
    group = f"g{uuid.uuid4().hex[:8]}.contract.dev"
    assert peer.ask("POST", DEFINITIONS, definition(group)).code == 201
    eventually(lambda: established(peer, f"boats.{group}"))
    eventually(lambda: peer.ask("GET", f"/apis/{group}/v1/boats").code == 200)
    yield group
    peer.ask("DELETE", f"{DEFINITIONS}/boats.{group}")


@pytest.fixture
def boats(group: str, namespace: str) -> str:
    """The address of the boats of a namespace."""
    return f"/apis/{group}/v1/namespaces/{namespace}/boats"


def boat(address: str, name: str = "a", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": f"{address.split('/')[2]}/v1",
        "kind": "Boat",
        "metadata": {"name": name},
        "spec": {"length": 9} | spec,
    }


def test_what_was_accepted_is_told_and_served(peer: Peer, group: str) -> None:
    status = peer.ask("GET", f"{DEFINITIONS}/boats.{group}").body["status"]
    assert status["acceptedNames"] == {
        "plural": "boats", "singular": "boat", "kind": "Boat", "listKind": "BoatList"
    }  # fmt: skip
    assert status["storedVersions"] == ["v1"]
    found = {entry["name"]: entry for entry in peer.ask("GET", f"/apis/{group}/v1").body["resources"]}
    assert (found["boats"]["kind"], found["boats"]["namespaced"]) == ("Boat", True)
    assert set(found) == {"boats", "boats/status"}
    assert group in {entry["name"] for entry in peer.ask("GET", "/apis").body["groups"]}


def test_the_client_learns_of_a_kind_that_came_later(
    peer: Peer, kube: KubeClient, group: str, namespace: str
) -> None:
    body = boat(f"/apis/{group}/v1")
    body["metadata"]["namespace"] = namespace
    made = kube.apply(body)
    assert kube.apply(body)["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
    assert [b["metadata"]["name"] for b in kube.list(f"{group}/v1", "Boat", namespace).items] == ["a"]
    with pytest.raises(errors.KindUnknown):
        kube.list(f"{group}/v1", "Raft")
    kube.delete(Ref(f"{group}/v1", "Boat", "a", namespace))


def test_creating_fills_in_defaults_and_drops_what_the_schema_does_not_know(peer: Peer, boats: str) -> None:
    given = boat(boats, oars=2, free={"x": {"y": 1}}, crew=[{"name": "Ada", "age": 7}], log={"a": "b"})
    assert peer.ask("POST", boats, given).body["spec"] == {
        "length": 9, "name": "Argo", "free": {"x": {"y": 1}}, "crew": [{"name": "Ada"}], "log": {"a": "b"}
    }  # fmt: skip


MALFORMED: list[tuple[str, dict[str, Any], tuple[str, str]]] = [
    ("a missing field", {"length": None}, ("spec.length", "FieldValueRequired")),
    ("a wrong type", {"length": "long"}, ("spec.length", "FieldValueInvalid")),
    ("too small", {"length": 0}, ("spec.length", "FieldValueInvalid")),
    ("another word", {"rig": "raft"}, ("spec.rig", "FieldValueNotSupported")),
    ("another pattern", {"code": "abc"}, ("spec.code", "FieldValueInvalid")),
]


@pytest.mark.parametrize(("spec", "cause"), [row[1:] for row in MALFORMED], ids=[row[0] for row in MALFORMED])
def test_what_breaks_the_schema_is_refused_by_field(
    peer: Peer, boats: str, spec: dict[str, Any], cause: tuple[str, str]
) -> None:
    body = boat(boats)
    body["spec"] = {key: value for key, value in (body["spec"] | spec).items() if value is not None}
    refused = peer.ask("POST", boats, body)
    assert (refused.told, refused.causes) == ((422, "Invalid"), [cause])


def test_null_is_for_what_may_be_null(peer: Peer, boats: str) -> None:
    assert peer.ask("POST", boats, boat(boats, captain=None)).body["spec"]["captain"] is None


def test_a_patch_is_held_to_the_schema_too(peer: Peer, boats: str) -> None:
    peer.ask("POST", boats, boat(boats))
    refused = peer.ask("PATCH", f"{boats}/a", {"spec": {"length": 0}}, MERGE)
    assert refused.causes == [("spec.length", "FieldValueInvalid")]
    assert peer.ask("PATCH", f"{boats}/a", {"spec": {"length": 5}}, STRATEGIC).code == 415


@pytest.mark.parametrize(
    ("spec", "words"),
    [({"oars": 2}, ".spec.oars: field not declared in schema"), ({"length": "x"}, ".spec.length: expected")],
)
def test_applying_what_does_not_fit_is_refused_for_good(
    peer: Peer, boats: str, namespace: str, spec: dict[str, Any], words: str
) -> None:
    body = boat(boats, **spec)
    answer = peer.ask("PATCH", f"{boats}/a", body, APPLY, fieldManager="one")
    assert (answer.code, words in answer.body["message"]) == (500, True)
    body["metadata"]["namespace"] = namespace
    with peer.client() as kube, pytest.raises(errors.Invalid) as told:
        kube.apply(body)
    assert (told.value.permanent, told.value.outcome_unknown) == (True, False)


def test_status_has_its_own_address(peer: Peer, boats: str) -> None:
    peer.ask("POST", boats, boat(boats))
    both = {"status": {"afloat": True}, "spec": {"length": 1}}
    assert "status" not in peer.ask("PATCH", f"{boats}/a", both, MERGE).body
    found = peer.ask("PATCH", f"{boats}/a/status", both | {"spec": {"length": 7}}, MERGE).body
    assert (found["status"], found["spec"]["length"]) == ({"afloat": True}, 1)
    assert peer.ask("GET", f"{boats}/a/scale").code == 404


def test_a_watch_from_before_anything_is_remembered_is_gone(peer: Peer, kube: KubeClient, group: str) -> None:
    with pytest.raises(errors.Gone):
        list(kube.watch(f"{group}/v1", "Boat", resource_version="1", timeout_seconds=1))


BROKEN: list[tuple[str, dict[str, Any], tuple[str, str]]] = [
    ("another name", {"group": "other.dev"}, ("metadata.name", "FieldValueInvalid")),
    (
        "no schema",
        {"versions": [{"name": "v1", "served": True, "storage": True}]},
        ("spec.versions[0].schema.openAPIV3Schema", "FieldValueRequired"),
    ),
]


@pytest.mark.parametrize(("changes", "cause"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_a_definition_that_lacks_something_is_refused(
    peer: Peer, group: str, changes: dict[str, Any], cause: tuple[str, str]
) -> None:
    body = definition(group, "rafts")
    body["spec"] |= changes
    refused = peer.ask("POST", DEFINITIONS, body)
    assert refused.told == (422, "Invalid")
    assert cause in refused.causes


def test_with_its_definition_a_kind_goes_and_all_its_objects(peer: Peer, namespace: str) -> None:
    group = f"g{uuid.uuid4().hex[:8]}.contract.dev"
    peer.ask("POST", DEFINITIONS, definition(group, "rafts"))
    address = f"/apis/{group}/v1/namespaces/{namespace}/rafts"
    body = boat(f"/apis/{group}/v1") | {"kind": "Raft"}
    eventually(lambda: peer.ask("POST", address, body).code == 201)
    assert peer.ask("DELETE", f"{DEFINITIONS}/rafts.{group}").code == 200
    eventually(lambda: peer.ask("GET", f"{DEFINITIONS}/rafts.{group}").code == 404)
    eventually(lambda: peer.ask("GET", address).code == 404)

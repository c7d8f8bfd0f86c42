"""What an API server refuses, in which words: one row a refusal."""

from typing import Any

import pytest

from tests.contracts.conftest import config_map, deployments, maps
from tests.contracts.peers import APPLY, JSON, MERGE, Answer, Peer
from tests.fakes.cluster import deployment

BY = {"fieldManager": "one"}


def named(name: str, **metadata: Any) -> dict[str, Any]:
    body = config_map("", name)
    body["metadata"] = {"name": name} | metadata
    return body


def workload(path: str = "", value: Any = None) -> dict[str, Any]:
    """A Deployment with one thing changed: `0` steps into a list, None takes it out."""
    body = deployment("odd", "")
    del body["metadata"]["namespace"]
    here: Any = body
    *steps, last = path.split(".") if path else [""]
    for step in steps:
        here = here[int(step)] if step.isdigit() else here[step]
    if value is None:
        here.pop(last, None)
    else:
        here[last] = value
    return body


CONTAINER = "spec.template.spec.containers.0"
BIG = "x" * 1_100_000
REASONS = {400: "BadRequest", 413: "RequestEntityTooLarge", 422: "Invalid"}

POD = "spec.template.spec"
# Name, body, code, causes as field and word.
CREATING: list[tuple[str, Any, int, str]] = [
    ("no name", {**named("x"), "metadata": {}}, 422, "metadata.name Required"),
    ("a long name", named("x" * 254), 422, "metadata.name Invalid"),
    ("a name in capitals", named("Bad_Name"), 422, "metadata.name Invalid"),
    ("a name with two dots", named("a..b"), 422, "metadata.name Invalid"),
    ("a label key", named("x", labels={"a b": "c"}), 422, "metadata.labels Invalid"),
    ("a label value", named("x", labels={"a": "c d"}), 422, "metadata.labels Invalid"),
    ("a finalizer", named("x", finalizers=["xy"]), 422, "metadata.finalizers[0] Invalid"),
    ("another namespace", named("x", namespace="other"), 400, ""),
    ("another kind", named("x") | {"kind": "Secret"}, 400, ""),
    ("no kind of this group", named("x") | {"apiVersion": "apps/v1"}, 400, ""),
    ("data that is a number", named("x") | {"data": {"a": 1}}, 400, ""),
    ("data that is a list", named("x") | {"data": []}, 400, ""),
    ("metadata that is text", named("x") | {"metadata": "x"}, 400, ""),
    ("a key of data", named("x") | {"data": {"a/b": "c"}}, 422, "data[a/b] Invalid"),
    ("more than a MiB", named("x") | {"data": {"a": BIG}}, 422, "[] TooLong"),
    ("more than three", named("x") | {"data": {"a": BIG * 3}}, 413, ""),
    ("no JSON", "{", 400, ""),
    ("a list", "[]", 400, ""),
    ("replicas in words", workload("spec.replicas", "two"), 400, ""),
    ("containers in words", workload(f"{POD}.containers", "x"), 400, ""),
    ("fewer than none", workload("spec.replicas", -1), 422, "spec.replicas Invalid"),
    ("no containers", workload(f"{POD}.containers", []), 422, f"{POD}.containers Required"),
    ("no image", workload(f"{CONTAINER}.image"), 422, f"{POD}.containers[0].image Required"),
    (
        "a port",
        workload(f"{CONTAINER}.ports", [{"containerPort": 99999}]),
        422,
        f"{POD}.containers[0].ports[0].containerPort Invalid",
    ),
    ("a restart policy", workload(f"{POD}.restartPolicy", "Never"), 422, f"{POD}.restartPolicy NotSupported"),
    (
        "no selector",
        workload("spec.selector"),
        422,
        "spec.selector Required, spec.template.metadata.labels Invalid",
    ),
    (
        "another selector",
        workload("spec.selector", {"matchLabels": {"a": "b"}}),
        422,
        "spec.template.metadata.labels Invalid",
    ),
]


@pytest.mark.parametrize(
    ("body", "code", "causes"), [row[1:] for row in CREATING], ids=[row[0] for row in CREATING]
)
def test_creating_what_is_malformed(peer: Peer, place: str, body: Any, code: int, causes: str) -> None:
    is_workload = isinstance(body, dict) and body["kind"] == "Deployment"
    answer = peer.ask("POST", deployments(place) if is_workload else maps(place), body)
    assert answer.told == (code, REASONS[code])
    if causes:
        told = {f"{field} {word.removeprefix('FieldValue')}" for field, word in answer.causes}
        assert told == set(causes.split(", "))


MINE = {"manager": "me", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {}}
UNTYPED = "failed to create typed patch object"
APPLYING: list[tuple[str, Any, dict[str, str], int, str]] = [
    ("no manager", named("x"), {}, 422, "fieldManager: Required value"),
    ("a manager's long name", named("x"), {"fieldManager": "x" * 129}, 422, "fieldManager: Too long"),
    ("managers of its own", named("x", managedFields=[MINE]), BY, 400, "managedFields must be nil"),
    ("a number for a text", named("x") | {"data": {"a": 1}}, BY, 500, f"{UNTYPED}: .data.a: expected"),
    (
        "a field nobody knows",
        named("x") | {"date": {}},
        BY,
        500,
        f"{UNTYPED}: .date: field not declared in schema",
    ),
    ("another name", named("y"), BY, 400, "name"),
]


@pytest.mark.parametrize(
    ("body", "params", "code", "words"), [row[1:] for row in APPLYING], ids=[row[0] for row in APPLYING]
)
def test_applying_what_is_malformed(
    peer: Peer, place: str, body: Any, params: dict[str, str], code: int, words: str
) -> None:
    answer = peer.ask("PATCH", maps(place, "x"), body, APPLY, **params)
    assert answer.code == code
    assert words in answer.body["message"]


def test_applying_a_deployment_with_a_misspelt_field(peer: Peer, place: str) -> None:
    answer = peer.ask("PATCH", deployments(place, "odd"), workload("spec.replica", 2), APPLY, **BY)
    assert answer.body["message"] == f"{UNTYPED}: .spec.replica: field not declared in schema"


def test_creating_drops_a_misspelt_field(peer: Peer, place: str) -> None:
    body = workload("spec.replica", 2)
    made = peer.ask("POST", deployments(place), body, dryRun="All")
    assert made.code == 201
    assert "replica" not in made.body["spec"]


UNREADABLE = (415, "UnsupportedMediaType")
ADDRESSES: list[tuple[str, str, str, Any, str, tuple[int, str]]] = [
    ("an object nobody made", "GET", "configmaps/none", None, JSON, (404, "NotFound")),
    ("a kind nobody knows", "GET", "flyings", None, JSON, (404, "NotFound")),
    ("a namespace nobody made", "POST", "../none/configmaps", named("x"), JSON, (404, "NotFound")),
    ("no namespace", "POST", "../../configmaps", named("x"), JSON, (405, "MethodNotAllowed")),
    ("creating at an object's address", "POST", "configmaps/x", named("x"), JSON, (405, "MethodNotAllowed")),
    ("a name that is not the address's", "PUT", "configmaps/y", named("x"), JSON, (400, "BadRequest")),
    ("a patch of an absent object", "PATCH", "configmaps/none", {}, MERGE, (404, "NotFound")),
    ("a patch in a language nobody speaks", "PATCH", "configmaps/none", {}, "text/plain", UNREADABLE),
    ("creating in a language nobody speaks", "POST", "configmaps", "a: 1", "text/plain", UNREADABLE),
    ("logs of no pod", "GET", "pods/none/log", None, JSON, (404, "NotFound")),
    ("scale of what has none", "GET", "configmaps/none/scale", None, JSON, (404, "NotFound")),
    ("status of what has none", "GET", "configmaps/none/status", None, JSON, (404, "NotFound")),
]


@pytest.mark.parametrize(
    ("method", "below", "body", "kind", "told"),
    [row[1:] for row in ADDRESSES],
    ids=[row[0] for row in ADDRESSES],
)
def test_addresses_that_lead_nowhere(
    peer: Peer, place: str, method: str, below: str, body: Any, kind: str, told: tuple[int, str]
) -> None:
    path = f"/api/v1/namespaces/{place}/{below}"
    path = path.replace(f"/namespaces/{place}/../../", "/").replace(f"{place}/../", "")
    assert peer.ask(method, path, body, kind).told == told


def test_an_absent_object_is_told_from_an_absent_namespace(peer: Peer, place: str) -> None:
    def about(answer: Answer) -> tuple[str, str]:
        return answer.body["details"]["name"], answer.body["details"]["kind"]

    assert about(peer.ask("GET", maps(place, "none"))) == ("none", "configmaps")
    for answer in (
        peer.ask("POST", maps("nowhere"), named("x")),
        peer.ask("PATCH", maps("nowhere", "x"), named("x"), APPLY, **BY),
    ):
        assert about(answer) == ("nowhere", "namespaces")
    assert peer.ask("GET", maps("nowhere")).body["items"] == []


def test_only_an_apply_can_be_forced(peer: Peer, namespace: str) -> None:
    peer.ask("POST", maps(namespace), named("x"))
    refused = peer.ask("PATCH", maps(namespace, "x"), {"data": {"a": "1"}}, MERGE, force="true")
    assert (refused.told, refused.causes) == ((422, "Invalid"), [("force", "FieldValueForbidden")])

"""What the client makes of a server, a proxy or a network that misbehaves: real sockets, scripted answers."""

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services.integrations.kube import errors
from services.integrations.kube.client import KubeClient
from services.integrations.kube.objects import Ref
from tests.fakes.cluster import Cluster, FaultyHandler, deployment

MAP = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "a", "namespace": "shop"},
    "data": {"k": "v"},
}
REF = Ref("v1", "ConfigMap", "a", "shop")


def _answer(code: int, body: Any, method: str = "", **headers: str) -> Callable[[FaultyHandler], bool]:
    """A fault that answers every request (or those of one method) on objects this way."""

    def fault(handler: FaultyHandler) -> bool:
        if "/namespaces/" not in handler.path or (method and handler.command != method):
            return False
        handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw)
        handler.wfile.flush()
        return True

    return fault


def _status(code: int, reason: str, message: str, **details: Any) -> dict[str, Any]:
    return {"kind": "Status", "code": code, "reason": reason, "message": message, "details": details}


@pytest.fixture
def kube(cluster: Cluster) -> Iterator[KubeClient]:
    with cluster.client(timeout=0.5) as client:
        client.resource("v1", "ConfigMap")
        yield client


@pytest.mark.parametrize(
    ("code", "kind", "permanent"),
    [
        (400, errors.BadRequest, True),
        (401, errors.Unauthorised, True),
        (403, errors.Forbidden, True),
        (404, errors.NotFound, True),
        (405, errors.NotAllowed, True),
        (409, errors.Conflict, True),
        (410, errors.Gone, False),
        (422, errors.Invalid, True),
        (429, errors.Throttled, False),
        (418, errors.KubeError, False),
        (500, errors.ServerFault, False),
        (503, errors.ServerFault, False),
    ],
)
def test_every_answer_has_its_error(
    cluster: Cluster, kube: KubeClient, code: int, kind: type[errors.KubeError], permanent: bool
) -> None:
    cluster.faults.append(_answer(code, _status(code, "Because", "a sentence")))
    with pytest.raises(kind) as told:
        kube.get(REF)
    assert (told.value.permanent, told.value.status, str(told.value)) == (permanent, code, "a sentence")
    assert not told.value.outcome_unknown


def test_a_reply_lost_after_an_apply_is_unknown_and_repeating_is_quiet(
    cluster: Cluster, kube: KubeClient
) -> None:
    def lose(handler: FaultyHandler) -> bool:
        if handler.command != "PATCH":
            return False
        cluster.faults.clear()
        handler._send = lambda *_: handler.connection.shutdown(socket.SHUT_RDWR)  # type: ignore[method-assign]  # once
        return False

    cluster.faults.append(lose)
    with pytest.raises(errors.LostReply) as told:
        kube.apply(MAP)
    assert told.value.outcome_unknown
    assert not told.value.permanent
    version = kube.get(REF)["metadata"]["resourceVersion"]
    assert kube.apply(MAP)["metadata"]["resourceVersion"] == version


def test_nobody_listening_is_unreachable_and_nothing_was_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with KubeClient(address, "t", timeout=0.5) as kube, pytest.raises(errors.Unreachable) as told:
            kube.apply(MAP)
    assert not told.value.outcome_unknown
    assert not told.value.permanent


def test_a_wrong_token_is_unauthorised(cluster: Cluster) -> None:
    with KubeClient(cluster.url, "wrong") as kube:
        for ask in (kube.version, lambda: kube.list("v1", "Pod")):
            with pytest.raises(errors.Unauthorised):
                ask()


def test_malformed_items_do_not_spoil_the_list(cluster: Cluster, kube: KubeClient) -> None:
    good = {"metadata": {"name": "fine"}}
    items = [None, good, {"spec": {}}, {"metadata": {"name": 7}}, "text"]
    cluster.faults.append(_answer(200, {"kind": "ConfigMapList", "items": items}))
    listing = kube.list("v1", "ConfigMap", "shop")
    assert [item["metadata"]["name"] for item in listing.items] == ["fine"]
    assert len(listing.malformed) == 4
    cluster.faults[:] = [_answer(200, {"kind": "List", "items": None, "metadata": None})]
    assert kube.list("v1", "ConfigMap", "shop").items == []


def test_a_list_starts_again_when_its_token_is_too_old(cluster: Cluster, kube: KubeClient) -> None:
    for number in range(4):
        kube.apply(MAP | {"metadata": {"name": f"m{number}", "namespace": "shop"}})
    seen: list[str] = []

    def forget(handler: FaultyHandler) -> bool:
        seen.append(handler.path)
        old = "continue=" in handler.path and sum("continue=" in path for path in seen) == 1
        return _answer(410, _status(410, "Expired", "too old"))(handler) if old else False

    cluster.faults.append(forget)
    assert len(kube.list("v1", "ConfigMap", "shop", limit=2).items) == 4
    assert len(seen) == 4


def test_a_watch_from_too_long_ago_is_gone(tmp_path: Any) -> None:
    small = Cluster(tmp_path / "small.json", history=3)
    try:
        with small.client() as kube:
            start = kube.list("v1", "ConfigMap").resource_version
            for number in range(6):
                kube.apply(MAP | {"metadata": {"name": f"m{number}", "namespace": "shop"}})
            with pytest.raises(errors.Gone):
                list(kube.watch("v1", "ConfigMap", resource_version=start, timeout_seconds=1))
    finally:
        small.stop()


def test_a_client_watches_many_kinds_at_once_and_still_asks(cluster: Cluster, kube: KubeClient) -> None:
    kube.apply(MAP)
    watches = [kube.watch("v1", "ConfigMap", "shop", timeout_seconds=5) for _ in range(40)]
    assert {next(watch).object["metadata"]["name"] for watch in watches} == {"a"}
    assert kube.get(REF)["data"] == {"k": "v"}
    for watch in watches:
        watch.close()  # type: ignore[attr-defined]  # it is a generator


def test_a_quiet_watch_is_sent_bookmarks(
    cluster: Cluster, kube: KubeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.demo.cluster.watching.BOOKMARK_EVERY", 0.02)
    start = kube.list("v1", "Secret", "shop").resource_version
    kube.apply(MAP)
    (told,) = zip(kube.watch("v1", "Secret", "shop", start, timeout_seconds=5), range(1), strict=False)
    assert told[0].type == "BOOKMARK"
    assert int(told[0].object["metadata"]["resourceVersion"]) > int(start)


def test_a_watch_survives_lines_that_are_no_events(cluster: Cluster, kube: KubeClient) -> None:
    lines = [
        b"not json",
        json.dumps({"type": "ADDED", "object": None}).encode(),
        json.dumps({"type": "BOOKMARK", "object": {"metadata": "later"}}).encode(),
        json.dumps([]).encode(),
        json.dumps({"type": "SURPRISE", "object": {"metadata": {"name": "x"}}}).encode(),
        b"",
        json.dumps({"type": "ADDED", "object": {"metadata": {"name": "fine"}}}).encode(),
    ]
    cluster.faults.append(_answer(200, b"\n".join(lines) + b"\n"))
    events = list(kube.watch("v1", "ConfigMap", "shop", "1", timeout_seconds=1))
    assert [event.type for event in events] == ["MALFORMED"] * 5 + ["ADDED"]


def test_a_watch_that_is_refused_says_why(cluster: Cluster, kube: KubeClient) -> None:
    cluster.faults.append(_answer(403, _status(403, "Forbidden", "no watching here")))
    with pytest.raises(errors.Forbidden, match="no watching here"):
        list(kube.watch("v1", "ConfigMap", "shop", "1", timeout_seconds=1))


def test_a_terminating_namespace_may_come_back(cluster: Cluster, kube: KubeClient) -> None:
    cause = {"reason": "NamespaceTerminating", "field": "metadata.namespace", "message": "going"}
    cluster.faults.append(_answer(403, _status(403, "Forbidden", "terminating", causes=[cause])))
    with pytest.raises(errors.NamespaceTerminating) as told:
        kube.apply(MAP)
    assert not told.value.permanent


def test_a_webhook_that_denies_is_told_in_its_words(cluster: Cluster, kube: KubeClient) -> None:
    text = 'admission webhook "guard.example" denied the request: no tag latest'
    cluster.faults.append(_answer(400, _status(400, "BadRequest", text)))
    with pytest.raises(errors.BadRequest, match="no tag latest"):
        kube.apply(deployment("web"))

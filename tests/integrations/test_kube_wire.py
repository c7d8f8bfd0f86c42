"""Answers that never end, never come whole or are none: each told within its time, as the right error."""

import gzip
import json
import ssl
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from services.integrations.kube import discovery, errors, transport
from services.integrations.kube.client import KubeClient
from services.integrations.kube.objects import Ref, Resource
from tests.fakes.certificates import stranger
from tests.fakes.cluster import TOKEN, Cluster, deployment
from tests.fakes.wire import Script, endless, hanging, head, reset, saying, trickling, wire

REF = Ref("v1", "ConfigMap", "a", "shop")
MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}}
SECRET = MAP | {"kind": "Secret", "stringData": {"password": "hunter2"}}
BOMB = gzip.compress(b"0" * 20_000_000)
CHUNKED = "Transfer-Encoding: chunked"
Ask = Callable[[KubeClient], Any]


def get(kube: KubeClient) -> Any:
    return kube.get(REF)


def apply(kube: KubeClient) -> Any:
    return kube.apply(MAP)


def read_list(kube: KubeClient) -> Any:
    return kube.list("v1", "ConfigMap", "shop")


def watch(kube: KubeClient) -> Any:
    return list(kube.watch("v1", "ConfigMap", "shop", "1", timeout_seconds=1))


def asked(script: Script, ask: Ask, timeout: float = 5) -> errors.KubeError:
    """What a client that already knows the kinds makes of the answer."""
    with wire(script) as server, KubeClient(server.url, "token", timeout=timeout) as kube:
        kinds = {"ConfigMap": Resource("configmaps", True), "Secret": Resource("secrets", True)}
        kube._resources["v1"] = kinds
        kube._resources["apps/v1"] = {"Deployment": Resource("deployments", True)}
        with pytest.raises(errors.KubeError) as told:
            ask(kube)
    return told.value


def event(**said: Any) -> bytes:
    line = json.dumps(said).encode() + b"\n"
    return b"%x\r\n%b\r\n" % (len(line), line)


def writing(raw: bytes) -> Script:
    return lambda connection, _: connection.sendall(raw)


BAD = [
    ("silence", hanging(), errors.LostReply),
    ("half a head", hanging(b"HTTP/1.1 200"), errors.LostReply),
    ("a head byte by byte", trickling(b"HTTP/1.1 200 OK\r\nX: "), errors.LostReply),
    ("a body byte by byte", trickling(head(200, "Content-Length: 99999")), errors.LostReply),
    ("reset in the middle", reset(head(200, "Content-Length: 99") + b"{"), errors.LostReply),
    ("cut off", writing(head(200, "Content-Length: 99") + b"{"), errors.LostReply),
    ("closed at once", writing(b""), errors.LostReply),
    ("no HTTP", writing(b"SSH-2.0-x\r\n"), errors.LostReply),
    ("ten thousand headers", writing(head(200, *["X: " + "y" * 40] * 10_000)), errors.LostReply),
    ("a page to sign in", saying(b"<html>Sign in</html>", kind="text/html"), errors.Malformed),
    ("a page that says ok", saying(b'{"status": "ok"}'), errors.Malformed),
    ("no body", saying(b""), errors.Malformed),
    ("no JSON", saying(b"{", kind="text/plain"), errors.Malformed),
    ("too deep", saying(b"[" * 100_000), errors.Malformed),
    ("no number", saying(b'{"metadata": {"name": "a"}, "x": NaN}'), errors.Malformed),
    ("no metadata", saying(b'{"kind": "ConfigMap", "data": {}}'), errors.Malformed),
    ("500", saying(b"oops", code=500), errors.ServerFault),
    ("502", saying(b"<html>", code=502, kind="text/html"), errors.ServerFault),
    ("504", saying(b"", code=504), errors.ServerFault),
]


@pytest.mark.case("S7")
@pytest.mark.parametrize("ask", [get, read_list, apply])
@pytest.mark.parametrize(("script", "kind"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_what_is_no_answer_leaves_a_write_open_and_a_read_to_be_repeated(
    script: Script, kind: type[errors.KubeError], ask: Ask
) -> None:
    start = time.monotonic()
    told = asked(script, ask, timeout=0.1 if kind is errors.LostReply else 5)
    assert time.monotonic() - start < 4
    assert type(told) is kind
    assert (told.permanent, told.outcome_unknown) == (False, ask is apply)


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        (("Retry-After: 7",), 7.0), ((), None), (("Retry-After: soon",), None),
        (("Retry-After: " + "9" * 400,), 3600.0), (("Retry-After: \u00b2",), None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("code", [429, 503])
def test_the_wait_a_server_asks_for_is_kept_within_reason(
    code: int, header: tuple[str, ...], wait: float | None
) -> None:
    told = asked(saying(b"{}", *header, code=code), apply)
    assert (told.retry_after, told.permanent, told.outcome_unknown) == (wait, False, code == 503)


@pytest.mark.case("S7")
@pytest.mark.parametrize("ask", [get, read_list, apply])
def test_an_answer_that_is_packed_unasked_is_not_unpacked(ask: Ask) -> None:
    told = asked(saying(BOMB, "Content-Encoding: gzip"), ask, timeout=1)
    assert (str(told), told.outcome_unknown) == ("The cluster's answer is packed, unasked.", ask is apply)


@pytest.mark.case("S7")
@pytest.mark.parametrize("ask", [get, read_list, apply])
def test_an_answer_without_end_is_cut(monkeypatch: pytest.MonkeyPatch, ask: Ask) -> None:
    monkeypatch.setattr(transport, "ANSWER_LIMIT", 1024 * 1024)
    told = asked(endless(head(200, CHUNKED), b"400\r\n" + b" " * 1024 + b"\r\n"), ask)
    assert ("larger than 1048576 bytes" in str(told), told.outcome_unknown) == (True, ask is apply)


@pytest.mark.case("S7")
def test_an_event_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "EVENT_LIMIT", 64 * 1024)
    told = asked(endless(head(200, CHUNKED), b"400\r\n" + b" " * 1024 + b"\r\n"), watch)
    assert "larger than 65536 bytes" in str(told)


def test_lines_come_whole_however_they_are_cut() -> None:
    chunks = [b'{"a', b'": 1}\n\n{"b": 2}', b"\n", b" \n{", b"}"]
    found = list(transport.lines(httpx.Response(200, content=iter(chunks))))
    assert found == [b'{"a": 1}', b'{"b": 2}', b"{}"]


@pytest.mark.case("S7")
def test_a_long_event_in_small_pieces_is_not_copied_for_each() -> None:
    pieces = [b"x" * 500] * 16_000
    started = time.process_time()
    found = list(transport.lines(httpx.Response(200, content=iter([*pieces, b"\n"]))))
    assert (len(found), len(found[0])) == (1, 8_000_000)
    assert time.process_time() - started < 1.5, "64 GB were copied"


@pytest.mark.case("S7")
def test_a_list_without_end_is_given_up() -> None:
    page = {"kind": "ConfigMapList", "metadata": {"continue": "more"}, "items": []}
    raw = json.dumps(page).encode()

    def again(connection: Any, _: bytes) -> None:
        while True:
            connection.sendall(head(200, f"Content-Length: {len(raw)}") + raw)
            if not connection.recv(65536):
                return

    assert "no end" in str(asked(again, read_list, timeout=5))


@pytest.mark.parametrize(
    "page", [{"kind": "ConfigMapList", "items": "none"}, {"kind": "Status", "items": []}]
)
def test_a_page_of_something_else_does_not_pass_for_an_empty_list(page: Any) -> None:
    assert type(asked(saying(json.dumps(page).encode()), read_list)) is errors.Malformed


def test_a_page_too_large_is_asked_for_in_small_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "ANSWER_LIMIT", 1000)

    def page(connection: Any, request: bytes) -> None:
        size = 100 if b"limit=500" in request else 2
        items = [{"metadata": {"name": f"m{n}"}} for n in range(size)]
        body = json.dumps({"kind": "ConfigMapList", "metadata": {}, "items": items}).encode()
        saying(body)(connection, request)

    with wire(page) as server, KubeClient(server.url) as kube:
        kube._resources["v1"] = {"ConfigMap": Resource("configmaps", True)}
        assert len(kube.list("v1", "ConfigMap").items) == 2
    assert [b"limit=10&" in head or b"limit=10 " in head for head in server.asked] == [False, True]


def test_a_log_is_cut_off_where_the_server_was_asked_to() -> None:
    script = saying(b"x" * (transport.LOG_LIMIT + 1), kind="text/plain")
    with wire(script) as server, KubeClient(server.url, timeout=1) as kube:
        kube._resources["v1"] = {"Pod": Resource("pods", True)}
        with pytest.raises(errors.Malformed):
            kube.logs("shop", "a", "app")


def test_a_log_is_text_whatever_its_bytes() -> None:
    with wire(saying(b"caf\xe9\n", kind="text/plain")) as server, KubeClient(server.url) as kube:
        kube._resources["v1"] = {"Pod": Resource("pods", True)}
        assert kube.logs("shop", "a", "app") == "caf\ufffd\n"


def test_what_no_database_keeps_is_replaced() -> None:
    odd = rb'{"metadata": {"name": "a", "labels": {"x\u0000": "\ud800y", "z": ["\ud83d\ude00", 1]}}}'
    with wire(saying(odd)) as server, KubeClient(server.url) as kube:
        kube._resources["v1"] = {"ConfigMap": Resource("configmaps", True)}
        found = kube.get(REF)
    assert found["metadata"]["labels"] == {"x\ufffd": "\ufffdy", "z": ["\U0001f600", 1]}


def test_a_bookmark_is_told_as_one() -> None:
    line = event(type="BOOKMARK", object={"metadata": {"resourceVersion": "7"}})
    with wire(writing(head(200, CHUNKED) + line)) as server, KubeClient(server.url) as kube:
        kube._resources["v1"] = {"ConfigMap": Resource("configmaps", True)}
        told = next(iter(kube.watch("v1", "ConfigMap", "shop", "1", timeout_seconds=1)))
    assert (told.type, told.object) == ("BOOKMARK", {"metadata": {"resourceVersion": "7"}})


def test_a_watch_that_is_reset_is_lost() -> None:
    first = event(type="ADDED", object={"metadata": {"name": "a"}})
    seen: list[str] = []

    def follow(kube: KubeClient) -> None:
        seen.extend(e.type for e in kube.watch("v1", "ConfigMap", "shop", "1", timeout_seconds=1))

    told = asked(reset(head(200, CHUNKED) + first), follow)
    assert type(told) is errors.LostReply
    assert not told.outcome_unknown


@pytest.mark.parametrize("script", [hanging(head(200, CHUNKED)), trickling(head(200, "X: y"))])
def test_a_watch_that_is_half_open_ends(monkeypatch: pytest.MonkeyPatch, script: Script) -> None:
    monkeypatch.setattr("services.integrations.kube.client.GRACE", -0.8)
    assert type(asked(script, watch)) is errors.LostReply


@pytest.mark.parametrize("code", [None, "abc", 410])
def test_an_error_within_a_watch_is_told(code: Any) -> None:
    line = event(type="ERROR", object={"code": code, "message": "too old"})
    told = asked(writing(head(200, CHUNKED) + line), watch)
    assert (type(told), str(told)) == (errors.Gone if code == 410 else errors.ServerFault, "too old")


def test_kinds_that_are_no_list_are_not_taken_for_none() -> None:
    with wire(saying(b'{"status": "ok"}')) as server:
        kube = KubeClient(server.url, timeout=1)
        with kube, pytest.raises(errors.Malformed, match="kinds"):
            kube.get(REF)


@pytest.mark.case("S4")
@pytest.mark.parametrize("code", [301, 302, 307, 308])
@pytest.mark.parametrize("ask", [get, apply])
def test_a_redirect_is_not_followed(code: int, ask: Ask) -> None:
    with wire(saying(b"{}")) as elsewhere:
        told = asked(saying(b"", f"Location: {elsewhere.url}/api", code=code), ask)
    assert told.status == code
    assert elsewhere.asked == []


def test_nothing_is_asked_for_packed() -> None:
    with wire(saying(b'{"gitVersion": "v1"}')) as server, KubeClient(server.url) as kube:
        kube.version()
    assert b"accept-encoding: identity" in server.asked[0].lower()


def test_a_stranger_with_a_certificate_of_its_own_is_not_trusted(tmp_path: Any) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*stranger(tmp_path))

    def greet(connection: Any, _: bytes) -> None:
        with context.wrap_socket(connection, server_side=True):
            raise AssertionError("the token was about to be sent")

    with wire(greet, tls=True) as server:
        kube = KubeClient(server.url.replace("http:", "https:"), "t")
        with kube, pytest.raises(errors.Unreachable, match="certificate") as told:
            kube.apply(MAP)
    assert told.value.reason == "Certificate"
    assert (told.value.permanent, told.value.outcome_unknown) == (False, False)


def test_a_server_that_speaks_no_tls_is_unreachable() -> None:
    with wire(hanging(), tls=True) as server:
        address = server.url.replace("http:", "https:")
        with KubeClient(address, "t", timeout=0.1) as kube, pytest.raises(errors.Unreachable):
            kube.version()


# What a Secret holds (L2)

NOTE = "kubectl.kubernetes.io/last-applied-configuration"
KEPT = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "a", "namespace": "shop", "annotations": {NOTE: "hunter2", "team": "checkout"}},
    "data": {"password": "hunter2"},
    "stringData": {"password": "hunter2"},
}
PARTIAL = {"metadata": KEPT["metadata"]}
RETURNING: list[tuple[str, Any, Ask]] = [
    ("get", KEPT, lambda kube: kube.get(Ref("v1", "Secret", "a", "shop"))),
    ("apply", KEPT, lambda kube: kube.apply(SECRET)),
    ("create", KEPT, lambda kube: kube.create(SECRET)),
    ("patch", KEPT, lambda kube: kube.patch(Ref("v1", "Secret", "a", "shop"), {"data": {}})),
    ("list", {"kind": "SecretList", "items": [KEPT]}, lambda kube: kube.list("v1", "Secret").items[0]),
    (
        "list of metadata",
        {"kind": "PartialObjectMetadataList", "items": [PARTIAL]},
        lambda kube: kube.list("v1", "Secret", metadata_only=True).items[0],
    ),
    (
        "watch",
        {"type": "ADDED", "object": KEPT},
        lambda kube: next(iter(kube.watch("v1", "Secret", timeout_seconds=1))).object,
    ),
]


@pytest.mark.case("L2")
@pytest.mark.parametrize(("body", "ask"), [case[1:] for case in RETURNING], ids=[c[0] for c in RETURNING])
def test_of_a_secret_only_the_names_come_out(body: Any, ask: Ask) -> None:
    with wire(saying(json.dumps(body).encode())) as server, KubeClient(server.url, timeout=1) as kube:
        kube._resources["v1"] = {"Secret": Resource("secrets", True)}
        found = ask(kube)
    assert "hunter2" not in repr(found)
    assert found["metadata"]["annotations"] == {"team": "checkout"}
    assert found.get("data", {"password": ""}) == {"password": ""}


@pytest.mark.case("L2")
@pytest.mark.parametrize(
    "body",
    [
        {"message": "Secret in version v1 cannot be handled: error found in #10 byte of ...|hunter2|"},
        {
            "message": 'denied: password "hunter2"',
            "details": {"kind": "", "causes": [{"message": "hunter2"}]},
        },
        {"message": "hunter2", "details": {"kind": "Secret", "causes": [{"field": "data.password"}]}},
    ],
)
@pytest.mark.parametrize("code", [400, 403, 409, 422, 500])
def test_a_refused_secret_is_not_quoted(code: int, body: Any) -> None:
    told = asked(saying(json.dumps(body).encode(), code=code), lambda kube: kube.apply(SECRET), timeout=1)
    assert "hunter2" not in f"{told} {told.message} {told.causes} {told.args}"


@pytest.mark.case("L2")
def test_an_error_within_a_watch_of_secrets_is_not_quoted() -> None:
    line = event(type="ERROR", object={"code": 500, "message": "unable to decode: hunter2"})
    told = asked(writing(head(200, CHUNKED) + line), lambda kube: list(kube.watch("v1", "Secret")), timeout=1)
    assert "hunter2" not in str(told)


@pytest.mark.case("L2")
def test_the_bytes_a_decoder_quotes_are_left_out() -> None:
    message = "Deployment cannot be handled: readUint32, error found in #10 byte of ...|hunter2|..., bigger"
    body = json.dumps({"message": message, "reason": "BadRequest"}).encode()
    told = asked(saying(body, code=400), lambda kube: kube.apply(deployment("web")), timeout=1)
    assert str(told) == "Deployment cannot be handled: readUint32"


def test_an_object_that_does_not_fit_its_schema_is_refused_for_good() -> None:
    body = {"message": "failed to create typed patch object: .spec.replica: field not declared", "code": 500}
    told = asked(saying(json.dumps(body).encode(), code=500), apply, timeout=1)
    assert (type(told), told.permanent, told.outcome_unknown) == (errors.Invalid, True, False)


def test_what_is_served_is_asked_group_by_group_or_all_at_once(cluster: Cluster) -> None:
    with KubeClient(cluster.url, TOKEN) as client:
        kinds = client.kinds()
    assert {"v1/Pod", "apps/v1/Deployment", "postgresql.cnpg.io/v1/Cluster"} <= kinds
    resources = [{"responseKind": {"kind": "Store"}}, {}, 7]
    group = {"metadata": {"name": "example.com"}, "versions": [{"version": "v1", "resources": resources}]}
    told = discovery.told({"kind": "APIGroupDiscoveryList", "items": [group]})
    assert "example.com/v1/Store" in (told or ())


def test_a_cluster_that_tells_of_all_groups_at_once_is_asked_for_none_of_them() -> None:
    resources = [{"responseKind": {"kind": "Store"}}]
    group = {"metadata": {"name": "example.com"}, "versions": [{"version": "v1", "resources": resources}]}
    body = {"kind": "APIGroupDiscoveryList", "items": [group], "resources": [{"name": "pods", "kind": "Pod"}]}
    with (
        wire(saying(json.dumps(body).encode())) as server,
        KubeClient(server.url, "token", timeout=5) as kube,
    ):
        assert kube.kinds() == {"example.com/v1/Store", "v1/Pod"}


def test_looking_for_what_is_not_there_finds_nothing(cluster: Cluster) -> None:
    with cluster.client() as kube:
        assert kube.find(REF) is None
        assert kube.find(Ref("v1", "Gadget", "a", "shop")) is None
        kube.apply(MAP)
        assert kube.find(REF)["metadata"]["name"] == "a"

"""S of the attack list: where a connection may go is decided by the address it goes to."""

import base64
import contextlib
import socket
import time
from typing import Any

import httpcore
import httpx
import pytest

from services.integrations import outbound
from services.integrations.addresses import refused
from services.integrations.kube import errors, transport
from services.integrations.kube.client import KubeClient
from tests.fakes.wire import saying, wire

PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]
VERSION = saying(b'{"gitVersion": "v1"}')
EVERYWHERE = ["0.0.0.0/0", "::/0"]
HERE = ["127.0.0.0/8", "::1/128"]


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:220:1::1", "10.1.2.3", "192.168.1.1", "fd12::1"]
)
def test_public_addresses_and_allowed_networks_are_connected_to(address: str) -> None:
    assert refused(address, PRIVATE) == ""


@pytest.mark.case("S1")
@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "10.1.2.3", "fd12::1", "172.16.0.1"])
def test_the_machine_itself_and_its_network_are_refused_unless_allowed(address: str) -> None:
    assert refused(address, [])
    assert refused(address, [f"{address}/128" if ":" in address else f"{address}/32"]) == ""


@pytest.mark.case("S1")
@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254", "fe80::1%eth0", "fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "192.0.0.192",
        "168.63.129.16", "::ffff:168.63.129.16",
    ],
)  # fmt: skip
def test_metadata_is_refused_even_where_everything_is_allowed(address: str) -> None:
    assert "metadata" in refused(address, EVERYWHERE)


@pytest.mark.case("S3")
@pytest.mark.parametrize("address", ["224.0.0.1", "ff02::1", "0.0.0.0", "::"])
def test_what_is_no_single_machine_is_refused_even_where_everything_is_allowed(address: str) -> None:
    assert refused(address, EVERYWHERE)


@pytest.mark.case("S3")
@pytest.mark.parametrize(
    "address",
    [
        "100.64.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b::7f00:1", "2002:7f00:1::", "::127.0.0.1", "192.0.0.8",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "240.0.0.1", "255.255.255.255", "198.18.0.1",
        "192.0.2.1", "2001:db8::1", "64:ff9b:1::1", "fec0::1", "0.1.2.3",
    ],
)  # fmt: skip
def test_special_addresses_that_are_not_called_private_are_refused(address: str) -> None:
    assert refused(address, PRIVATE)


@pytest.mark.case("S2")
@pytest.mark.parametrize(
    "spelling", ["2130706433", "0x7f.1", "127.1", "0x7f000001", "localhost", "0", "[::1]", "[::ffff:7f00:1]"]
)  # fmt: skip
def test_other_spellings_of_this_machine_are_refused_when_connecting(settings: Any, spelling: str) -> None:
    settings.CLUSTER_NETWORKS = PRIVATE
    with wire(VERSION) as server:
        kube = KubeClient(f"http://{spelling}:{server.port}", "t", timeout=1)
        with kube, pytest.raises(errors.WrongAddress) as told:
            kube.version()
    assert server.asked == []
    assert (told.value.permanent, told.value.outcome_unknown) == (True, False)


@pytest.mark.case("S1")
def test_a_cluster_of_this_machine_can_be_allowed(settings: Any) -> None:
    settings.CLUSTER_NETWORKS = HERE
    with wire(VERSION) as server, KubeClient(server.url) as kube:
        assert kube.version() == "v1"


def _found(*addresses: str) -> list[tuple[Any, ...]]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses]


def _asked(server: str, resolve: outbound.Resolve) -> httpx.Response:
    with transport.make_http(server, "token", "", 1.0, resolve) as http:
        return http.get("/version")


@pytest.mark.case("S5")
def test_a_name_is_resolved_once_and_the_address_that_was_checked_is_used(settings: Any) -> None:
    settings.CLUSTER_NETWORKS = HERE
    answers = [_found("127.0.0.1"), _found("169.254.169.254")]
    with wire(VERSION) as server:
        assert _asked(f"http://kube.test:{server.port}", lambda *_: answers.pop(0)).is_success
        assert f"host: kube.test:{server.port}".encode() in server.asked[0].lower()
    assert len(answers) == 1


@pytest.mark.case("S5")
@pytest.mark.parametrize("addresses", [("127.0.0.1", "169.254.169.254"), ("169.254.169.254", "127.0.0.1")])
def test_a_name_with_one_refused_address_is_refused(settings: Any, addresses: tuple[str, str]) -> None:
    settings.CLUSTER_NETWORKS = HERE
    with wire(VERSION) as server, pytest.raises(outbound.AddressRefused, match=r"169\.254"):
        _asked(f"http://kube.test:{server.port}", lambda *_: _found(*addresses))
    assert server.asked == []


def test_the_next_address_is_tried_when_one_does_not_answer(settings: Any) -> None:
    settings.CLUSTER_NETWORKS = HERE
    with wire(VERSION) as server:
        address = f"http://kube.test:{server.port}"
        assert _asked(address, lambda *_: _found("::1", "127.0.0.1")).is_success


def test_the_fifth_address_is_not_tried(settings: Any) -> None:
    settings.CLUSTER_NETWORKS = HERE
    with wire(VERSION) as server:
        address = f"http://kube.test:{server.port}"
        assert _asked(address, lambda *_: _found(*["::1"] * 3, "127.0.0.1")).is_success
        with pytest.raises(httpx.ConnectError):
            _asked(address, lambda *_: _found(*["::1"] * 4, "127.0.0.1"))


@pytest.mark.case("S7")
def test_all_addresses_together_get_the_time_of_one(settings: Any) -> None:
    """A queue that is full: whoever knocks gets no answer."""
    settings.CLUSTER_NETWORKS = HERE
    with socket.socket() as silent, contextlib.ExitStack() as waiting:
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        for _ in range(3):
            knocking = waiting.enter_context(socket.socket())
            knocking.setblocking(False)
            knocking.connect_ex(silent.getsockname())
        guard = outbound.Guarded(HERE, lambda *_: _found(*["127.0.0.1"] * 4))
        started = time.monotonic()
        with pytest.raises(httpcore.ConnectTimeout):
            guard.connect_tcp("kube.test", silent.getsockname()[1], timeout=1.0)
        assert 0.9 < time.monotonic() - started < 3.5, "four seconds are one for each"


@pytest.mark.case("S2")
def test_an_address_that_nobody_reads_alike_is_refused() -> None:
    with pytest.raises(errors.WrongAddress):
        KubeClient("http://0177.0.0.1")


def _unknown(*_: Any) -> list[tuple[Any, ...]]:
    raise socket.gaierror(-2, "Name or service not known")


@pytest.mark.parametrize(
    "resolve", [_unknown, lambda *_: _found(), lambda host, _: host.encode("idna") and _unknown()]
)
@pytest.mark.parametrize("host", ["kube.test", "a..b"])
def test_a_name_that_nobody_knows_is_unreachable(resolve: outbound.Resolve, host: str) -> None:
    with pytest.raises(httpx.ConnectError):
        _asked(f"http://{host}:1", resolve)


@pytest.mark.case("S7")
def test_nothing_is_written_or_read_when_no_time_is_left(settings: Any) -> None:
    settings.CLUSTER_NETWORKS = HERE
    with wire(VERSION) as server, transport.make_http(server.url, "t", "", 1.0) as http:
        with pytest.raises(httpx.WriteTimeout):
            http.get("/version", timeout=outbound.timeout(1.0, -1.0))
        assert http.get("/version", timeout=None).is_success
    assert len(server.asked) == 1


@pytest.mark.case("S9")
def test_proxies_and_passwords_of_the_surroundings_are_ignored(monkeypatch: Any, tmp_path: Any) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    with wire(saying(b"{}")) as proxy, wire(VERSION) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        with KubeClient(server.url, "t") as kube:
            assert kube.version() == "v1"
        with KubeClient(server.url) as kube:
            kube.version()
    assert proxy.asked == []
    assert b"authorization: bearer t" in server.asked[0].lower()
    assert b"authorization" not in server.asked[1].lower()
    assert base64.b64encode(b"somebody:hunter2") not in b"".join(server.asked)

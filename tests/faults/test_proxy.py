"""The proxy does what it says, and otherwise nothing."""

import socket
import threading
import time

import pytest

from tests.fakes.proxy import CUT_AFTER, Proxy, Rule


@pytest.fixture
def echo():
    """A server that answers each message with a longer one, and remembers what it got."""
    server, got = socket.create_server(("127.0.0.1", 0)), []

    def talk(link: socket.socket) -> None:
        with link:
            while data := link.recv(1000):
                got.append(data)
                link.sendall(b"answer to " + data + b"." * 100)

    def accept() -> None:
        while True:
            try:
                link, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(link,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    proxy = Proxy(server.getsockname()[1])
    yield proxy, got
    proxy.close()
    server.close()


def ask(proxy: Proxy, *messages: bytes) -> bytes:
    """The answer to the last message, as far as it came."""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as link:
        answer = b""
        for message in messages:
            link.sendall(message)
            answer = link.recv(1000)
        return answer


def test_it_passes_on_what_no_rule_is_for(echo):
    proxy, _ = echo
    assert ask(proxy, b"hello", b"again").startswith(b"answer to again")


@pytest.mark.parametrize(
    ("action", "arrives", "length"),
    [("lose_reply", True, 0), ("reset", False, 0), ("hang", False, 0), ("truncate", True, CUT_AFTER)],
)
def test_it_does_once_what_its_rule_says(echo, action, arrives, length):
    proxy, got = echo
    proxy.rules.append(Rule(b"COMMIT", action, name="it", seconds=0.05))
    assert len(ask(proxy, b"BEGIN", b"COMMIT")) == length
    assert (b"COMMIT" in got) == arrives
    assert ask(proxy, b"COMMIT").startswith(b"answer to COMMIT")
    assert proxy.take_back("it")


def test_it_lets_pass_as_many_as_it_is_told(echo):
    proxy, _ = echo
    proxy.rules.append(Rule(b"COMMIT", "reset", passes=2))
    assert [bool(ask(proxy, b"COMMIT")) for _ in range(4)] == [True, True, False, True]


def test_a_rule_that_is_taken_back_does_nothing(echo):
    proxy, _ = echo
    proxy.rules.append(Rule(b"COMMIT", "reset", name="it"))
    assert not proxy.take_back("it")
    assert ask(proxy, b"COMMIT")


def test_it_stands_before_unix_sockets_too(tmp_path):
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "real"))
    server.listen()
    proxy = Proxy(str(tmp_path / "real"), listen=str(tmp_path / "lossy"))
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(tmp_path / "lossy"))
    client.sendall(b"hello")
    link, _ = server.accept()
    assert link.recv(100) == b"hello"
    for each in (link, client, server):
        each.close()
    proxy.close()


def test_for_a_while_it_shows_what_was_and_takes_what_is_written_at_once(echo):
    proxy, _ = echo
    proxy.lag_for(2, lag=1)
    taken = []
    for message in (b"PATCH /one", b"GET /one"):
        start = time.monotonic()
        assert ask(proxy, message).startswith(b"answer to " + message)
        taken.append(time.monotonic() - start)
    assert taken[0] < 1 <= taken[1]
    time.sleep(1)
    start = time.monotonic()
    ask(proxy, b"GET /one")
    assert time.monotonic() - start < 1

"""A server that says exactly the bytes a test wants, when it wants, on a real socket."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Script = Callable[[socket.socket, bytes], None]


class Wire:
    """`asked` keeps the head of each request; the script answers it."""

    def __init__(self, script: Script, tls: bool = False) -> None:
        self.asked: list[bytes] = []
        self._script = script
        self._tls = tls
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            head = b""
            while not self._tls and b"\r\n\r\n" not in head:
                more = connection.recv(65536)
                if not more:
                    return
                head += more
            self.asked.append(head)
            self._script(connection, head)
            connection.close()

    def close(self) -> None:
        """Ends the scripts too: what they write to is gone."""
        self._listening.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


@contextmanager
def wire(script: Script, tls: bool = False) -> Iterator[Wire]:
    """With `tls` the script has the connection from its first byte."""
    made = Wire(script, tls)
    try:
        yield made
    finally:
        made.close()


def head(code: int = 200, *lines: str, kind: str = "application/json") -> bytes:
    first = [f"HTTP/1.1 {code} Whatever", f"Content-Type: {kind}"]
    return "\r\n".join([*first, *lines, "", ""]).encode("latin-1")


def saying(body: bytes, *lines: str, code: int = 200, kind: str = "application/json") -> Script:
    """The whole answer at once, and that no other comes on this connection."""
    said = (f"Content-Length: {len(body)}", "Connection: close", *lines)
    answer = head(code, *said, kind=kind) + body
    return lambda connection, _: connection.sendall(answer)


def trickling(prefix: bytes, pause: float = 0.02) -> Script:
    """`prefix`, and then a byte now and then for five seconds, if anybody listens."""

    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(prefix)
        for _byte in range(int(5 / pause)):
            connection.sendall(b" ")
            time.sleep(pause)

    return script


def hanging(prefix: bytes = b"") -> Script:
    """`prefix`, and then silence."""

    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(prefix)
        connection.recv(1)

    return script


def reset(prefix: bytes = b"") -> Script:
    """`prefix`, and then RST."""

    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(prefix)
        time.sleep(0.05)  # what was sent must be read before the reset discards it
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return script


def endless(prefix: bytes, chunk: bytes) -> Script:
    """`prefix`, and then 32 MiB of `chunk`, if anybody takes them."""

    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(prefix)
        for _chunk in range(32 * 1024 * 1024 // len(chunk)):
            connection.sendall(chunk)

    return script

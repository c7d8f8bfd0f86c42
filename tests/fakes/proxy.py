"""A TCP (or Unix socket) proxy that does to one exchange what a network can do to it.

A rule waits for bytes in what the client sends, lets `passes` such exchanges go by, and acts once:
`lose_reply` lets the server work and its answer vanish, `reset` cuts before the server sees it, `hang`
keeps silent for `seconds` and then cuts, `truncate` lets the first bytes of the answer through.
"""

import contextlib
import os
import socket
import threading
import time
from dataclasses import dataclass
from typing import Literal

Action = Literal["lose_reply", "reset", "hang", "truncate"]
CHUNK = 64 * 1024
CUT_AFTER = 40


@dataclass
class Rule:
    match: bytes
    action: Action
    passes: int = 0
    name: str = ""
    seconds: float = 2.0


class Proxy:
    """Listens on a free local port, or on the Unix socket `listen`; `target` is a port or a socket's path."""

    def __init__(self, target: int | str, listen: str = "") -> None:
        self.target = target
        self.rules: list[Rule] = []
        self.done: list[Rule] = []
        self.lag = (0.0, 0.0)
        self._lock = threading.Lock()
        self._server = _listening(listen)
        self.port = 0 if listen else int(self._server.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def lag_for(self, seconds: float, lag: float) -> None:
        """For so many seconds whoever asks to see something (GET) sees it `lag` seconds late."""
        self.lag = (time.monotonic() + seconds, lag)

    def take_back(self, name: str) -> bool:
        """Forget the rule of that name; whether it had happened."""
        with self._lock:
            happened = any(rule.name == name for rule in self.done)
            self.rules = [rule for rule in self.rules if rule.name != name]
            self.done = [rule for rule in self.done if rule.name != name]
            return happened

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:  # closed: nobody is to come any more
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError), _connected(self.target) as server:
            link = _Link(client, server, self)
            back = threading.Thread(target=link.answers, daemon=True)
            back.start()
            while data := client.recv(CHUNK):
                link.reads = data.startswith(b"GET ")
                rule = self._due(data)
                if rule is not None and not link.suffer(rule):
                    break
                server.sendall(data)
            link.cut()

    def _due(self, data: bytes) -> Rule | None:
        with self._lock:
            for rule in self.rules:
                if rule.match not in data:
                    continue
                if rule.passes > 0:
                    rule.passes -= 1
                    continue
                self.rules.remove(rule)
                self.done.append(rule)
                return rule
        return None


class _Link:
    """One client and one server; `answers` runs beside, carrying what comes back."""

    reads = False

    def __init__(self, client: socket.socket, server: socket.socket, proxy: Proxy) -> None:
        self.client, self.server, self.proxy = client, server, proxy
        self.mode = ""

    def suffer(self, rule: Rule) -> bool:
        """Prepare what is to happen to the exchange; False when the server must not even see it."""
        self.mode = rule.action
        if rule.action == "hang":
            time.sleep(rule.seconds)
        return rule.action in ("lose_reply", "truncate")

    def answers(self) -> None:
        with contextlib.suppress(OSError):
            while data := self.server.recv(CHUNK):
                mode = self.mode  # of this answer: the client may have asked the next before we are through
                if mode == "lose_reply":
                    break
                until, lag = self.proxy.lag
                if self.reads and time.monotonic() < until:
                    time.sleep(lag)
                self.client.sendall(data[:CUT_AFTER] if mode == "truncate" else data)
                if mode == "truncate":
                    break
        self.cut()

    def cut(self) -> None:
        for each in (self.client, self.server):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


def _listening(path: str) -> socket.socket:
    if not path:
        return socket.create_server(("127.0.0.1", 0), backlog=64)
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    os.chmod(path, 0o777)  # the database's own user may be another
    server.listen(64)
    return server


def _connected(target: int | str) -> socket.socket:
    if isinstance(target, int):
        return socket.create_connection(("127.0.0.1", target), timeout=30)
    server = socket.socket(socket.AF_UNIX)
    server.connect(target)
    return server

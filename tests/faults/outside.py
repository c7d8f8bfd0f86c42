"""The world outside, in a process of its own: the simulated cluster and the proxies, ordered by pipe."""

import os
import signal
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.fakes.cluster import Cluster, FaultyHandler
from tests.fakes.proxy import Proxy, Rule
from tests.fakes.smtp import Mailbox
from tests.faults.processes import live_and_end

REQUEST = "slipway.dev/request"
ANSWERS: dict[str, tuple[int, dict[str, str], bytes]] = {
    "500": (500, {}, b'{"kind":"Status","message":"etcdserver: leader changed","code":500}'),
    "502": (502, {}, b"<html>bad gateway</html>"),
    "429": (429, {}, b'{"kind":"Status","message":"too many requests","code":429}'),
    "429 later": (429, {"Retry-After": "1"}, b'{"kind":"Status","message":"slow down","code":429}'),
    "401": (401, {}, b'{"kind":"Status","message":"Unauthorized","code":401}'),
    "login page": (200, {"Content-Type": "text/html"}, b"<html>Please sign in</html>"),
    "half": (200, {}, b'{"kind":"Deployment","metadata":{"name":'),
}
# What the mail server says at which step; nothing: it took the mail, and the line was cut.
LETTERS = {
    "busy": ("hello", b"421 too busy"),
    "later": ("RCPT", b"450 later"),
    "refused": ("RCPT", b"550 nobody of that name"),
    "reply lost": (".", b""),
}


class Outside:
    """Started by `start`; the rest is called by the driver and answered by the process."""

    def __init__(self, folder: Path, postgres: str) -> None:
        self.folder, self.postgres = folder, postgres
        self.sockets = folder / "lossy"
        self.pid = 0
        self._pipe: Connection | None = None

    def start(self) -> None:
        self.sockets.mkdir(exist_ok=True)
        ours, theirs = Pipe()
        self.pid = os.fork()
        if self.pid == 0:
            live_and_end(lambda: self._live(theirs))
        theirs.close()
        self._pipe = ours

    def _live(self, pipe: Connection) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _Process(self.folder, self.postgres, str(self.sockets)).serve(pipe)

    def ask(self, what: str, **said: Any) -> Any:
        assert self._pipe is not None
        self._pipe.send((what, said))
        return self._pipe.recv()

    def stop(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = 0


class _Process:
    def __init__(self, folder: Path, postgres: str, sockets: str) -> None:
        self.cluster = Cluster(folder / "cluster.json", speed=40.0)
        self.kube = Proxy(self.cluster.port)
        name = "/.s.PGSQL.5432"
        self.database = Proxy(postgres + name, listen=sockets + name)
        self.mailbox = Mailbox()
        self.orders: list[dict[str, Any]] = []
        self.suffered: set[str] = set()
        self.cluster.faults.append(self._fault)

    def serve(self, pipe: Connection) -> None:
        acts: dict[str, Callable[..., Any]] = {
            "address": lambda: f"http://127.0.0.1:{self.kube.port}",
            "answer": lambda **order: self.orders.append(order),
            "network": lambda **rule: self.kube.rules.append(Rule(**rule)),
            "lose_commit": lambda **rule: self.database.rules.append(Rule(b"COMMIT", "lose_reply", **rule)),
            "lag": lambda: self.kube.lag_for(3.0, lag=1.5),
            "take_back": self._take_back,
            "objects": self._objects,
            "mail_address": lambda: self.mailbox.url,
            "letter": lambda mode: self.mailbox.orders.update([LETTERS[mode]]),
            "letter_back": lambda mode: self.mailbox.orders.pop(LETTERS[mode][0], None) is None,
            "mails": lambda: [(mail["Message-ID"], mail["To"]) for mail in self.mailbox.taken],
        }
        while True:
            try:
                what, said = pipe.recv()
            except EOFError:
                return
            pipe.send(acts[what](**said))

    def _take_back(self, name: str) -> bool:
        """Forget a fault that has not happened; whether it has."""
        answered = name in self.suffered
        self.suffered.discard(name)
        self.orders = [order for order in self.orders if order["name"] != name]
        return answered | self.kube.take_back(name) | self.database.take_back(name)

    def _objects(self) -> list[dict[str, Any]]:
        """Everything in the cluster that says which request it came with."""
        store = self.cluster.world.store
        with store.lock:
            every = [dict(obj) for found in store.objects.values() for obj in found.values()]
        return [obj for obj in every if REQUEST in (obj["metadata"].get("annotations") or {})]

    def _fault(self, handler: FaultyHandler) -> bool:
        """Answers one PATCH of the named service instead of the cluster."""
        if handler.command != "PATCH":
            return False
        for order in self.orders:
            if order["match"] in handler.path:
                if order["passes"] > 0:
                    order["passes"] -= 1
                    continue
                self.orders.remove(order)
                self.suffered.add(order["name"])
                _answer(handler, *ANSWERS[order["mode"]])
                return True
        return False


def _answer(handler: FaultyHandler, code: int, headers: dict[str, str], body: bytes) -> None:
    handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    handler.send_response(code)
    for name, value in ({"Content-Type": "application/json"} | headers).items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)

"""The forge on a real socket, able to misbehave at one request."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from . import gitea, github, gitlab
from .state import Forge
from .words import Answer, Ask

TOKEN = "canary-forge-token"
DIALECTS: dict[str, Callable[[Forge, Ask], Answer]] = {
    "github": github.answer,
    "gitlab": gitlab.answer,
    "gitea": gitea.answer,
}
HEADERS = {
    "github": ("Authorization", "Bearer "),
    "gitlab": ("PRIVATE-TOKEN", ""),
    "gitea": ("Authorization", "token "),
}
# What is done before it goes wrong, and what is not even begun.
AFTER = ("lost", "502 after", "cut", "hang", "html")
BEFORE = ("500", "502", "503", "429", "429 soon", "403 limit", "drop")
# Whoever asks is killed: before anything is done, or once it is done and before it is told.
DEADLY = ("kill", "kill after")


@dataclass
class Exchange:
    """One request and its answer."""

    ask: Ask
    status: int
    body: Any


@dataclass
class Serving:
    """`asked` is everything that was asked; `fault` goes wrong at the request numbered `at` that writes
    (or reads, with `reads`). `victim` is the process that a deadly one kills."""

    forge: Forge
    provider: str
    url: str = ""
    asked: list[Exchange] = field(default_factory=list)
    fault: str = ""
    at: int = 0
    reads: bool = False
    token: str = TOKEN
    victim: int = 0

    def misbehave(self, fault: str, at: int = 0, reads: bool = False) -> None:
        self.fault, self.at, self.reads = fault, at, reads

    def due(self, method: str) -> str:
        """The fault for this request, once."""
        if not self.fault or (method == "GET") is not self.reads:
            return ""
        self.at -= 1
        found, self.fault = (self.fault, "") if self.at < 0 else ("", self.fault)
        return found

    def written(self) -> list[Exchange]:
        return [each for each in self.asked if each.ask.method != "GET"]


@contextmanager
def serving(provider: str, folder: Path, name: str = "shop/deploy") -> Iterator[Serving]:
    state = Serving(Forge(folder, name), provider)
    handler = type("Handler", (_Handler,), {"serving": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    serving: Serving
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"null") if length else None
        path = tuple(unquote(part) for part in parts.path.strip("/").split("/"))
        ask = Ask(self.command, parts.path, path, dict(parse_qsl(parts.query)), body, self.headers)
        with suppress(BrokenPipeError, ConnectionResetError):
            self._answer(ask)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def _answer(self, ask: Ask) -> None:
        fault = self.serving.due(ask.method)
        if fault in BEFORE:
            self._refuse(fault)
            return
        found = self._done(ask) if fault != "kill" else Answer(0)
        if fault in DEADLY:
            os.kill(self.serving.victim, signal.SIGKILL)
            self.close_connection = True
            return
        self.serving.asked.append(Exchange(ask, found.status, found.body))
        if fault:
            self._spoil(fault, found)
        else:
            self._say(found)

    def _done(self, ask: Ask) -> Answer:
        name, prefix = HEADERS[self.serving.provider]
        given = self.headers.get(name) or ""
        if given != f"{prefix}{self.serving.token}" and not ask.path.startswith("/app/"):
            return Answer(401, {"message": "Bad credentials"})
        if ask.method == "GET":
            self.serving.forge.read()
        return DIALECTS[self.serving.provider](self.serving.forge, ask)

    def _refuse(self, fault: str) -> None:
        if fault == "drop":
            self.close_connection = True
            return
        headers = {"429 soon": {"Retry-After": "2"}, "403 limit": {"X-RateLimit-Remaining": "0"}}.get(
            fault, {}
        )
        if fault == "403 limit":
            headers["X-RateLimit-Reset"] = str(int(time.time()) + 3)
        self._say(Answer(int(fault[:3]), {"message": "You have exceeded a secondary limit"}, headers))

    def _spoil(self, fault: str, found: Answer) -> None:
        if fault == "502 after":
            self._say(Answer(502, {"message": "Bad gateway"}))
        elif fault == "html":
            self._say(Answer(200, b"<html>Sign in</html>"))
        elif fault == "cut":
            self.send_response(found.status)
            self.send_header("Content-Length", "9000")
            self.end_headers()
            self.wfile.write(b'{"number": ')
        elif fault == "hang":
            time.sleep(0.6)
        self.close_connection = self.close_connection or fault in ("lost", "cut", "hang")

    def _say(self, found: Answer) -> None:
        body = found.body if isinstance(found.body, bytes) else json.dumps(found.body).encode()
        body = b"" if found.body is None else body
        self.send_response(found.status)
        for name, value in found.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

"""HTTP in front of the API: addresses, tokens, bodies, watches."""

import contextlib
import hmac
import json
import socket
import sys
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from portal.demo.cluster import logs
from portal.demo.cluster.api import Api, Params, Target, discovery
from portal.demo.cluster.kinds import BY_PLURAL
from portal.demo.cluster.selectors import Test, compile_selectors
from portal.demo.cluster.status import ApiError
from portal.demo.cluster.store import News, Object, Store

BODY_LIMIT = 3 * 1024 * 1024
BOOKMARK_EVERY = 10.0
OPEN_PATHS = {"/livez", "/readyz", "/version"}
APPLY, MERGE = "application/apply-patch+yaml", "application/merge-patch+json"


class Server(ThreadingHTTPServer):
    """One cluster on one port; `token` is what clients must bear."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self, address: tuple[str, int], store: Store, token: str, handler: type | None = None
    ) -> None:
        self.store = store
        self.api = Api(store)
        self.token = token
        self.closing = False
        self.connections: set[socket.socket] = set()
        super().__init__(address, handler or Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def stop(self) -> None:
        """End the watches, the server, and what is still connected."""
        self.closing = True
        with self.store.changed:
            self.store.changed.notify_all()
        self.shutdown()
        self.server_close()
        self.hang_up()

    def hang_up(self) -> None:
        """Cut every connection."""
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)


def parse(path: str) -> Target:
    """`/apis/apps/v1/namespaces/shop/deployments/cart` and its relatives; 404 for what is no address."""
    steps = [unquote(step) for step in path.strip("/").split("/")]
    root, rest = (steps[1:2], steps[2:]) if steps[0] == "api" else (steps[1:3], steps[3:])
    api_version = "/".join(root)
    namespace = ""
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    kind = BY_PLURAL.get((api_version, rest[0])) if rest and steps[0] in ("api", "apis") else None
    if kind is None or len(rest) > 3:
        raise ApiError(404, "the server could not find the requested resource", "NotFound")
    return Target(kind, namespace, *rest[1:])


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "slipway-simulated-cluster"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: a request a second from every watcher is no news."""

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(lambda path, params: self._send(201, self._post(path, params)))

    def do_PUT(self) -> None:
        self._answer(lambda path, params: self._send(200, self._put(path, params)))

    def do_PATCH(self) -> None:
        self._answer(lambda path, params: self._send(200, self._patch(path, params)))

    def do_DELETE(self) -> None:
        self._answer(lambda path, params: self._send(200, self._delete(path, params)))

    def _answer(self, act: Callable[[str, Params], None]) -> None:
        parts = urlsplit(self.path)
        try:
            self._body = self._read()
            self._check_token(parts.path)
            act(parts.path, dict(parse_qsl(parts.query)))
        except ApiError as error:
            self._send(error.code, error.body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _check_token(self, path: str) -> None:
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if path not in OPEN_PATHS and not hmac.compare_digest(given.encode(), self.server.token.encode()):
            raise ApiError(401, "Unauthorized")

    def _read(self) -> bytes:
        size = int(self.headers.get("Content-Length") or 0)
        if size > BODY_LIMIT:
            self.close_connection = True
            raise ApiError(413, "the request is too large", "RequestEntityTooLarge")
        return self.rfile.read(size)

    def _json(self) -> Object:
        try:
            body = json.loads(self._body or b"null")
        except ValueError as error:
            raise ApiError(400, f"the body is not JSON: {error}") from error
        if not isinstance(body, dict):
            raise ApiError(400, "the body is not an object")
        return body

    def _post(self, path: str, params: Params) -> Object:
        with self.server.store.lock:
            return self.server.api.create(parse(path), self._json(), params)

    def _put(self, path: str, params: Params) -> Object:
        with self.server.store.lock:
            return self.server.api.replace(parse(path), self._json(), params)

    def _patch(self, path: str, params: Params) -> Object:
        verbs = {APPLY: self.server.api.apply, MERGE: self.server.api.patch}
        verb = verbs.get(self.headers.get("Content-Type", "").partition(";")[0])
        if verb is None:
            raise ApiError(415, f"only {APPLY} and {MERGE} are understood")
        with self.server.store.lock:
            return verb(parse(path), self._json(), params)

    def _delete(self, path: str, params: Params) -> Object:
        """Options in the body replace those of the query, as in a real API server."""
        options = self._json() if self._body else {"dryRun": [params.get("dryRun")]}
        dry = "All" in (options.get("dryRun") or [])
        return self.server.api.delete(parse(path), {"dryRun": "All"} if dry else {})

    def _get(self, path: str, params: Params) -> None:
        if path in ("/livez", "/readyz"):
            return self._send(200, b"ok", "text/plain")
        found = discovery(path)
        if found:
            return self._send(200, found)
        target = parse(path)
        if target.sub == "log":
            text = logs.read(self.server.store, self.server.api.get(target), params)
            return self._send(200, text.encode(), "text/plain")
        if target.name:
            return self._send(200, self._pruned(self.server.api.get(target)))
        if params.get("watch") in ("1", "true"):
            return self._watch(target, params)
        page = self.server.api.list(target, params)
        return self._send(200, page | {"items": [self._pruned(item) for item in page["items"]]})

    def _pruned(self, obj: Object) -> Object:
        """Metadata alone for those who asked for no more (`as=PartialObjectMetadata…`)."""
        if "as=PartialObjectMetadata" not in self.headers.get("Accept", ""):
            return obj
        return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}

    def _send(self, code: int, body: Object | bytes, content_type: str = "application/json") -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()
        self.send_response(code)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)
        self.wfile.flush()

    # watching

    def _watch(self, target: Target, params: Params) -> None:
        chosen = compile_selectors(params.get("labelSelector", ""), params.get("fieldSelector", ""))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in self._lines(target, params, chosen):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(line), line))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def _lines(self, target: Target, params: Params, chosen: Test) -> Iterator[bytes]:
        store = self.server.store
        until = time.monotonic() + float(params.get("timeoutSeconds") or 300)
        version = int(params.get("resourceVersion") or 0)
        with store.lock:
            if 0 < version < store.floor:
                yield _expired(version, store.floor)
                return
            existing = [] if version else self.server.api.list(target, {})["items"]
            version = version or store.version
        yield from (_line("ADDED", self._pruned(obj)) for obj in existing if chosen(obj))
        told = time.monotonic()
        while time.monotonic() < until and not self.server.closing:
            with store.changed:
                news = store.since(version, target.kind)
                if not news:
                    store.changed.wait(min(1.0, max(0.0, until - time.monotonic())))
                    news = store.since(version, target.kind)
                version = store.version
            for line in self._selected(news, target, chosen):
                told = time.monotonic()
                yield line
            if time.monotonic() - told > BOOKMARK_EVERY and params.get("allowWatchBookmarks") == "true":
                told = time.monotonic()
                yield _bookmark(target, version)

    def _selected(self, news: list[News], target: Target, chosen: Test) -> Iterator[bytes]:
        for item in news:
            if target.namespace and item.namespace != target.namespace:
                continue
            event = json.loads(item.line)
            if chosen(event["object"]):
                yield _line(event["type"], self._pruned(event["object"]))


def _line(type_: str, obj: Object) -> bytes:
    return json.dumps({"type": type_, "object": obj}, separators=(",", ":")).encode() + b"\n"


def _bookmark(target: Target, version: int) -> bytes:
    metadata = {"resourceVersion": str(version), "creationTimestamp": None}
    kind = target.kind
    return _line("BOOKMARK", {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": metadata})


def _expired(version: int, floor: int) -> bytes:
    error = ApiError(410, f"too old resource version: {version} ({floor})", "Expired")
    return _line("ERROR", error.body)

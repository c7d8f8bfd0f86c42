"""HTTP in front of the API: addresses, tokens, bodies, watches."""

import contextlib
import hmac
import json
import socket
import sys
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from portal.demo.cluster import discovery, logs, metrics, options, patches, rbac
from portal.demo.cluster.api import Api, Params, Target
from portal.demo.cluster.kinds import Kinds
from portal.demo.cluster.options import Deletion
from portal.demo.cluster.rbac import ANONYMOUS, Asked, User
from portal.demo.cluster.status import ApiError
from portal.demo.cluster.store import Object, Store
from portal.demo.cluster.watching import Watch

BODY_LIMIT = 3 * 1024 * 1024
OPEN_PATHS = {"/version"}
APPLY = "application/apply-patch+yaml"
PATCHES: dict[str, patches.Patch] = {
    "application/merge-patch+json": patches.merge,
    "application/strategic-merge-patch+json": patches.strategic,
    "application/json-patch+json": patches.operations,
}


class Server(ThreadingHTTPServer):
    """One cluster on one port; `token` is its administrator's, `users` are names by other tokens."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self,
        address: tuple[str, int],
        store: Store,
        token: str,
        handler: type | None = None,
        users: Mapping[str, str] | None = None,
    ) -> None:
        self.store = store
        self.api = Api(store)
        self.token = token
        self.users = dict(users or {})
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


def parse(path: str, kinds: Kinds) -> Target:
    """`/apis/apps/v1/namespaces/shop/deployments/cart` and its relatives; 404 for what is no address."""
    steps = [unquote(step) for step in path.strip("/").split("/")]
    root, rest = (steps[1:2], steps[2:]) if steps[0] == "api" else (steps[1:3], steps[3:])
    namespace = ""
    if rest[:1] == ["namespaces"] and len(rest) > 2 and rest[2] != "status":
        namespace, rest = rest[1], rest[2:]
    kind = kinds.named("/".join(root), rest[0]) if rest and steps[0] in ("api", "apis") else None
    if kind is None or len(rest) > 3 or (len(rest) == 3 and rest[2] not in kind.subresources):
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
            self._user = self._sign_in()
            params = dict(parse_qsl(parts.query))
            options.is_dry("Options", [params["dryRun"]] if "dryRun" in params else [])
            act(parts.path, params)
        except ApiError as error:
            self._send(error.code, error.body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _sign_in(self) -> User:
        """Whose token it is; nobody's is refused, none at all is anonymous."""
        given = self.headers.get("Authorization", "").removeprefix("Bearer ").encode()
        if not given:
            return User(ANONYMOUS)
        if hmac.compare_digest(given, self.server.token.encode()):
            return User("admin", is_admin=True)
        for token, name in self.server.users.items():
            if hmac.compare_digest(given, token.encode()):
                return User(name)
        raise ApiError(401, "Unauthorized")

    def _target(self, verb: str, path: str) -> Target:
        """What the address points at, if the user may do that with it."""
        target = parse(path, self.server.store.kinds)
        kind = target.kind
        resource = f"{kind.plural}/{target.sub}" if target.sub else kind.plural
        asked = Asked(verb, kind.group, resource, target.namespace, target.name)
        rbac.check(self.server.store, self._user, asked)
        return target

    def _read(self) -> bytes:
        size = int(self.headers.get("Content-Length") or 0)
        if size > BODY_LIMIT:
            self.close_connection = True
            raise ApiError(413, "the request is too large", "RequestEntityTooLarge")
        return self.rfile.read(size)

    def _value(self) -> Any:
        try:
            return json.loads(self._body or b"null")
        except ValueError as error:
            raise ApiError(400, f"the body is not JSON: {error}") from error

    def _json(self) -> Object:
        body = self._value()
        if not isinstance(body, dict):
            raise ApiError(400, "the body is not an object")
        return body

    def _type(self) -> str:
        return self.headers.get("Content-Type", "").partition(";")[0]

    def _post(self, path: str, params: Params) -> Object:
        store = self.server.store
        with store.lock:
            for kind, plural in discovery.REVIEWS.items():
                if path == f"/apis/{discovery.REVIEWING}/{plural}":
                    rbac.check(store, self._user, Asked("create", "authorization.k8s.io", plural))
                    return rbac.review(store, self._user, kind, self._json())
            target = self._target("create", path)
            if target.name:
                raise ApiError(405, "the server does not allow this method on the requested resource")
            if self._type() != "application/json":
                raise ApiError(415, "the body of the request was in an unknown format")
            body = self._json()
            self._check_grant(body, target)
            return self.server.api.create(target, body, params)

    def _put(self, path: str, params: Params) -> Object:
        with self.server.store.lock:
            target, body = self._target("update", path), self._json()
            self._check_grant(body, target)
            return self.server.api.replace(target, body, params)

    def _patch(self, path: str, params: Params) -> Object:
        with self.server.store.lock:
            target, api = self._target("patch", path), self.server.api
            if self._type() == APPLY:
                self._check_grant(self._json(), target)
                return api.apply(target, self._json(), params)
            how = PATCHES.get(self._type())
            if how is None or (how is patches.strategic and not target.kind.builtin):
                raise ApiError(415, f"accepted media types include: {', '.join([*PATCHES, APPLY])}")
            return api.patch(
                target, self._value(), params, how, permit=lambda obj: self._check_grant(obj, target)
            )

    def _check_grant(self, obj: Object, target: Target) -> None:
        rbac.check_escalation(self.server.store, self._user, obj, target.namespace)

    def _delete(self, path: str, params: Params) -> Object:
        how = Deletion.read(self._json() if self._body else None, params)
        with self.server.store.lock:
            if self._is_collection(path):
                target = self._target("deletecollection", path)
                return self.server.api.delete_chosen(target, params, how)
            return self.server.api.delete(self._target("delete", path), how)

    def _is_collection(self, path: str) -> bool:
        return not parse(path, self.server.store.kinds).name

    def _get(self, path: str, params: Params) -> None:
        if path in ("/livez", "/readyz", "/healthz"):
            return self._send(200, b"ok", "text/plain")
        found = discovery.answer(path, self.server.store.kinds)
        if found and (self._user.name != ANONYMOUS or path in OPEN_PATHS):
            return self._send(200, found)
        if (namespace := metrics.namespace_of(path)) is not None:
            rbac.check(self.server.store, self._user, Asked("list", "metrics.k8s.io", "pods", namespace))
            return self._send(200, metrics.listing(self.server.store, namespace))
        if not self._is_collection(path):
            return self._get_one(self._target("get", path), params)
        if params.get("watch") in ("1", "true"):
            return self._watch(self._target("watch", path), params)
        page = self.server.api.list(self._target("list", path), params)
        return self._send(200, page | {"items": [self._pruned(item) for item in page["items"]]})

    def _get_one(self, target: Target, params: Params) -> None:
        found = self.server.api.get(target)
        if target.sub != "log":
            return self._send(200, self._pruned(found))
        text = logs.read(self.server.store, found, params)
        return self._send(200, text.encode(), "text/plain")

    def _watch(self, target: Target, params: Params) -> None:
        watch = Watch(self.server.api, target, params, self._pruned)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in watch.lines(lambda: self.server.closing):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(line), line))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

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

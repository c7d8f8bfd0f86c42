"""The workspace: its people, channels and messages, and the HTTP server that the app asks."""

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from .methods import METHODS, SCOPES, Refusal
from .shapes import mentions

TOKEN = "xoxb-canary-of-slack"
SIGNING_SECRET = "canary-signing-secret"
BOT, BOT_ID, TEAM, APP = "U0BOT", "B0BOT", "T0SHOP", "A0DESK"


@dataclass
class Asked:
    """One call: `said` is what it gave, `answer` what it got ("" when the line was cut)."""

    method: str
    said: dict[str, Any]
    answer: Any = ""


@dataclass
class Workspace:
    """`events` is what Slack would send to the app; `told` what anybody was made aware of by its messages."""

    url: str = ""
    scopes: set[str] = field(default_factory=lambda: set(SCOPES.values()))
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    channels: dict[str, dict[str, Any]] = field(default_factory=dict)
    messages: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=lambda: {"S0ROTA": ["U0OLD"]})
    views: dict[str, dict[str, Any]] = field(default_factory=dict)
    homes: dict[str, dict[str, Any]] = field(default_factory=dict)
    whispers: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    triggers: dict[str, bool] = field(default_factory=dict)  # whether their three seconds are not over
    asked: list[Asked] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    faults: dict[str, list[str]] = field(default_factory=dict)
    page: int = 100
    last: int = 0
    count: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    # What people do.

    def person(self, slack_id: str, email: str, **more: Any) -> str:
        profile = {"email": email, "real_name": more.pop("name", slack_id), "display_name": ""}
        self.users[slack_id] = (
            {"id": slack_id, "team_id": TEAM, "is_bot": False, "deleted": False} | {"profile": profile} | more
        )
        return slack_id

    def channel(self, slack_id: str, *, member: bool = True, private: bool = False) -> str:
        about = {"is_im": slack_id.startswith("D"), "is_private": private, "member": member}
        self.channels[slack_id] = {"id": slack_id, **about}
        self.messages.setdefault(slack_id, {})
        return slack_id

    def ts(self) -> str:
        """A time that tells a message from others in its channel: text, never a number."""
        self.last = max(self.last + 1, time.time_ns() // 1000)
        return f"{self.last // 1_000_000}.{self.last % 1_000_000:06d}"

    def says(self, user: str, channel: str, text: str, *, thread: str = "", **more: Any) -> dict[str, Any]:
        """Somebody writes; the event that tells of it."""
        ts = self.ts()
        said = {"type": "message", "user": user, "text": text, "ts": ts, "client_msg_id": f"c-{ts}"} | more
        if thread:
            said["thread_ts"] = thread
        self.messages[channel][ts] = said
        kind = "im" if channel.startswith("D") else "channel"
        return self.event({**said, "channel": channel, "event_ts": ts, "channel_type": kind})

    def edits(self, channel: str, ts: str, text: str) -> dict[str, Any]:
        before = dict(self.messages[channel][ts])
        edited = {"user": before["user"], "ts": self.ts()}
        self.messages[channel][ts] |= {"text": text, "edited": edited}
        inner = dict(self.messages[channel][ts])
        return self.event(
            {
                "type": "message", "subtype": "message_changed", "channel": channel, "ts": self.ts(),
                "message": inner, "previous_message": before, "hidden": True,
            }
        )  # fmt: skip

    def deletes(self, channel: str, ts: str) -> dict[str, Any]:
        before = self.messages[channel].pop(ts)
        return self.event(
            {
                "type": "message", "subtype": "message_deleted", "channel": channel, "ts": self.ts(),
                "deleted_ts": ts, "previous_message": before, "hidden": True,
            }
        )  # fmt: skip

    def reacts(self, user: str, channel: str, ts: str, name: str, *, added: bool = True) -> dict[str, Any]:
        self.mark(channel, ts, name, user, added=added)
        item = {"type": "message", "channel": channel, "ts": ts}
        kind = "reaction_added" if added else "reaction_removed"
        about = {"item_user": self.messages[channel][ts].get("user"), "event_ts": self.ts()}
        return self.event({"type": kind, "user": user, "reaction": name, "item": item, **about})

    def mark(self, channel: str, ts: str, name: str, user: str, *, added: bool) -> None:
        rows = self.messages[channel][ts].setdefault("reactions", [])
        row = next((each for each in rows if each["name"] == name), None)
        if row is None:
            rows.append(row := {"name": name, "users": [], "count": 0})
        row["users"] = [each for each in row["users"] if each != user] + [user] * added
        row["count"] = len(row["users"])
        if not row["users"]:
            rows.remove(row)

    def event(self, inner: dict[str, Any]) -> dict[str, Any]:
        """In its envelope, as it is delivered."""
        number = next(self.count)
        return {
            "token": "old", "team_id": TEAM, "api_app_id": APP, "event": inner, "type": "event_callback",
            "event_id": f"Ev{number:08d}", "event_time": int(time.time()),
            "authorizations": [{"team_id": TEAM, "user_id": BOT, "is_bot": True}],
        }  # fmt: skip

    def command(self, user: str, channel: str, text: str) -> dict[str, str]:
        return {
            "token": "old", "team_id": TEAM, "channel_id": channel, "channel_name": "x", "user_id": user,
            "user_name": "deprecated", "command": "/help", "text": text, "api_app_id": APP,
            "response_url": self.answer_url(), "trigger_id": self.trigger(),
        }  # fmt: skip

    def action(self, kind: str, user: str, **more: Any) -> dict[str, Any]:
        """A shortcut, a button, or a modal that was sent in."""
        about = {"id": user, "team_id": self.users.get(user, {}).get("team_id", TEAM)}
        given = {"type": kind, "user": about, "team": {"id": TEAM}, "api_app_id": APP, "token": "old"}
        if kind != "view_submission":
            given |= {"trigger_id": self.trigger(), "action_ts": self.ts()}
        return given | more

    def trigger(self) -> str:
        found = f"{next(self.count)}.trigger"
        self.triggers[found] = True
        return found

    def answer_url(self) -> str:
        found = f"{self.url}/commands/{next(self.count)}"
        self.answers[found] = []
        return found

    # What tests look at.

    def thread(self, channel: str, ts: str) -> list[dict[str, Any]]:
        rows = self.messages[channel].values()
        return [each for each in rows if each["ts"] == ts or each.get("thread_ts") == ts]

    def marks(self, channel: str, ts: str) -> set[str]:
        rows = self.messages[channel][ts].get("reactions", [])
        return {each["name"] for each in rows if BOT in each["users"]}

    def calls(self, method: str) -> list[dict[str, Any]]:
        return [each.said for each in self.asked if each.method == method]

    def misbehave(self, method: str, *faults: str) -> None:
        """The next calls of a method go wrong, each in its own way; "" is fine."""
        self.faults[method] = list(faults)

    # The server.

    def take(self, method: str, kind: str, token: str, body: bytes) -> tuple[int, dict[str, str], Any]:
        said = _read(kind, body, method)
        asked = Asked(method, said)
        self.asked.append(asked)
        fault = (self.faults.get(method) or [""]).pop(0) if self.faults.get(method) else ""
        if fault in BEFORE:
            return BEFORE[fault]
        status, headers, answer = 200, dict[str, str](), self._do(method, token, said)
        if fault:
            return AFTER[fault]
        asked.answer = answer
        return status, headers, answer

    def _do(self, method: str, token: str, said: dict[str, Any]) -> dict[str, Any]:
        try:
            if token != f"Bearer {TOKEN}":
                raise Refusal("invalid_auth" if token else "not_authed")
            if method not in METHODS:
                raise Refusal("unknown_method")
            if (scope := SCOPES.get(method)) and scope not in self.scopes:
                raise Refusal("missing_scope", needed=scope)
            found = METHODS[method](self, said)
        except Refusal as refused:
            return {"ok": False, "error": refused.code, **refused.more}
        self.told += mentions(said)
        return {"ok": True, **found}

    def respond(self, url: str, said: dict[str, Any]) -> int:
        """To a command, at most five times."""
        if url not in self.answers or len(self.answers[url]) >= 5:
            return 404
        self.told += mentions(said)
        self.answers[url].append(said)
        return 200


BEFORE: dict[str, tuple[int, dict[str, str], Any]] = {
    "500": (500, {}, {}), "drop": (0, {}, None), "429": (429, {"Retry-After": "1"}, {}),
    "429 long": (429, {"Retry-After": "30"}, {}), "429 odd": (429, {"Retry-After": "soon"}, {}),
    "html": (200, {}, "<html>Sign in</html>"), "list": (200, {}, []), "huge": (200, {}, " " * (9 << 20)),
    "trouble": (200, {}, {"ok": False, "error": "internal_error"}),
    "ratelimited": (200, {"Retry-After": "30"}, {"ok": False, "error": "ratelimited"}),
    "revoked": (200, {}, {"ok": False, "error": "token_revoked"}),
    "silent": (200, {}, {"ok": False}), "hidden": (200, {}, {"ok": False, "error": "channel_not_found"}),
    "already": (200, {}, {"ok": False, "error": "already_reacted"}),
    "archived": (200, {}, {"ok": False, "error": "is_archived"}),
}  # fmt: skip
AFTER: dict[str, tuple[int, dict[str, str], Any]] = {
    "lost": (0, {}, None), "502 after": (502, {}, {}), "html after": (200, {}, "<html>"),
}  # fmt: skip


def _read(kind: str, body: bytes, method: str) -> dict[str, Any]:
    """JSON where a method takes it; what only reads sees nothing of it, as Slack's do."""
    if kind.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(body.decode()))
    reads = method.endswith((".info", ".history", ".replies", ".get", ".list", ".lookupByEmail"))
    return {} if reads or not body else json.loads(body)


class _Handler(BaseHTTPRequestHandler):
    workspace: Workspace
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.startswith("/commands/"):
            self.workspace.asked.append(Asked("answer", json.loads(body)))
            fault = (self.workspace.faults.get("answer") or [""]).pop(0)
            url = f"{self.workspace.url}{self.path}"
            assert "Authorization" not in self.headers, "the token was sent along"
            status = int(fault) if fault else self.workspace.respond(url, json.loads(body))
            self._say(status, {}, {})
            return
        method, kind = self.path.removeprefix("/api/"), self.headers.get("Content-Type", "")
        self._say(*self.workspace.take(method, kind, self.headers.get("Authorization", ""), body))

    def _say(self, status: int, headers: dict[str, str], said: Any) -> None:
        if not status:
            self.close_connection = True
            return
        body = said.encode() if isinstance(said, str) else json.dumps(said).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        return


@contextmanager
def serving() -> Iterator[Callable[[], Workspace]]:
    """A server; each call of what it gives is a new workspace on it."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def fresh() -> Workspace:
        made = Workspace(url=f"http://127.0.0.1:{server.server_address[1]}")
        handler.workspace = made  # type: ignore[attr-defined]  # made above
        return made

    try:
        yield fresh
    finally:
        server.shutdown()
        server.server_close()

"""The methods of the Web API that the app uses, with what each refuses."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .shapes import IN_MESSAGE, wrong_blocks, wrong_view

if TYPE_CHECKING:
    from .server import Workspace

Said = dict[str, Any]
BOT, BOT_ID = "U0BOT", "B0BOT"
# What a method needs the app to have been given.
SCOPES = {
    "chat.postMessage": "chat:write", "chat.postEphemeral": "chat:write", "chat.update": "chat:write",
    "reactions.add": "reactions:write", "reactions.remove": "reactions:write",
    "reactions.get": "reactions:read",
    "conversations.history": "channels:history", "conversations.replies": "channels:history",
    "conversations.open": "im:write", "conversations.info": "groups:read",
    "users.info": "users:read", "users.lookupByEmail": "users:read.email",
    "usergroups.users.list": "usergroups:read", "usergroups.users.update": "usergroups:write",
}  # fmt: skip
METHODS: dict[str, Callable[["Workspace", Said], Said]] = {}


class Refusal(Exception):
    def __init__(self, code: str, **more: Any) -> None:
        self.code, self.more = code, more


def method(name: str) -> Callable[[Callable[..., Said]], Callable[..., Said]]:
    def keep(do: Callable[..., Said]) -> Callable[..., Said]:
        METHODS[name] = do
        return do

    return keep


def _channel(w: "Workspace", said: Said) -> str:
    found = str(said.get("channel", ""))
    if found not in w.channels:
        raise Refusal("channel_not_found")
    if not w.channels[found]["member"]:
        raise Refusal("not_in_channel")
    return found


def _message(w: "Workspace", channel: str, ts: Any) -> Said:
    if not isinstance(ts, str) or ts not in w.messages[channel]:
        raise Refusal("message_not_found")
    return w.messages[channel][ts]


def _checked(said: Said) -> None:
    if not said.get("text") and not said.get("blocks"):
        raise Refusal("no_text")
    if len(said.get("text", "")) > 40_000:
        raise Refusal("msg_too_long")
    wrong = list(wrong_blocks(said.get("blocks", []), IN_MESSAGE, 50))
    if wrong:
        raise Refusal("invalid_blocks", response_metadata={"messages": wrong})


@method("auth.test")
def auth_test(w: "Workspace", said: Said) -> Said:
    return {
        "url": "https://shop.slack.com/",
        "team": "Shop",
        "team_id": "T0SHOP",
        "user_id": BOT,
        "bot_id": BOT_ID,
    }


@method("chat.postMessage")
def post(w: "Workspace", said: Said) -> Said:
    channel = _channel(w, said)
    _checked(said)
    thread = said.get("thread_ts")
    if thread is not None:
        above = _message(w, channel, thread)
        if above.get("thread_ts", thread) != thread:
            raise Refusal("cannot_reply_to_message")
    ts = w.ts()
    kept = {"type": "message", "user": BOT, "bot_id": BOT_ID, "app_id": "A0DESK", "ts": ts}
    kept |= {name: said[name] for name in ("text", "blocks", "thread_ts", "metadata") if name in said}
    w.messages[channel][ts] = kept
    w.events.append(w.event({**kept, "channel": channel, "event_ts": ts}))
    return {"channel": channel, "ts": ts, "message": kept}


@method("chat.postEphemeral")
def whisper(w: "Workspace", said: Said) -> Said:
    _channel(w, said)
    _checked(said)
    if said.get("user") not in w.users:
        raise Refusal("user_not_in_channel")
    w.whispers.append(said)
    return {"message_ts": w.ts()}


@method("chat.update")
def update(w: "Workspace", said: Said) -> Said:
    found = _message(w, _channel(w, said), said.get("ts"))
    if found.get("user") != BOT:
        raise Refusal("cant_update_message")
    _checked(said)
    found |= {name: said[name] for name in ("text", "blocks", "metadata") if name in said}
    return {"ts": said["ts"]}


@method("chat.getPermalink")
def permalink(w: "Workspace", said: Said) -> Said:
    _message(w, _channel(w, said), said.get("message_ts"))
    place = f"{said['channel']}/p{said['message_ts'].replace('.', '')}"
    return {"permalink": f"https://shop.slack.com/archives/{place}"}


def _shown(message: Said, said: Said) -> Said:
    """Metadata is shown to those who ask for it."""
    wanted = said.get("include_all_metadata") == "true"
    return {name: value for name, value in message.items() if wanted or name != "metadata"}


def _paged(w: "Workspace", rows: list[Said], said: Said) -> Said:
    most = min(int(said.get("limit", 100)), w.page)
    start = int(said.get("cursor") or 0)
    more = start + most < len(rows)
    return {
        "messages": [_shown(row, said) for row in rows[start : start + most]],
        "has_more": more,
        "response_metadata": {"next_cursor": str(start + most) if more else ""},
    }


@method("conversations.replies")
def replies(w: "Workspace", said: Said) -> Said:
    channel = _channel(w, said)
    if said.get("ts") not in w.messages[channel] and not w.thread(channel, said.get("ts", "")):
        raise Refusal("thread_not_found")
    return _paged(w, sorted(w.thread(channel, said["ts"]), key=lambda each: each["ts"]), said)


@method("conversations.history")
def history(w: "Workspace", said: Said) -> Said:
    """The newest first, without what stands in threads."""
    channel = _channel(w, said)
    oldest, latest = said.get("oldest", "0"), said.get("latest", "9" * 12)
    more = said.get("inclusive") == "true"
    rows = [
        each
        for each in w.messages[channel].values()
        if each.get("thread_ts", each["ts"]) == each["ts"]
        and (oldest < each["ts"] < latest or (more and each["ts"] in (oldest, latest)))
    ]
    return _paged(w, sorted(rows, key=lambda each: each["ts"], reverse=True), said)


@method("conversations.info")
def info(w: "Workspace", said: Said) -> Said:
    found = w.channels.get(str(said.get("channel")))
    if found is None:
        raise Refusal("channel_not_found")
    return {"channel": {name: value for name, value in found.items() if name != "member"}}


@method("conversations.open")
def open_direct(w: "Workspace", said: Said) -> Said:
    if said.get("users") not in w.users:
        raise Refusal("user_not_found")
    channel = f"D{said['users'][1:]}"
    if channel not in w.channels:
        w.channel(channel)
    return {"channel": {"id": channel}}


@method("reactions.get")
def marks(w: "Workspace", said: Said) -> Said:
    found = _message(w, _channel(w, said), said.get("timestamp"))
    return {"type": "message", "message": {"ts": found["ts"], "reactions": found.get("reactions", [])}}


@method("reactions.add")
def mark(w: "Workspace", said: Said) -> Said:
    channel = _channel(w, said)
    _message(w, channel, said.get("timestamp"))
    if said["name"] in w.marks(channel, said["timestamp"]):
        raise Refusal("already_reacted")
    w.mark(channel, said["timestamp"], said["name"], BOT, added=True)
    return {}


@method("reactions.remove")
def unmark(w: "Workspace", said: Said) -> Said:
    channel = _channel(w, said)
    _message(w, channel, said.get("timestamp"))
    if said["name"] not in w.marks(channel, said["timestamp"]):
        raise Refusal("no_reaction")
    w.mark(channel, said["timestamp"], said["name"], BOT, added=False)
    return {}


@method("users.info")
def user(w: "Workspace", said: Said) -> Said:
    if said.get("user") not in w.users:
        raise Refusal("user_not_found")
    return {"user": w.users[said["user"]]}


@method("users.lookupByEmail")
def by_email(w: "Workspace", said: Said) -> Said:
    found = [each for each in w.users.values() if each["profile"]["email"] == said.get("email")]
    if not found or found[0]["deleted"]:
        raise Refusal("users_not_found")
    return {"user": found[0]}


def _trigger(w: "Workspace", said: Said) -> None:
    """Once, within three seconds."""
    given = w.triggers.pop(str(said.get("trigger_id")), None)
    if given is None:
        raise Refusal("invalid_trigger_id" if not said.get("trigger_id") else "exchanged_trigger_id")
    if not given:
        raise Refusal("expired_trigger_id")


def _viewed(said: Said, kind: str) -> Said:
    wrong = list(wrong_view(said.get("view", {}), kind))
    if wrong:
        raise Refusal("invalid_arguments", response_metadata={"messages": wrong})
    return dict(said["view"])


@method("views.open")
def open_view(w: "Workspace", said: Said) -> Said:
    view = _viewed(said, "modal")
    _trigger(w, said)
    view |= {"id": f"V{next(w.count)}", "hash": f"h{next(w.count)}", "state": {"values": {}}}
    w.views[view["id"]] = view
    return {"view": view}


@method("views.update")
def update_view(w: "Workspace", said: Said) -> Said:
    view = _viewed(said, "modal")
    known = w.views.get(str(said.get("view_id")))
    if known is None:
        raise Refusal("not_found")
    if said.get("hash") not in (None, known["hash"]):
        raise Refusal("hash_conflict")
    w.views[known["id"]] = {**view, "id": known["id"], "hash": f"h{next(w.count)}"}
    return {"view": w.views[known["id"]]}


@method("views.publish")
def publish(w: "Workspace", said: Said) -> Said:
    if said.get("user_id") not in w.users:
        raise Refusal("user_not_found")
    w.homes[said["user_id"]] = _viewed(said, "home")
    return {"view": w.homes[said["user_id"]]}


@method("usergroups.users.list")
def group(w: "Workspace", said: Said) -> Said:
    if said.get("usergroup") not in w.groups:
        raise Refusal("no_such_subteam")
    return {"users": w.groups[said["usergroup"]]}


@method("usergroups.users.update")
def regroup(w: "Workspace", said: Said) -> Said:
    if said.get("usergroup") not in w.groups:
        raise Refusal("no_such_subteam")
    people = [each for each in str(said.get("users", "")).split(",") if each]
    if not people:
        raise Refusal("no_users_provided")
    if any(each not in w.users for each in people):
        raise Refusal("invalid_users")
    w.groups[said["usergroup"]] = people
    return {"usergroup": {"id": said["usergroup"], "users": people}}

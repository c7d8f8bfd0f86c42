"""Taking in what Slack delivers: kept once and queued, in one transaction; looked at later."""

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from services.effects import crashpoints
from services.effects.actions import enqueue
from services.helpdesk import slack
from services.helpdesk.models import SlackDelivery, SlackLook, SlackPerson, SlackThread

Kind = SlackDelivery.Kind
crashpoints.declare_commit("slack.accepted")
# Fields that say nothing, or a secret of old.
LEFT_OUT = ("token", "authed_users", "authorizations")


@transaction.atomic
def accept(*, kind: str, key: str, what: str, who: str, payload: Mapping[str, Any]) -> SlackDelivery:
    """Keep a delivery and queue looking at it. The same key is the same delivery, however often it comes."""
    clean = {name: storable(value) for name, value in payload.items() if name not in LEFT_OUT}
    given = {"kind": kind, "what": storable(what)[:60], "who": storable(who)[:32], "payload": clean}
    row, made = SlackDelivery.objects.get_or_create(key=short(key), defaults=given)
    if made:
        enqueue(kind=slack.TAKE, key=str(row.pk), payload={"delivery": row.pk}, subject=row)
    crashpoints.around_commit("slack.accepted")
    return row


def short(key: str) -> str:
    """As it is stored: a digest where it would not fit."""
    clean: str = storable(key)
    return clean if len(clean) <= 100 else clean[:30] + hashlib.sha256(clean.encode()).hexdigest()


def digest(data: Any) -> str:
    """Of a whole delivery."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def storable(value: Any) -> Any:
    """As PostgreSQL takes it: no NUL, no half characters, no endless numbers."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {storable(name): storable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [storable(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def concerns(event: Mapping[str, Any]) -> bool:
    """Whether an event is ours to look at: most of what is said in channels is not, and is not kept."""
    kind = event.get("type")
    if kind == "message":
        return not is_ours(event) and _is_heard(event)
    if kind in ("reaction_added", "reaction_removed"):
        wanted = {settings.SLACK_OPENS, settings.SLACK_TAKES, settings.SLACK_CLOSES} - {""}
        return event.get("reaction") in wanted and not is_ours(event)
    return kind in ("app_mention", "app_home_opened", "tokens_revoked", "app_uninstalled") and not is_ours(
        event
    )


def is_ours(event: Mapping[str, Any]) -> bool:
    """Said by an app, ours or another: answering those is how two talk for ever."""
    if event.get("bot_id") or event.get("subtype") == "bot_message":
        return True
    bot = slack.look().bot
    return bool(bot) and event.get("user") == bot


def _is_heard(event: Mapping[str, Any]) -> bool:
    """Said to the app directly, or in a thread that is a ticket's."""
    said = inner(event)
    if is_ours(said):
        return False
    about = [ts for ts in (said.get("thread_ts"), said.get("ts")) if isinstance(ts, str)]
    if SlackThread.objects.filter(channel=str(event.get("channel", ""))[:32], ts__in=about).exists():
        return True
    return event.get("channel_type") == "im" and event.get("subtype") in (None, "file_share")


def inner(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The message that an event is about: of an edit what it is now, of a deletion what it was."""
    name = {"message_changed": "message", "message_deleted": "previous_message"}.get(
        str(event.get("subtype"))
    )
    found = event.get(name) if name else event
    return found if isinstance(found, Mapping) else {}


def held_back() -> None:
    """Slack says that it delivers less than happens; sweeps make up for it."""
    SlackLook.objects.update_or_create(pk=1, defaults={"limited_at": timezone.now()})


def opened_home(slack_id: str) -> None:
    SlackPerson.objects.filter(slack_id=slack_id).update(home_at=timezone.now())


def forget(before: Any) -> None:
    """Drop what was delivered long ago, whatever came of it; not what still waits to be looked at."""
    SlackDelivery.objects.filter(Q(at__lt=before) & ~Q(said="")).delete()

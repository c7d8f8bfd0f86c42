"""Webhooks of registered hosts: nothing in one is believed but that something may have changed."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qs

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from services.integrations.models import GitServer, HostDelivery
from services.integrations.sealing import CannotOpen, Sealer
from services.integrations.signals import proposal_changed
from services.integrations.signatures import IDS, Headers, proves

sealer: Final = Sealer("slipway webhook secret of requests")
KEPT: Final = timedelta(days=14)
EVENTS: Final = {"github": "X-GitHub-Event", "gitlab": "X-Gitlab-Event", "gitea": "X-Gitea-Event"}
READ: Final = "is being looked at"


class Unproved(Exception):
    """It does not prove where it comes from; nothing says why."""


class Unread(Exception):
    """Proved, and yet nothing that can be read."""


@dataclass(frozen=True)
class News:
    key: str
    event: str
    repository: str
    number: int
    branch: str


def accept(*, name: str, headers: Headers, body: bytes) -> str:
    """Take one webhook in and say what became of it. Raises Unproved, and Unread for what is no JSON."""
    server = GitServer.objects.filter(name=name).first()
    proved = proves(server.kind if server else "github", secret_of(server), headers, body)
    if server is None or not proved:
        raise Unproved
    news = news_of(server.kind, headers, body)
    said = take(server, news, hashlib.sha256(body).hexdigest())
    if said == READ:
        proposal_changed.send(
            GitServer, provider=server.name, repo=server.repository, number=news.number, branch=news.branch
        )
    return said


def secret_of(server: GitServer | None) -> str:
    """What its webhooks are signed with; empty when there is none, or it cannot be opened."""
    if server is None or not server.hook_sealed:
        return ""
    try:
        return sealer.unseal(server.hook_sealed)
    except CannotOpen:
        return ""


@transaction.atomic
def take(server: GitServer, news: News, digest: str) -> str:
    """Remember the delivery, once: neither its id nor its body counts twice."""
    server = GitServer.objects.select_for_update(of=("self",)).get(pk=server.pk)
    now = timezone.now()
    GitServer.objects.filter(pk=server.pk).update(hook_at=now)
    server.deliveries.filter(at__lt=now - KEPT).delete()
    if server.deliveries.filter(Q(key=news.key) | Q(digest=digest)).exists():
        return "already taken in"
    said = _judged(server, news)
    HostDelivery.objects.create(server=server, key=news.key, digest=digest, event=news.event, said=said)
    return said


def _judged(server: GitServer, news: News) -> str:
    if news.event == "ping":
        return "pong"
    if news.repository.lower() != server.repository.lower():
        return "ignored: another repository"
    return READ


def news_of(kind: str, headers: Headers, body: bytes) -> News:
    """Which pull request or branch it is about; what is missing means: look at all of them."""
    data = _parsed(headers.get("Content-Type", ""), body)
    digest = hashlib.sha256(body).hexdigest()
    about = _part(data, "project" if kind == "gitlab" else "repository")
    return News(
        key=_text(next((headers[name] for name in IDS[kind] if headers.get(name)), digest))[:100],
        event=_text(headers.get(EVENTS[kind], ""))[:60].lower(),
        repository=_text(about.get("full_name") or about.get("path_with_namespace")),
        number=_number(data),
        branch=_text(data.get("ref")).removeprefix("refs/heads/"),
    )


def _number(data: Mapping[str, Any]) -> int:
    """Of the pull request, wherever the host says it."""
    places = [_part(data, "pull_request"), _part(data, "issue"), _part(data, "merge_request")]
    if data.get("object_kind") == "merge_request":
        places.append(_part(data, "object_attributes"))
    found = [place.get("number") or place.get("iid") for place in places]
    return next((each for each in found if isinstance(each, int)), 0)


def _part(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = data.get(name)
    return found if isinstance(found, dict) else {}


def _text(value: Any) -> str:
    return value.replace("\x00", "") if isinstance(value, str) else ""


def _parsed(content_type: str, body: bytes) -> dict[str, Any]:
    """The JSON of a body, as it is or in the form field `payload`, as GitHub may send it."""
    try:
        text = body.decode()
        if content_type.startswith("application/x-www-form-urlencoded"):
            text = parse_qs(text, strict_parsing=True)["payload"][0]
        data = json.loads(text)
    except (ValueError, KeyError, RecursionError) as error:
        raise Unread from error
    if not isinstance(data, dict):
        raise Unread
    return data

"""Webhooks of registered hosts: nothing in one is believed but that something may have changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from services.integrations import deliveries
from services.integrations.deliveries import Unproved as Unproved
from services.integrations.deliveries import Unread as Unread
from services.integrations.models import GitServer, HostDelivery
from services.integrations.sealing import CannotOpen, Sealer
from services.integrations.signals import proposal_changed
from services.integrations.signatures import Headers, proves

sealer: Final = Sealer("slipway webhook secret of requests")
KEPT: Final = timedelta(days=14)
READ: Final = "is being looked at"


@dataclass(frozen=True)
class News:
    key: str
    digest: str
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
    said = take(server, news)
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
def take(server: GitServer, news: News) -> str:
    """Remember the delivery, once: neither its id nor its body counts twice."""
    server = GitServer.objects.select_for_update(of=("self",)).get(pk=server.pk)
    now = timezone.now()
    GitServer.objects.filter(pk=server.pk).update(hook_at=now)
    server.deliveries.filter(at__lt=now - KEPT).delete()
    if server.deliveries.filter(Q(key=news.key) | Q(digest=news.digest)).exists():
        return "already taken in"
    said = _judged(server, news)
    HostDelivery.objects.create(server=server, key=news.key, digest=news.digest, event=news.event, said=said)
    return said


def _judged(server: GitServer, news: News) -> str:
    if news.event == "ping":
        return "pong"
    if news.repository.lower() != server.repository.lower():
        return "ignored: another repository"
    return READ


def news_of(kind: str, headers: Headers, body: bytes) -> News:
    """Which pull request or branch it is about; what is missing means: look at all of them."""
    told = deliveries.read(kind, headers, body)
    return News(told.key, told.digest, told.event, told.repository, _number(told.data), told.branch)


def _number(data: Mapping[str, Any]) -> int:
    """Of the pull request, wherever the host says it."""
    places = [deliveries.part(data, name) for name in ("pull_request", "issue", "merge_request")]
    if data.get("object_kind") == "merge_request":
        places.append(deliveries.part(data, "object_attributes"))
    found = [place.get("number") or place.get("iid") for place in places]
    return next((each for each in found if isinstance(each, int)), 0)

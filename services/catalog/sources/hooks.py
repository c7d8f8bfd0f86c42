"""Webhooks: proving who sent one, reading what it is about, and asking for what it says changed.

Nothing in a webhook is believed but that something may have changed: the source is read as it is by then.
"""

import secrets
from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from services.audit.actions import record
from services.catalog.actions import looking
from services.catalog.models import Delivery, ImportRun, Source
from services.catalog.refusals import Refused
from services.catalog.signals import pull_told
from services.integrations import deliveries
from services.integrations.deliveries import Pull, Told
from services.integrations.deliveries import Unproved as Unproved
from services.integrations.deliveries import Unread as Unread
from services.integrations.sealing import CannotOpen, Sealer
from services.integrations.signatures import proves

Person = Any
Headers = Mapping[str, str]
sealer: Final = Sealer("slipway webhook secret")
PUSHES: Final = ("push", "push hook", "system hook", "repository_update")
READ, TOLD = "is being read", "is being looked at"
MOVES: Final = ("repository", "create", "delete", "project_rename", "repository hook")


def accept(*, provider: str, pk: int, headers: Headers, body: bytes) -> str:
    """Take one webhook in and say what became of it. Raises Unproved, and Unread for what is no JSON."""
    source = Source.objects.filter(pk=pk, removed_at=None, hook_provider=provider).first()
    proved = proves(provider, secret_of(source), headers, body)
    if source is None or not proved:
        raise Unproved
    return take(source=source, news=deliveries.read(provider, headers, body))


def secret_of(source: Source | None) -> str:
    """What the source's webhooks are signed with; empty when there is none, or it cannot be opened."""
    if source is None or not source.hook_sealed:
        return ""
    try:
        return sealer.unseal(source.hook_sealed)
    except CannotOpen:
        return ""


@transaction.atomic
def take(*, source: Source, news: Told) -> str:
    """Remember the delivery and ask for what it is about, once: neither its id nor its body counts twice."""
    source = Source.objects.select_for_update(of=("self",)).get(pk=source.pk)
    source.hook_at = timezone.now()
    source.save(update_fields=["hook_at"])
    if Delivery.objects.filter(Q(key=news.key) | Q(digest=news.digest), source=source).exists():
        return "already taken in"
    said = _ask(source, news)
    Delivery.objects.create(source=source, key=news.key, digest=news.digest, event=news.event, said=said)
    return said


def _ask(source: Source, news: Told) -> str:
    if news.event == "ping":
        return "pong"
    pull = deliveries.pull_of(news)
    if pull is None and news.event not in (*PUSHES, *MOVES):
        return "ignored: not about files"
    if not source.is_steady:
        return "ignored: the source is paused"
    if pull is not None:
        return _tell(source, news, pull)
    if news.event in PUSHES and not _concerns(source, news):
        return "ignored: not what this source reads"
    name = news.repository if source.kind == Source.Kind.ORGANISATION and news.event in PUSHES else ""
    looking.ask(source=source, trigger=ImportRun.Trigger.WEBHOOK, name=name)
    return READ


def _tell(source: Source, news: Told, pull: Pull) -> str:
    """Who makes previews of pull requests stands above; here it is only judged whose it can be."""
    own = _inside if source.kind == Source.Kind.ORGANISATION else _is_of
    if not own(source, pull.repository):
        return "ignored: not what this source reads"
    pull_told.send(Source, source=source, pull=pull, key=news.key)
    return TOLD


def _inside(source: Source, repository: str) -> bool:
    return repository.lower().startswith(f"{source.location.lower()}/")


def _is_of(source: Source, repository: str) -> bool:
    """Whoever holds the secret of one repository speaks for no other; a folder here is nobody's there."""
    address = source.location.lower().rstrip("/").removesuffix(".git").replace(":", "/")
    return source.kind == Source.Kind.GIT and address.endswith(f"/{repository.lower()}")


def _concerns(source: Source, news: Told) -> bool:
    """Whether a push is of the branch that is read, of a repository of the organisation; in doubt it is."""
    branch = source.branch or news.default_branch
    if branch and news.branch and news.branch != branch:
        return False
    if source.kind == Source.Kind.ORGANISATION and news.repository:
        return _inside(source, news.repository)
    return True


@transaction.atomic
def set_hook(*, source: Source, provider: str, by: Person) -> str:
    """Let a git host's webhooks in, or nobody's with no provider; the secret is told this once.

    Refuses a source that nobody reads by itself.
    """
    source = Source.objects.select_for_update(of=("self",)).get(pk=source.pk)
    if not source.is_hooked or source.removed_at:
        raise Refused("Nothing looks at this source by itself.")
    secret = secrets.token_urlsafe(32) if provider else ""
    source.hook_provider, source.hook_sealed = provider, sealer.seal(secret) if secret else ""
    source.save(update_fields=["hook_provider", "hook_sealed"])
    told = f"Webhooks of {source}: {provider or 'off'}"
    record(by=by, action="catalog.webhook_set", obj=source, summary=told)
    return secret

"""Registering git hosts of others, and seeing whether their credentials do what is needed and no more."""

import secrets
from dataclasses import asdict
from typing import Any

from django.db import transaction
from django.utils import timezone

from services.audit import actions as audit
from services.integrations.errors import IntegrationError
from services.integrations.githosts import hooks, servers
from services.integrations.githosts.base import Rights
from services.integrations.models import GitServer

Person = Any


class NotAllowed(Exception):
    """Only those who run the platform register git hosts."""


class NotReady(Exception):
    """It cannot take requests yet."""


def _refuse_others(by: Person) -> None:
    if not by.is_platform:
        raise NotAllowed("Those who run the platform look after git hosts.")


@transaction.atomic
def register_server(*, by: Person, secret: str = "", **said: str) -> GitServer:
    """A new host, its token sealed. Refuses NotAllowed. Whether it answers is checked later."""
    _refuse_others(by)
    sealed = servers.sealer.seal(secret) if secret else ""
    row = GitServer.objects.create(**said, secret_sealed=sealed, created_by=by)
    audit.record(by=by, action="githost.registered", obj=row, summary=f"{row} at {row.address}")
    return row


@transaction.atomic
def replace_secret(*, by: Person, server: GitServer, secret: str) -> None:
    """Another token, or key of the app. Refuses NotAllowed."""
    _refuse_others(by)
    server.secret_sealed = servers.sealer.seal(secret)
    server.save(update_fields=["secret_sealed"])
    audit.record(by=by, action="githost.secret_replaced", obj=server, summary=str(server))


def check(server: GitServer) -> GitServer:
    """Asks the host what the credential may do, and writes it down."""
    rights, problem = Rights(""), ""
    try:
        host = servers.opened(server)
        rights = host.rights(server.repository)
        host.head(server.repository)
    except IntegrationError as error:
        problem = str(error)
    for name, value in asdict(rights).items():
        setattr(server, name, list(value) if isinstance(value, tuple) else value)
    server.problem, server.checked_at = problem, timezone.now()
    server.save(update_fields=[*asdict(rights), "problem", "checked_at"])
    return server


@transaction.atomic
def take_requests(*, by: Person, server: GitServer, takes: bool) -> None:
    """New requests are proposed there from now on, or on the built-in host; those under way stay.

    Refuses NotAllowed, and NotReady for a host that was not checked or does not do what is needed.
    """
    _refuse_others(by)
    if takes and (not server.checked_at or server.problem or server.missing):
        raise NotReady("Check it first: requests go only where the check finds nothing missing.")
    GitServer.objects.filter(takes_requests=True).update(takes_requests=False)
    server.takes_requests = takes
    server.save(update_fields=["takes_requests"])
    told = f"New requests go to {server if takes else 'the built-in git host'}"
    audit.record(by=by, action="githost.takes_requests", obj=server, summary=told)


@transaction.atomic
def set_hook(*, by: Person, server: GitServer) -> str:
    """A new secret for its webhooks, told this once; the old one counts no more. Refuses NotAllowed."""
    _refuse_others(by)
    secret = secrets.token_urlsafe(32)
    server.hook_sealed = hooks.sealer.seal(secret)
    server.save(update_fields=["hook_sealed"])
    audit.record(by=by, action="githost.webhook_set", obj=server, summary=str(server))
    return secret

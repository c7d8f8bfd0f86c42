"""What a hand does when told: people's actions as a web process runs them, effects as a worker does."""

from collections.abc import Callable
from typing import Any

from django.http.request import HttpHeaders

from services.accounts.models import User
from services.catalog import actions as catalog
from services.catalog.actions import looking
from services.catalog.models import Source
from services.catalog.sources import hooks
from services.effects import tasks as effect_tasks
from services.effects import worker
from services.effects.handlers import Claim, handler_for
from services.effects.models import Effect
from services.onboarding import actions, tasks
from services.onboarding.errors import NotAllowed
from services.onboarding.models import Request
from tests.faults.imports import webhook

APPROVERS = ("sam", "priya")


def _person(username: str) -> User:
    return User.objects.get(username=username)


def submit(token: str, by: str, answers: dict[str, Any]) -> dict[str, Any]:
    row = actions.submit(by=_person(by), blueprint="web-service", answers=answers, token=token)
    return {"pk": row.pk, "ref": row.ref}


def approve(pk: int, tree_hash: str) -> dict[str, Any]:
    """Says yes as whoever may."""
    refused: NotAllowed | None = None
    for username in APPROVERS:
        try:
            actions.approve(request=Request(pk=pk), by=_person(username), tree_hash=tree_hash)
        except NotAllowed as error:
            refused = error
        else:
            return {"by": username}
    raise AssertionError(f"nobody may approve: {refused}")


def comment(pk: int, key: str) -> dict[str, Any]:
    row = actions.comment(request=Request(pk=pk), by=_person("sam"), body=f"Good: {key}", key=key)
    return {"version": row.version}


def merge(pk: int, head: str, by: str) -> dict[str, Any]:
    row = actions.merge(request=Request(pk=pk), by=_person(by), head=head)
    return {"version": row.version}


def withdraw(pk: int, by: str) -> dict[str, Any]:
    return {"state": actions.withdraw(request=Request(pk=pk), by=_person(by)).state}


def retry(pk: int, by: str) -> dict[str, Any]:
    return {"state": actions.retry(request=Request(pk=pk), by=_person(by)).state}


def retry_effect(effect: int) -> dict[str, Any]:
    from services.effects.actions import retry as again

    return {"state": again(effect=Effect(pk=effect), by=_person("priya")).state}


def look(token: str, location: str) -> dict[str, Any]:
    """Has a repository read, and lets its host report to it."""
    by = _person("priya")
    source = catalog.find_or_create_source(kind=Source.Kind.GIT, title=token, by=by, location=location)
    if not source.hook_sealed:
        hooks.set_hook(source=source, provider="github", by=by)
        Source.objects.filter(pk=source.pk).update(auto_apply=True)
    return {"effect": looking.read_now(source=source, by=by).pk}


def hook(token: str) -> dict[str, Any]:
    """As the view does that takes webhooks in."""
    source = Source.objects.get(title=token)
    headers, body = webhook(hooks.secret_of(source), token)
    return {
        "said": hooks.accept(provider="github", pk=source.pk, headers=HttpHeaders(_meta(headers)), body=body)
    }


def _meta(headers: dict[str, str]) -> dict[str, str]:
    return {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}


def run(effect: int) -> dict[str, Any]:
    """As `effects.run` does when the bell rings."""
    return {"ran": worker.run_one(effect)}


def rerun(effect: int) -> dict[str, Any]:
    """The handler alone once more, as a worker would that believes it still holds the row."""
    row = Effect.objects.get(pk=effect)
    handler = handler_for(row.kind)
    assert handler is not None
    handler.run(Claim(row.pk, row.kind, row.key, row.payload, row.attempts, 0))
    return {}


def follow(entity_ref: str) -> dict[str, Any]:
    tasks.follow_entity(entity_ref)
    return {}


def sweep() -> dict[str, Any]:
    return {"count": effect_tasks.sweep()}


ACTS: dict[str, Callable[..., dict[str, Any]]] = {
    each.__name__: each
    for each in (
        submit,
        approve,
        comment,
        merge,
        withdraw,
        retry,
        retry_effect,
        look,
        hook,
        run,
        rerun,
        follow,
        sweep,
    )
}

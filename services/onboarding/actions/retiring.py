"""Taking away what runs, by a pull request like any other, and bringing it back."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from services.accounts.models import User
from services.catalog.models import Entity
from services.integrations import githosts
from services.integrations.errors import IntegrationError
from services.manifests.reader import load_all

from .. import queries, rules
from ..errors import HostSilent, NameTaken, NotAllowed, ReasonMissing, WrongState
from ..models import APART, Request, State
from . import writing
from .moves import move

SILENT = "The git host does not answer. Nothing was done; try again in a moment."


def retire(*, entity_ref: str, by: User, reason: str) -> Request:
    """Asks for everything of a service to go: its files first, then what runs, then its place in the catalog.

    A second call finds the same request. Refuses: no reason, somebody else's (NotAllowed), what no form made
    (NotOnboarded), while another request for it is open (WrongState), while the git host is silent
    (HostSilent).
    """
    entity = writing.entity_of(entity_ref)
    writing.check_change(by, entity)
    if not reason.strip():
        raise ReasonMissing("Please say why: those who miss it will ask.")
    if under_way := _under_way(entity.ref, Request.Kind.RETIRE):
        return under_way
    try:
        found = queries.retirement(entity, by)
    except IntegrationError as error:
        raise HostSilent(SILENT) from error
    said = {
        "kind": Request.Kind.RETIRE, "title": f"Retire {entity.name}", "answers": {"reason": reason.strip()},
        "removed": sorted(found.files), "base_sha": found.base, "tree_hash": found.tree_hash,
        "needs": found.needs, "environments": found.environments,
    }  # fmt: skip
    return _send(entity.ref, found.blueprint, by, said, summary=reason.strip())


def bring_back(*, request: Request, by: User) -> Request:
    """Asks for what was retired to come back as it was. A second call finds the same request.

    Refuses: after 30 days, other people's (NotAllowed), when something of that name is there again
    (WrongState), while the git host is silent (HostSilent).
    """
    if queries.undo_until(request) is None:
        raise WrongState(f"{request.ref} cannot be brought back any more.")
    if not rules.can_bring_back(by, request):
        raise NotAllowed(
            f"{request.team} and the platform team bring it back.", ask=[str(request.created_by)]
        )
    if under_way := _under_way(request.entity_ref, Request.Kind.RESTORE):
        return under_way
    try:
        files = _as_they_were(request)
    except IntegrationError as error:
        raise HostSilent(SILENT) from error
    said = {
        "kind": Request.Kind.RESTORE, "title": f"Bring back {request.entity_name}",
        "answers": {"reason": f"Undoes {request.ref}"}, "files": files, "base_sha": queries.base_of(request),
        "tree_hash": queries.hash_of(request.base_sha, {path: text.encode() for path, text in files.items()}),
        "environments": request.environments, "entity": descriptor(request, files),
    }  # fmt: skip
    return _send(request.entity_ref, request.blueprint, by, said, summary=f"Undoes {request.ref}")


def _under_way(ref: str, kind: str) -> Request | None:
    row = Request.objects.open().about(ref).exclude(kind__in=APART).first()
    if row is not None and (row.kind != kind or row.entity_ref != ref):
        raise WrongState(f"{row.ref} is open for {row.entity_name}. Let it end, or withdraw it first.")
    return row


@transaction.atomic
def _send(ref: str, blueprint: str, by: User, said: dict[str, Any], *, summary: str) -> Request:
    list(Entity.objects.select_for_update().filter(ref=ref))
    if under_way := _under_way(ref, said["kind"]):
        return under_way
    row = writing.draft_for(by, blueprint, "", None)
    for name, value in said.items():
        setattr(row, name, value)
    row.entity_ref, row.team = ref, writing.team_of(ref, by)
    row.digest = queries.digest_of(blueprint)
    row.generation, row.submitted_at = 1, timezone.now()
    try:
        with transaction.atomic():
            move(row, State.SUBMITTED, by=by, action="submitted", summary=summary, generation=1)
    except IntegrityError as error:
        if "onboarding_request_entity_once" not in str(error):
            raise
        raise NameTaken(f"Another open request is for {row.entity_name}.") from error
    writing.send_on(row)
    return row


def _as_they_were(request: Request) -> dict[str, str]:
    host = githosts.get(request.provider)
    now, before = host.reader(request.repo), host.reader(request.repo, request.base_sha)
    if again := [path for path in request.removed if now(path) is not None]:
        raise WrongState(f"{again[0]} is in the repository again: there is nothing to bring back.")
    texts = {path: before(path) for path in request.removed}
    return {path: text.decode() for path, text in texts.items() if text is not None}


def descriptor(request: Request, files: dict[str, str]) -> dict[str, Any]:
    """The entity as its file described it."""
    for path, text in files.items():
        for document in load_all(text.encode(), path) if path.endswith(".yaml") else ():
            about = document.data.get("metadata") if isinstance(document.data, dict) else None
            ours = isinstance(about, dict) and about.get("name") == request.entity_name
            if ours and str(document.data.get("apiVersion")).startswith("backstage.io/"):
                return dict(document.data)
    return {}

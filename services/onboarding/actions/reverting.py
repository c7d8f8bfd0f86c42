"""Taking back what a request brought: the reverse of its commit, by a pull request like any other."""

from collections.abc import Mapping

from django.db import transaction
from django.utils import timezone

from services.accounts.models import User
from services.integrations import githosts
from services.integrations.errors import IntegrationError

from .. import queries, rules
from ..errors import HostSilent, NotAllowed, ReasonMissing, Refusal, WrongState
from ..models import Request, State
from . import retiring, writing
from .moves import locked, move, note


def revert(*, request: Request, by: User, reason: str) -> Request:
    """Proposes the reverse of what was merged for a request, over what is in the repository now.

    A second call finds the same request. What changed since in the same places is a conflict, which the pull
    request shows. Refuses: no reason, what was not merged or has a way back of its own (WrongState), other
    people's (NotAllowed), while the git host is silent (HostSilent), what is no text (Refusal).
    """
    if not reason.strip():
        raise ReasonMissing("Please say why: whoever asked for it will want to know.")
    if found := queries.reverting(request):
        return found
    if not rules.can_revert(by, request):
        _refuse(request)
    try:
        files = _before(request)
    except IntegrationError as error:
        raise HostSilent(retiring.SILENT) from error
    return _send(request, by, files, reason.strip())


def _refuse(request: Request) -> None:
    if not rules.is_revertible(request):
        raise WrongState(
            f"{request.ref} is {request.get_state_display().lower()}; there is nothing to revert."
        )
    raise NotAllowed(f"{request.team} and the platform team revert this.", ask=[str(request.created_by)])


def _before(request: Request) -> dict[str, str | None]:
    """What the merge commit touched, as it was before it; None for what was not there."""
    host = githosts.get(request.provider)
    commit = next(iter(host.log(request.repo, request.merge_sha, limit=1)))
    if not commit.parents:
        raise WrongState("It is the first commit of the repository: there is nothing before it.")
    then, now = host.reader(request.repo, commit.parents[0]), host.reader(request.repo, request.merge_sha)
    paths = [each.path for each in host.diff(request.repo, request.pull_number or 0)]
    texts = {path: then(path) for path in paths if then(path) != now(path)}
    if not texts:
        raise WrongState(f"{request.ref} changed nothing that could be taken back.")
    return {path: _text(path, content) for path, content in texts.items()}


def _text(path: str, content: bytes | None) -> str | None:
    try:
        return None if content is None else content.decode()
    except UnicodeDecodeError as error:
        raise Refusal(f"{path} is no text. Revert the commit in the repository itself.") from error


@transaction.atomic
def _send(request: Request, by: User, files: Mapping[str, str | None], reason: str) -> Request:
    old = locked(request)
    if found := queries.reverting(old):
        return found
    row = writing.draft_for(by, old.blueprint, "", None)
    back = {path: text for path, text in files.items() if text is not None}
    row.kind, row.reverts, row.title = Request.Kind.REVERT, old.number, f"Revert {old.ref}: {old.title}"[:200]
    row.answers = {"reason": reason, "reverts": old.ref}
    row.files, row.removed = back, sorted(set(files) - set(back))
    row.provider, row.repo, row.base_sha = old.provider, old.repo, old.merge_sha
    row.tree_hash = queries.hash_of(
        old.merge_sha, {path: (text or "").encode() for path, text in files.items()}
    )
    row.entity_ref, row.environments, row.team = old.entity_ref, old.environments, old.team
    row.entity, row.digest = retiring.descriptor(old, back), old.digest
    row.generation, row.submitted_at = 1, timezone.now()
    move(row, State.SUBMITTED, by=by, action="submitted", summary=reason, generation=1)
    note(old, by=by, action="revert_asked", summary=row.ref)
    writing.send_on(row)
    return row

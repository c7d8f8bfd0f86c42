"""Requests that are no form: what others worked out for a set of services goes the way of every request."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from services.accounts.models import Team, User

from .. import queries
from ..errors import NameTaken
from ..models import Request, State
from . import writing
from .moves import move


@dataclass(frozen=True)
class Wanted:
    """`ref` names what it is about, for which one request is open; `base` is the commit it was made on."""

    kind: Request.Kind
    title: str
    ref: str
    team: Team
    environments: Sequence[str]
    base: str
    reason: str = ""
    needs: Sequence[dict[str, Any]] = ()
    findings: Sequence[dict[str, Any]] = ()
    removed: Sequence[str] = ()
    answers: Mapping[str, Any] = field(default_factory=dict)


@transaction.atomic
def ask_for_set(*, by: User, wanted: Wanted, render: Callable[[Request], Mapping[str, str]]) -> Request:
    """Sends a request whose files `render` makes, for they name it. Refuses (NameTaken) a second open one."""
    row = writing.draft_for(by, wanted.kind.value, "", None)
    row.kind, row.title, row.base_sha = wanted.kind, wanted.title[:200], wanted.base
    row.entity_ref, row.team, row.environments = wanted.ref, wanted.team, list(wanted.environments)
    row.answers = {**wanted.answers, "reason": wanted.reason}
    row.needs, row.findings, row.removed = list(wanted.needs), list(wanted.findings), sorted(wanted.removed)
    row.files = dict(render(row))
    contents = {path: text.encode() for path, text in row.files.items()} | dict.fromkeys(row.removed, b"")
    row.tree_hash = queries.hash_of(row.base_sha, contents)
    row.generation, row.submitted_at = 1, timezone.now()
    try:
        with transaction.atomic():
            move(row, State.SUBMITTED, by=by, action="submitted", summary=wanted.reason, generation=1)
    except IntegrityError as error:
        if "onboarding_request_entity_once" not in str(error):
            raise
        raise NameTaken(f"Another request for {row.entity_name} is open.") from error
    writing.send_on(row)
    return row

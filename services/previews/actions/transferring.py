"""Bringing a set to another environment, and ticking off a move."""

import dataclasses
import json

from django.db import transaction
from django.utils import timezone

from services.accounts.models import User
from services.audit import actions as audit
from services.clusters.models import Environment
from services.integrations.errors import IntegrationError
from services.onboarding import actions as onboarding
from services.onboarding.errors import HostSilent, NotAllowed
from services.onboarding.models import Request

from .. import planning, rules
from ..errors import Forbidden, Impossible
from ..models import Transfer
from ..planning import Elsewhere, Wish, plans
from ..transfers import CHECKLIST


def transfer(*, by: User, wish: Wish, target: Environment, move: bool = False) -> Transfer:
    """Asks for what the target lacks of a set. What is there stays as it is; nothing goes from the base.

    Refuses: not one's service (NotAllowed), nothing missing there (Impossible), what guardrails stop
    (Forbidden), the same while a request for it is open (NameTaken), a silent git host (HostSilent).
    """
    if not rules.can_ask(by, wish.entity):
        raise NotAllowed(f"{wish.entity.name} is copied by those it belongs to.")
    try:
        found = planning.elsewhere(wish, target)
    except IntegrationError as error:
        raise HostSilent("The git host does not answer. Nothing was done; try again in a moment.") from error
    if not found.added:
        raise Impossible(f"{target} has everything of it already.")
    if found.blocked:
        worst = next(each for each in found.findings if each.severity == "block")
        raise Forbidden(f"{worst.object}: {worst.message}.")
    return _ask(by, found, move)


@transaction.atomic
def _ask(by: User, found: Elsewhere, move: bool) -> Transfer:
    wish, target = found.wish, found.target
    word = "Move" if move else "Copy"
    wanted = onboarding.Wanted(
        kind=Request.Kind.COPY, title=f"{word} {wish.entity.name} to {target}", team=wish.team,
        ref=f"copy:default/{wish.entity.name}-to-{target.name}", environments=[target.name],
        base=found.gathered.base, needs=found.needs,
        reason=f"{len(found.added)} services from {wish.base} to {target}",
        findings=[json.loads(json.dumps(dataclasses.asdict(each), default=str)) for each in found.findings],
        answers={"services": [each.name for each in found.added], "base": wish.base.name},
    )  # fmt: skip
    row = onboarding.ask_for_set(by=by, wanted=wanted, render=lambda request: _rendered(found, request))
    made = Transfer.objects.create(
        root_ref=wish.entity.ref, refs=[each.ref for each in found.added], base=wish.base.name,
        target=target.name, is_move=move, request=row, team=wish.team, created_by=by,
    )  # fmt: skip
    audit.record(by=by, action="transfer.asked", obj=made, summary=wanted.title)
    return made


def _rendered(found: Elsewhere, request: Request) -> dict[str, str]:
    for item in found.copied.items:
        item.data["metadata"].setdefault("annotations", {})[plans.REQUEST] = request.ref
    return found.files


@transaction.atomic
def tick(*, transfer: Transfer, by: User, key: str, done: bool) -> Transfer:
    """Ticks a point of a move's checklist, or takes the tick back; who and when is kept.

    Refuses: no such point (Impossible), those it does not belong to (NotAllowed).
    """
    row = Transfer.objects.select_for_update(of=("self",)).select_related("team").get(pk=transfer.pk)
    points = dict(CHECKLIST)
    if key not in points or not row.is_move:
        raise Impossible("There is no such point.")
    if not rules.can_tick(by, row):
        raise NotAllowed(f"{row.team} moves it.", ask=[str(row.created_by)])
    if bool(row.ticks.get(key)) == done:
        return row
    at = timezone.localtime().isoformat(timespec="minutes")
    row.ticks = {**row.ticks, key: {"by": str(by), "at": at} if done else None}
    row.save(update_fields=["ticks"])
    action = "transfer.ticked" if done else "transfer.unticked"
    audit.record(by=by, action=action, obj=row, summary=points[key])
    return row

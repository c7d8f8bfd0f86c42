"""Leading the traffic of a moved set over, share by share, and back: by pull requests like anything."""

import dataclasses
import json

from django.db import transaction
from django.utils import timezone

from services.accounts.models import User
from services.audit import actions as audit
from services.integrations.errors import IntegrationError
from services.onboarding import actions as onboarding
from services.onboarding.errors import HostSilent, NotAllowed, WrongState
from services.onboarding.models import TERMINAL, Request, State

from .. import planning, rules
from ..errors import Forbidden, Impossible
from ..models import Transfer
from ..planning.traffic import WEIGHTS, WORDS, Shift
from ..transfers import CHECKLIST

FIRST = ("alike", "data", "secrets")


def shift(*, transfer: Transfer, by: User, share: int) -> Request:
    """Asks for `share` in a hundred of what comes in to go to the target; 0 leads all of it back.

    Refuses: those it does not belong to (NotAllowed), a copy, no routes, a share its means cannot
    (Impossible), what is not there yet or waits, points of the checklist that come before (WrongState), what
    guardrails stop (Forbidden), while the git host is silent (HostSilent).
    """
    _check(transfer, by, share)
    try:
        found = planning.shift(transfer, share)
    except IntegrationError as error:
        raise HostSilent("The git host does not answer. Nothing was done; try again in a moment.") from error
    if found.blocked and share:  # the way back is never barred
        worst = next(each for each in found.findings if each.severity == "block")
        raise Forbidden(f"{worst.object}: {worst.message}.")
    if share and (early := _open_points(transfer, found.how)):
        raise WrongState(f"These come first: {'; '.join(early)}.")
    if not found.files:
        raise WrongState(f"{share} % go to {transfer.target} already.")
    return _ask(transfer, by, found)


def _check(transfer: Transfer, by: User, share: int) -> None:
    if not rules.can_tick(by, transfer):
        raise NotAllowed(f"{transfer.team} moves it.", ask=[str(transfer.created_by)])
    if not transfer.is_move:
        raise Impossible("It is copied, not moved: what comes in stays where it is.")
    if transfer.request.state != State.LIVE:
        raise WrongState(f"It has to run in {transfer.target} first: {transfer.request.ref} is not through.")


def _open_points(transfer: Transfer, how: str) -> list[str]:
    wanted = FIRST if how == WEIGHTS else (*FIRST, "ttl")
    return [
        text.partition(":")[0] for key, text in CHECKLIST if key in wanted and not transfer.ticks.get(key)
    ]


@transaction.atomic
def _ask(transfer: Transfer, by: User, found: Shift) -> Request:
    row = Transfer.objects.select_for_update(of=("self",)).get(pk=transfer.pk)
    open_one = row.shift_request
    if open_one is not None and open_one.state not in TERMINAL:
        raise WrongState(f"{open_one.ref} is under way; wait for it, or withdraw it.")
    title = (
        f"Lead {found.share} % of {row.root_name} to {row.target}" if found.share
        else f"Lead {row.root_name} back to {row.base}"
    )  # fmt: skip
    files = {path: text for path, text in found.files.items() if text is not None}
    wanted = onboarding.Wanted(
        kind=Request.Kind.COPY, title=title, team=row.team, base=found.base, needs=found.needs,
        ref=f"traffic:default/{row.root_name}-to-{row.target}", environments=[row.target, row.base],
        removed=[path for path, text in found.files.items() if text is None],
        reason=f"{found.share} % {WORDS[found.how].partition(':')[0]}", answers={"share": found.share},
        findings=[json.loads(json.dumps(dataclasses.asdict(each), default=str)) for each in found.findings],
    )  # fmt: skip
    request = onboarding.ask_for_set(by=by, wanted=wanted, render=lambda made: files)
    row.shift_request, row.traffic_next = request, found.traffic
    row.save(update_fields=["shift_request", "traffic_next"])
    audit.record(by=by, action="transfer.shifted", obj=row, summary=title)
    return request


def moved(request: Request) -> None:
    """A request that leads traffic over ended, within its transaction: what is true now is written down."""
    for row in Transfer.objects.select_for_update(of=("self",)).filter(shift_request=request):
        if request.merge_sha:
            row.traffic = row.traffic_next
        row.shift_request, row.traffic_next = None, {}
        if request.state == State.LIVE:
            _tick(row, request)
        row.save(update_fields=["shift_request", "traffic", "traffic_next", "ticks"])


def _tick(row: Transfer, request: Request) -> None:
    """The point that says that all of it goes there; led back, those that said so are open again."""
    at = timezone.localtime().isoformat(timespec="minutes")
    share = row.share
    row.ticks = {
        **row.ticks,
        "all": {"by": request.ref, "at": at} if share == 100 else None,
        **({} if share else {"some": None}),
    }

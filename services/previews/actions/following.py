"""Previews that follow a pull request: brought up by it, showing its newest image, gone when it is."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping

from django.db import transaction

from services.accounts.models import User
from services.audit import actions as audit
from services.catalog import queries as catalog
from services.clusters.models import Environment
from services.effects.actions import enqueue
from services.integrations.errors import IntegrationError
from services.onboarding import actions as onboarding
from services.onboarding.errors import HostSilent, Refusal, WrongState
from services.onboarding.models import ACTIVE, TERMINAL, Request, State

from .. import planning
from ..errors import Forbidden, Impossible
from ..models import Preview
from ..planning import Plan, Wish
from .asking import IMAGE, Lease, _images, _reason, ask, rendered
from .living import _mine, locked

OPENED, UPDATED, UNCHANGED = "opened", "updated", "unchanged"


def ask_once(*, by: User, wish: Wish, lease: Lease) -> tuple[Preview, str]:
    """The preview of a pull request, or of a name, brought up or, where it stands, up to date.

    Asked twice there is one. Refuses as `ask`, and (NotAllowed) the standing one of others.
    """
    if found := _standing(wish, lease):
        if found.is_going:
            raise WrongState(f"{found.name} is going just now; ask again when it is gone.")
        if not wish.images or found.wanted_images == wish.images or found.images == wish.images:
            _mine_for(found, by)
            return found, UNCHANGED
        return show(preview=found, by=by, images=wish.images), UPDATED
    return ask(by=by, wish=wish, lease=lease), OPENED


def _standing(wish: Wish, lease: Lease) -> Preview | None:
    rows = Preview.objects.standing().for_page().filter(root_ref=wish.entity.ref)
    return (rows.filter(pull=lease.pull) if lease.pull else rows.filter(name=wish.name)).first()


@transaction.atomic
def _mine_for(row: Preview, by: User) -> Preview:
    return _mine(row, by)


@transaction.atomic
def show(*, preview: Preview, by: User, images: Mapping[str, str]) -> Preview:
    """Other images from now on: what is there is brought up to date as soon as it has come up.

    Refuses: what goes or is gone (WrongState), what is no image (Impossible), others (NotAllowed).
    """
    row = _mine(preview, by)
    if row.is_over or row.is_going:
        raise WrongState(f"{row.name} is going already.")
    if bad := next((image for image in images.values() if not IMAGE.fullmatch(image)), None):
        raise Impossible(f"{bad[:60]} is no image.")
    row.wanted_images, row.shown, row.problem = dict(images), row.shown + 1, ""
    row.save(update_fields=["wanted_images", "shown", "problem"])
    audit.record(by=by, action="preview.shows", obj=row, summary=", ".join(sorted(images.values()))[:300])
    enqueue(
        kind="previews.show", key=f"{row.pk}/{row.shown}", payload={"preview": row.pk, "turn": row.shown},
        subject=row, by=by,
    )  # fmt: skip
    return row


def waits(row: Preview) -> str:
    """What has to end before its files can be exchanged; empty when nothing has."""
    for request in (row.update_request, row.request):
        if request is not None and request.state in ACTIVE and request.state != State.NEEDS_ATTENTION:
            return f"{request.ref} is under way"
    return ""


def bring_up_to_date(row: Preview) -> None:
    """A request that exchanges the images. What it refuses is told on the preview; it stays as it is.

    Raises HostSilent while the git host is.
    """
    try:
        found = _planned(row)
        _send(row, found)
    except HostSilent:
        raise
    except Refusal as refusal:
        Preview.objects.filter(pk=row.pk).update(problem=refusal.message[:300])


def _planned(row: Preview) -> Plan:
    entity, base = catalog.find(row.root_ref), Environment.objects.filter(name=row.base).first()
    if entity is None or base is None:
        raise Impossible(f"{row.root_name} or {row.base} is not there any more.")
    wish = Wish(entity, base, row.name, row.team, frozenset(row.left_out), _images(row.wanted_images))
    wish = dataclasses.replace(wish, together=tuple(each for each in row.refs if each != row.root_ref))
    try:
        found = planning.plan(wish)
    except IntegrationError as error:
        raise HostSilent("The git host does not answer.") from error
    if found.blocked:
        worst = next(each for each in found.findings if each.severity == "block")
        raise Forbidden(f"{worst.object}: {worst.message}.")
    return found


@transaction.atomic
def _send(preview: Preview, found: Plan) -> None:
    row = locked(preview)
    if row.is_over or row.is_going or waits(row) or row.wanted_images != preview.wanted_images:
        return
    for stuck in (row.update_request, row.request):
        if stuck is not None and stuck.state == State.NEEDS_ATTENTION:
            _give_up(row, stuck)
    wanted = onboarding.Wanted(
        kind=Request.Kind.PREVIEW, title=f"Preview {row.name} anew", ref=row.ref, team=row.team,
        environments=[row.place], base=found.gathered.base, reason=_reason(found), needs=found.needs,
        removed=sorted(set(row.request.files) - set(found.files)),
        findings=[json.loads(json.dumps(dataclasses.asdict(each), default=str)) for each in found.findings],
        answers={
            "services": [each.name for each in found.chosen], "base": row.base,
            "images": dict(row.wanted_images),
        },
    )  # fmt: skip
    row.update_request = onboarding.ask_for_set(
        by=row.created_by, wanted=wanted, render=lambda request: rendered(found, request)
    )
    row.save(update_fields=["request", "update_request"])


def _give_up(row: Preview, stuck: Request) -> None:
    """A new image is often just what helps: what is stuck makes room for it. Refuses (WrongState) what
    did not even come to the repository."""
    if not stuck.merge_sha:
        raise WrongState(f"{stuck.ref} needs attention first.")
    onboarding.close(request=stuck, by=row.created_by, reason="A newer image is to be shown")
    row.request = stuck


def updated(row: Preview, request: Request) -> None:
    """The request that was to exchange the images ended; within its transaction."""
    if request.merge_sha:
        row.request, row.images = request, dict(request.answers.get("images") or {})
    else:
        row.problem = f"{request.ref} {request.get_state_display().lower()}"[:300]
    row.update_request = None
    row.save(update_fields=["request", "images", "update_request", "problem"])


def is_of_update(row: Preview, request: Request) -> bool:
    return request.pk == row.update_request_id and request.state in TERMINAL

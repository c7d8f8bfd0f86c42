"""What happened to a preview's requests and in its cluster, written down."""

from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from services.accounts.models import User
from services.audit import actions as audit
from services.clusters import actions as clusters
from services.effects.actions import enqueue
from services.effects.models import Effect
from services.onboarding.models import TERMINAL, Request, State

from ..models import Preview
from . import shifting
from .following import is_of_update, updated
from .living import locked


def request_moved(sender: object, *, request: Request, by: User | None, **_: object) -> None:
    """A request's state changed, in this transaction: previews it brought, took away, or that show it."""
    if request.state not in TERMINAL:
        return
    shifting.moved(request)
    about = Q(request=request) | Q(ending=request) | Q(update_request=request)
    for found in Preview.objects.standing().filter(about):
        row = locked(found)
        if is_of_update(row, request):
            updated(row, request)
        else:
            _ended(row, request)
    if request.kind == Request.Kind.FORM:
        for row in Preview.objects.standing().filter(of_request=request):
            said = {"preview": row.pk, "reason": f"{request.ref} is {request.get_state_display().lower()}"}
            enqueue(kind="previews.end", key=str(row.pk), payload=said, subject=row)


def _ended(row: Preview, request: Request) -> None:
    """Gone, or never there. What was given up on while it came up stays until it is ended."""
    gone = request.pk == row.ending_id and request.state == State.LIVE
    never = request.pk == row.request_id and request.state != State.LIVE and not request.merge_sha
    if not (gone or never):
        return
    row.ended_at, row.reason = timezone.now(), row.reason or request.reason
    environment, row.environment = row.environment, None
    row.save(update_fields=["ended_at", "reason", "environment"])
    audit.record(by=None, action="preview.ended", obj=row, summary=row.reason)
    if environment is not None:
        clusters.remove_preview(by=None, environment=environment)


@transaction.atomic
def turned(effect: Effect, found: dict[str, Any]) -> None:
    """The cluster scaled it; what was wanted since counts alone."""
    row = locked(Preview(pk=effect.payload["preview"]))
    if found and row.turns == effect.payload["turn"]:
        row.is_asleep = effect.payload["asleep"]
        row.save(update_fields=["is_asleep"])

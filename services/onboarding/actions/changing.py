"""Changing what runs already, through the form it came with."""

from typing import Any

from django.db import transaction

from services.accounts.models import User
from services.catalog.models import Entity

from .. import queries
from ..models import Request
from . import writing


def change_service(*, entity_ref: str, by: User, changes: dict[str, Any] | None = None) -> Request:
    """A draft of the person's with the answers in the repository, and `changes` (a fix) filled in.

    A second call finds the same draft. While a request for the entity is open, that one is returned.
    Refuses: somebody else's (NotAllowed), what no form of ours made (NotOnboarded).
    """
    entity = writing.entity_of(entity_ref)
    writing.check_change(by, entity)
    under_way = queries.open_for(entity)
    return under_way or _draft(entity, by, changes)


def _draft(entity: Entity, by: User, changes: dict[str, Any] | None) -> Request:
    found = queries.opening(entity, by, changes)
    with transaction.atomic():
        Entity.objects.select_for_update().get(pk=entity.pk)
        row = queries.draft_of(entity, by) or writing.draft_for(by, found.request.blueprint, "", None)
        row.entity_ref, row.origin, row.adopted = entity.ref, found.origin, found.request.adopted
        row.save(update_fields=["entity_ref", "origin", "adopted", "updated_at"])
        return writing.save_draft(by=by, blueprint=row.blueprint, answers=found.answers, request=row)

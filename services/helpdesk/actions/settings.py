"""What platform engineers set up: categories, calendars, promises, views, macros, canned answers."""

from typing import Any

from django.core.cache import cache
from django.db import models, transaction
from django.db.models import ProtectedError

from services.audit import actions as audit
from services.helpdesk import rules
from services.helpdesk.actions.escalating import forget_deadlines
from services.helpdesk.errors import NotAllowed
from services.helpdesk.models import Calendar, DeskView, Promise

CACHED = tuple(f"helpdesk:{what}" for what in ("categories", "people", "promises", "macros", "canned"))


@transaction.atomic
def save_setting(*, row: models.Model, by: Any) -> models.Model:
    """Keep a setting that a form has filled in. Refuses all but the platform; and views of others."""
    _refuse(row, by)
    made = row.pk is None
    row.save()
    _after(row)
    kind = row._meta.model_name
    audit.record(by=by, action=f"{kind}.{'made' if made else 'changed'}", obj=row, summary=str(row))
    return row


@transaction.atomic
def remove_setting(*, row: models.Model, by: Any) -> None:
    """Drop a setting. Refuses all but the platform, and what tickets or promises still stand on."""
    _refuse(row, by)
    title, kind, pk = str(row), row._meta.model_name, str(row.pk)
    try:
        with transaction.atomic():
            row.delete()
    except ProtectedError:
        raise NotAllowed(f"“{title}” is in use; retire it instead.") from None
    _after(row)
    audit.record(by=by, action=f"{kind}.removed", object_type=f"helpdesk.{kind}", object_id=pk, summary=title)


def _refuse(row: models.Model, by: Any) -> None:
    if not rules.can_triage(by):
        raise NotAllowed("Only people of the platform set up the desk.")
    if isinstance(row, DeskView) and row.owner_id not in (None, by.pk):
        raise NotAllowed("This view is somebody else's.")


def _after(row: models.Model) -> None:
    if isinstance(row, Promise | Calendar):
        forget_deadlines()
    transaction.on_commit(lambda: cache.delete_many(CACHED))

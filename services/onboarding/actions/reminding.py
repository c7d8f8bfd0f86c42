"""What waits too long for people: they are reminded, and then others may decide as well."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from .. import rules, waiting
from ..models import Request, State
from .moves import locked, note, say_who

WAITING = (State.AWAITING_APPROVAL, State.IN_REVIEW)


def remind() -> int:
    """Looks at all that waits for somebody's yes; how many were reminded of or escalated."""
    rows = Request.objects.filter(state__in=WAITING, merge_asked_by=None).order_by("updated_at")
    return sum(_nudge(row, timezone.now()) for row in rows)


@transaction.atomic
def _nudge(request: Request, now: datetime) -> bool:
    row = locked(request)
    since = row.hops.filter(finished_at=None).values_list("started_at", flat=True).first()
    if row.state not in WAITING or since is None or rules.is_reviewed(row):
        return False
    if rules.open_needs(row) and row.escalated_at is None and now - since >= _hours("ESCALATE"):
        row.escalated_at = row.reminded_at = now
        note(row, by=None, action="escalated")
        say_who(row)
        return True
    if now - max(since, row.reminded_at or since) < _hours("REMIND"):
        return False
    row.reminded_at = now
    note(row, by=None, action="reminded", summary=waiting.whom(row))
    return True


def _hours(what: str) -> timedelta:
    return timedelta(hours=getattr(settings, f"APPROVAL_{what}_HOURS"))

from datetime import timedelta

from django.db.models import Min, Model, QuerySet
from django.db.models.functions import Now

from services.audit.models import subject_of
from services.effects.models import Effect


def effects_for(obj: Model) -> QuerySet[Effect]:
    """What was queued on behalf of one row, oldest first."""
    object_type, object_id = subject_of(obj)
    return Effect.objects.filter(object_type=object_type, object_id=object_id)


def waiting_for_people() -> QuerySet[Effect]:
    """Effects that only a person can move, the oldest first."""
    return Effect.objects.filter(state__in=[Effect.State.NEEDS_ATTENTION, Effect.State.UNKNOWN])


def oldest_due_age() -> timedelta:
    """How long the longest waiting due effect has waited: the best single alarm of the outbox."""
    found = Effect.objects.claimable().aggregate(age=Now() - Min("due_at"))["age"]
    return found or timedelta()


def in_view(view: str) -> QuerySet[Effect]:
    """Rows of one tab of the outbox page: attention, open, done or all."""
    if view == "attention":
        return waiting_for_people()
    if view == "open":
        return Effect.objects.filter(state__in=[Effect.State.DUE, Effect.State.RUNNING])
    if view == "done":
        return Effect.objects.filter(state__in=[Effect.State.DONE, Effect.State.CANCELLED])
    return Effect.objects.all()

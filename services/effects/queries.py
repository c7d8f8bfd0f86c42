from datetime import timedelta

from django.db.models import Count, F, Min, Model, QuerySet
from django.db.models.functions import Now

from services.audit.models import subject_of
from services.effects.models import Effect, Pulse


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


def leaders() -> QuerySet[Pulse]:
    """Which process leads, of what only one may do."""
    return Pulse.objects.exclude(who="").order_by("name")


def in_view(view: str) -> QuerySet[Effect]:
    """Rows of one tab of the outbox page: attention, open, done or all."""
    if view == "attention":
        return waiting_for_people()
    if view == "open":
        return Effect.objects.filter(state__in=[Effect.State.DUE, Effect.State.RUNNING])
    if view == "done":
        return Effect.objects.filter(state__in=[Effect.State.DONE, Effect.State.CANCELLED])
    return Effect.objects.all()


def counts() -> dict[str, int]:
    """How many effects there are in each state, none of them left out."""
    found = dict(Effect.objects.order_by().values_list("state").annotate(Count("pk")))
    return {state: found.get(state, 0) for state in Effect.State.values}


def age_of_pulse(name: str) -> timedelta | None:
    """How long ago something regular last happened; None when it never did."""
    ages = Pulse.objects.filter(name=name).annotate(age=Now() - F("at"))
    return ages.values_list("age", flat=True).first()

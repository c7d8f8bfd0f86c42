from datetime import timedelta

from django.db.models import Model, QuerySet
from django.utils import timezone

from services.audit.models import Check, Event, subject_of

CHECK_EVERY = timedelta(hours=23)


def events_for(obj: Model) -> QuerySet[Event]:
    """Everything that happened to one row, oldest first."""
    object_type, object_id = subject_of(obj)
    return Event.objects.filter(object_type=object_type, object_id=object_id)


def last_check() -> Check | None:
    return Check.objects.first()


def check_is_due() -> bool:
    last = last_check()
    return last is None or last.at < timezone.now() - CHECK_EVERY

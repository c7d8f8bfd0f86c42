from django.db.models import Model, QuerySet

from services.audit.models import Event, subject_of


def events_for(obj: Model) -> QuerySet[Event]:
    """Everything that happened to one row, oldest first."""
    object_type, object_id = subject_of(obj)
    return Event.objects.filter(object_type=object_type, object_id=object_id)

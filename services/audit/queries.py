from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from services.audit.models import Check, Event, subject_of

CHECK_EVERY = timedelta(hours=23)


def events_for(obj: Model) -> QuerySet[Event]:
    """Everything that happened to one row, oldest first."""
    object_type, object_id = subject_of(obj)
    return Event.objects.filter(object_type=object_type, object_id=object_id)


def events(searched: str = "") -> QuerySet[Event]:
    """Newest first; of a person, of an action, of an object's id, or with these words."""
    rows = Event.objects.order_by("-at", "-pk")
    if not searched:
        return rows
    exact = Q(actor=searched) | Q(object_id=searched) | Q(action__startswith=searched)
    return rows.filter(exact | Q(summary__icontains=searched) | Q(actor_name__icontains=searched))


def last_check() -> Check | None:
    """The last that came to its end."""
    return Check.objects.filter(is_finished=True).first()


def check_is_due() -> bool:
    """Also one that did not come to its end is not tried again before the next day."""
    return not Check.objects.filter(at__gte=timezone.now() - CHECK_EVERY).exists()


def can_be_rewritten(role: str = "") -> bool:
    """Whether a role (that of the application) could change or remove what was written, forge or stop it."""
    with connection.cursor() as cursor:
        cursor.execute(_CAN_REWRITE, {"role": role or settings.DATABASE_ROLE})
        return bool(cursor.fetchone()[0])


_CAN_REWRITE = """
SELECT coalesce(bool_or(
    has_table_privilege(who, t.oid, 'UPDATE, DELETE, TRUNCATE, TRIGGER')
    OR has_any_column_privilege(who, t.oid, 'UPDATE')
    OR pg_has_role(who, t.relowner, 'MEMBER')
    OR (t.oid IN (to_regclass('audit_link'), to_regclass('audit_unsealed'))
        AND has_any_column_privilege(who, t.oid, 'INSERT'))), false)
FROM pg_class t, coalesce(nullif(%(role)s, ''), current_user) AS who
WHERE t.oid IN (to_regclass('audit_event'), to_regclass('audit_link'),
                to_regclass('audit_unsealed'), to_regclass('audit_check'))
"""

"""Once a day somebody looks whether the audit is still what was written."""

import structlog
from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings

from services.audit import queries

log = structlog.get_logger(__name__)


@shared_task(
    name="audit.verify",
    soft_time_limit=settings.LONGEST_TASK_SECONDS - 60,
    time_limit=settings.LONGEST_TASK_SECONDS,
)
def verify() -> None:
    """Rung often, for beat forgets when it last rang; nothing when the last look was begun recently."""
    from services.audit import actions

    if queries.check_is_due():
        try:
            actions.check()
        except SoftTimeLimitExceeded:
            log.exception("audit.unfinished", hint="run manage.py verify_audit, which takes its time")

"""Once a day somebody looks whether the audit is still what was written."""

from celery import shared_task

from services.audit import queries


@shared_task(name="audit.verify")
def verify() -> None:
    """Rung often, for beat forgets when it last rang; nothing when the last look is recent."""
    from services.audit import actions

    if queries.check_is_due():
        actions.check()

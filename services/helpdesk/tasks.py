"""What time does to tickets: silence resolves, a resolution closes."""

from celery import shared_task
from django.utils import timezone

from services.helpdesk import queries


@shared_task(name="helpdesk.settle")
def settle() -> None:
    """Close what was resolved a week ago, resolve what waited a week for its asker. Safe to run twice."""
    from services.helpdesk import actions

    now = timezone.now()
    for ticket in queries.due_to_close(now).defer("snapshot"):
        actions.settle(ticket=ticket, now=now)
    for ticket in queries.given_up_waiting(now).defer("snapshot"):
        actions.settle(ticket=ticket, now=now)

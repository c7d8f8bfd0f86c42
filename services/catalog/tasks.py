"""What time does to the catalog: what no source has any more leaves it."""

from celery import shared_task
from django.utils import timezone


@shared_task(name="catalog.tidy")
def tidy() -> None:
    """Remove what has been orphaned for long enough. Safe to run twice."""
    from services.catalog import lifecycle

    lifecycle.remove_orphans(timezone.now())


@shared_task(name="catalog.owners")
def owners() -> None:
    """Resolve anew who owns what. Safe to run twice."""
    from services.catalog.ownership import tenures

    tenures.refresh()

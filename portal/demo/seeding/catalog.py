"""The catalog, imported from the deploy repository as anybody would; then what the past adds to it."""

from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction

from portal.demo import company
from portal.demo.history.plan import past_requests
from portal.demo.history.times import all_times
from services.accounts.models import User
from services.catalog import actions
from services.catalog.models import Entity, Source
from services.catalog.sources import fetching

# Onboarded longer ago than this many days, a service ran elsewhere before and was known already.
NEW_SERVICES = 90


@transaction.atomic
def seed(now: datetime, *, history: bool = True) -> str:
    where = {"kind": Source.Kind.GIT, "location": company.REPOSITORY, "branch": "main", "path": "catalog"}
    if Source.objects.filter(**where).exists():
        return "the catalog is there"
    repository = Path(settings.GIT_ROOT) / f"{company.REPOSITORY}.git"
    fetched = fetching.from_repository(str(repository), "main", "catalog")
    run = actions.import_documents(
        files=fetched.files,
        title="Larkfield’s deploy repository",
        by=User.objects.get(username="priya"),
        revision=fetched.revision,
        **where,
    )
    if history:
        _bring_the_past(now)
    return f"the catalog with {len(run.payload)} entities"


def _bring_the_past(now: datetime) -> None:
    """Which request brought a service, and since when it is known: the newest came with their request."""
    times, known = all_times(now), Entity.objects.in_bulk(field_name="ref")
    for entity in known.values():
        entity.created_at = entity.updated_at = now - timedelta(days=371)
    for past in past_requests():
        entity = known[f"component:default/{past.service}"]
        if past.is_onboarding:
            entity.onboarded_request = past.key
            if past.days_ago < NEW_SERVICES:
                entity.created_at = times[past.number].ended
        if past.state == "live":
            entity.updated_at = times[past.number].ended
    Entity.objects.bulk_update(known.values(), ["onboarded_request", "created_at", "updated_at"])

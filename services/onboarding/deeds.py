"""Who changes and who approves what runs: evidence of who really owns a service."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db.models import Count, Max

from portal.shell import registry
from portal.shell.registry import Deed, Deeds
from services.catalog.ownership.commits import MOST, tallied
from services.integrations import githosts
from services.integrations.errors import IntegrationError
from services.onboarding.models import Approval, Request


def register() -> None:
    registry.deeds.add(Deeds("changes", 20, "change of what runs", "changes of what runs", changes))
    registry.deeds.add(Deeds("reviews", 30, "approval", "approvals", reviews))


def changes(refs: Sequence[str], since: datetime) -> Iterator[Deed]:
    """Commits to the folder a service is deployed from."""
    rows = Request.objects.filter(entity_ref__in=refs, team__isnull=False).exclude(merge_sha="").order_by()
    for ref, provider, repo, team in rows.values_list(
        "entity_ref", "provider", "repo", "team__slug"
    ).distinct():
        try:
            host = githosts.get(provider)
            log = host.log(repo, host.head(repo), f"apps/{team}/{ref.rpartition('/')[2]}", MOST)
        except IntegrationError:
            continue
        yield from tallied(ref, log, since)


def reviews(refs: Sequence[str], since: datetime) -> Iterator[Deed]:
    """Approvals of requests; one query."""
    rows = Approval.objects.filter(
        request__entity_ref__in=refs, created_at__gte=since, voided_at__isnull=True
    )
    found = rows.order_by().values_list("request__entity_ref", "by__username")
    for ref, who, count, last in found.annotate(Count("pk"), Max("created_at")):
        yield Deed(ref, who, count, last)

"""Who answers when something is wrong: evidence of who really owns a service."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db.models import Count, F, Max

from portal.shell import registry
from portal.shell.registry import Deed, Deeds
from services.helpdesk.models import Message


def register() -> None:
    registry.deeds.add(Deeds("answers", 40, "ticket answer", "ticket answers", answers))


def answers(refs: Sequence[str], since: datetime) -> Iterator[Deed]:
    """What others than the asker wrote in tickets about an entity; one query."""
    rows = Message.objects.filter(ticket__entity_ref__in=refs, created_at__gte=since, internal=False)
    said = rows.exclude(author=F("ticket__asker")).order_by()
    found = said.values_list("ticket__entity_ref", "author__username")
    for ref, who, count, last in found.annotate(Count("pk"), Max("created_at")):
        yield Deed(ref, who, count, last)

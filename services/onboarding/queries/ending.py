"""What was asked for until a day that is over: access, restarts by the clock."""

from collections.abc import Iterator
from datetime import date, timedelta

from django.utils import timezone

from services.accounts.models import User
from services.catalog.models import Entity

from .. import rules
from ..models import Request

# Types of resources whose spec has a last day, `until`.
ENDING = ("access", "scheduled-restart")
AGAIN = timedelta(days=1)


def over(today: date) -> Iterator[tuple[Entity, User]]:
    """What is over and still there, with who may ask for its removal; asked for at most once a day."""
    rows = Entity.objects.filter(kind="Resource", type__in=ENDING, spec__until__lt=today.isoformat())
    for entity in rows.order_by("ref"):
        requests = Request.objects.about(entity.ref)
        asked = requests.filter(kind=Request.Kind.RETIRE, created_at__gt=timezone.now() - AGAIN)
        if requests.open().exists() or asked.exists():
            continue
        if by := _who(entity):
            yield entity, by


def _who(entity: Entity) -> User | None:
    """Whoever asked for it, if it is still theirs to change; else somebody of its team."""
    asked = Request.objects.about(entity.ref).order_by("number").select_related("created_by")
    team = User.objects.filter(teams__slug=entity.owner_ref.rpartition("/")[2]).order_by("username")
    people = [*(row.created_by for row in asked), *team]
    return next((each for each in people if each.is_active and rules.can_change(each, entity)), None)

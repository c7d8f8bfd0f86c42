"""What somebody who waits may expect, from how it went before; and who is there now."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import Aggregate, Count, DurationField, F, Q
from django.utils import timezone

from services.helpdesk import hours, rota
from services.helpdesk.models import Ticket
from services.helpdesk.states import State

LOOKED_BACK = timedelta(days=90)
ENOUGH = 10  # fewer tickets than these say nothing


class Percentile(Aggregate):
    """How long it took at most for this share of them."""

    function = "percentile_cont"
    template = "%(function)s(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = DurationField()


@dataclass(frozen=True)
class History:
    """Half were answered within `half`, nine in ten within `most`; of so many tickets."""

    count: int
    half: timedelta
    most: timedelta
    solved: timedelta | None


@dataclass(frozen=True)
class There:
    """Who answers: by name, or when somebody does again."""

    person: Any
    until: datetime | None = None
    closed: str = ""
    opens: datetime | None = None


def history(category: int, priority: int) -> History | None:
    """Tickets like it of the last three months; of any category when there are too few; None when of any."""
    key = f"helpdesk:expected:{category}:{priority}"
    found = cache.get(key)
    if found is None:
        wide, narrow = Q(priority=priority), Q(priority=priority, category=category)
        found = _history(narrow) or _history(wide) or False
        cache.set(key, found, 600)
    return found or None


def _history(like: Q) -> History | None:
    since = timezone.now() - LOOKED_BACK
    rows = Ticket.objects.filter(like, created_at__gte=since, first_response_at__isnull=False)
    first, whole = F("first_response_at") - F("created_at"), F("resolved_at") - F("created_at")
    found = rows.aggregate(
        n=Count("pk"), half=Percentile(first, share=0.5), most=Percentile(first, share=0.9),
        solved=Percentile(whole, share=0.5, filter=Q(resolved_at__isnull=False)),
    )  # fmt: skip
    return (
        History(found["n"], found["half"], found["most"], found["solved"]) if found["n"] >= ENOUGH else None
    )


def ahead_of(ticket: Ticket) -> int | None:
    """How many wait for a first answer before it; None when it does not wait."""
    if ticket.first_response_at or ticket.state not in (State.NEW, State.TRIAGED):
        return None
    waiting = Ticket.objects.filter(state__in=[State.NEW, State.TRIAGED], first_response_at=None)
    sooner = Q(priority__lt=ticket.priority) | Q(priority=ticket.priority, created_at__lt=ticket.created_at)
    return waiting.filter(sooner).count()


def there(now: datetime | None = None) -> There:
    """Who is on duty now, read once a minute."""
    return cache.get_or_set("helpdesk:there", lambda: _there(now or timezone.now()), 60) or There(None)


def _there(now: datetime) -> There:
    desk = rota.Desk()
    duty = desk.plan.at(now)
    open_now = hours.is_open(desk.plan.hours, now)
    opens = None if open_now else hours.opens_next(desk.plan.hours, now)
    return There(duty.person, closed=duty.closed, opens=opens)

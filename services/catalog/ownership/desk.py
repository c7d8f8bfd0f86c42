"""What waits for a team or a person: what to confirm, and what others ask of them."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Min, Q, QuerySet
from django.utils import timezone

from services.catalog.models import Handover, Tenure
from services.catalog.ownership import tenures
from services.catalog.ownership.states import OPEN, State

SHOWN = 25


def short(ref: str) -> str:
    """A group or person as people call them."""
    return ref.removeprefix("group:default/").removeprefix("user:default/") or "nobody"


def summary(ref: str) -> dict[str, Any]:
    """How much an owner has, through what, and how much of it is due; one query."""
    due = Count("pk", filter=Q(due_at__lte=timezone.now()))
    inherited = Count("pk", filter=~Q(via=""))
    return Tenure.objects.filter(owner_ref=ref).aggregate(owned=Count("pk"), inherited=inherited, due=due)


@dataclass(frozen=True)
class Due:
    rows: list[Tenure]
    more: bool

    @property
    def pks(self) -> list[int]:
        return [row.pk for row in self.rows]


def due_of(refs: list[str], most: int = SHOWN) -> Due:
    """What some owners have to confirm, the longest overdue first; one query."""
    if not refs:
        return Due([], more=False)
    long = ("spec", "metadata", "search", "problem")
    rows = tenures.due_of(refs).select_related("entity").defer(*(f"entity__{name}" for name in long))
    found = list(rows[: most + 1])
    return Due(found[:most], len(found) > most)


def tallies(refs: list[str]) -> list[dict[str, Any]]:
    """How many each owner has to confirm and since when: owner_ref, number, since; one query."""
    rows = tenures.due_of(refs).order_by().values("owner_ref")
    return list(rows.annotate(number=Count("pk"), since=Min("due_at")).order_by("-number"))


def _light(rows: "QuerySet[Handover]") -> "QuerySet[Handover]":
    long = ("spec", "metadata", "search", "problem")
    return rows.select_related("entity", "asked_by", "decided_by").defer(
        *(f"entity__{name}" for name in long)
    )


def asked_of(refs: list[str]) -> list[Handover]:
    """Open handovers that some owners take part in, on either side."""
    rows = Handover.objects.filter(Q(to_ref__in=refs) | Q(from_ref__in=refs), state__in=OPEN)
    return list(_light(rows)[:SHOWN])


def waiting_for(refs: list[str], user: Any) -> list[Handover]:
    """What this person could decide, and what their own teams have to write into a descriptor now."""
    asked = Q(state=State.ASKED, to_ref__in=refs) & ~Q(asked_by=user)
    accepted = Q(state=State.ACCEPTED, asked_by=user)
    return list(_light(Handover.objects.filter(asked | accepted))[:10])

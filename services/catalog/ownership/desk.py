"""What waits for a team or a person: what to confirm, and what others ask of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    Case,
    Count,
    Exists,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
    Window,
)
from django.db.models.functions import Coalesce, JSONObject, NullIf
from django.urls import reverse
from django.utils import timezone

from portal.shell.frozen import Frozen
from services.catalog.models import Confirmation, EntityQuerySet, Handover, Lifeless, Tenure
from services.catalog.ownership import tenures
from services.catalog.ownership.states import OPEN, State

SHOWN = 25
LONG = ("spec", "metadata", "search", "facts", "problem")


def short(ref: str) -> str:
    """A group or person as people call them."""
    return ref.removeprefix("group:default/").removeprefix("user:default/") or "nobody"


def beside(rows: EntityQuerySet) -> EntityQuerySet:
    """Entities with what is kept about their owners, so that a page of one asks for nothing more.

    `said` is the last confirmation, `moving` the open handover, `why_dead` why a group or person cannot
    answer, `owner_dead` why the named owner cannot, `part_in` the open handovers they take part in
    (`handovers_of`).
    """
    here = {"entity": OuterRef("pk")}
    said = Confirmation.objects.filter(**here).order_by("-at", "-pk")
    moving = Handover.objects.filter(**here, state__in=OPEN)
    part = Q(to_ref=OuterRef("ref")) | Q(from_ref=OuterRef("ref"))
    return rows.select_related("tenure", "weighed").annotate(
        said=Subquery(said.values(data=JSONObject(owner="owner_ref", by="by__name", at="at"))[:1]),
        moving=Subquery(moving.values(data=JSONObject(pk="pk", to_ref="to_ref", state="state"))[:1]),
        why_dead=Subquery(Lifeless.objects.filter(ref=OuterRef("ref")).values("why")[:1]),
        owner_dead=Subquery(Lifeless.objects.filter(ref=OuterRef("owner_ref")).values("why")[:1]),
        part_in=ArraySubquery(_open(part).values(data=JSONObject(**TOLD))[:SHOWN]),
    )


TOLD = {
    "pk": "pk", "state": "state", "name": "entity__name", "from_ref": "from_ref", "to_ref": "to_ref",
    "asked_by": Coalesce(NullIf("asked_by__name", Value("")), "asked_by__username"), "asked_at": "asked_at",
}  # fmt: skip


def _open(part: Q) -> "QuerySet[Handover]":
    return Handover.objects.filter(part, state__in=OPEN).order_by("-pk")


def handovers_of(entity: Any) -> list[dict[str, Any]]:
    """The open handovers that a group or person takes part in, from a row of `beside`; asks nothing."""
    return [
        {
            **told,
            "entity": {"name": told["name"]},
            "asked_at": datetime.fromisoformat(told["asked_at"]),
            "get_absolute_url": reverse("catalog:handover_detail", args=[told["pk"]]),
        }
        for told in entity.part_in
    ]


@dataclass(frozen=True)
class Holdings:
    """What an owner has: how much, how much of it through something else, and what is due."""

    owned: int
    inherited: int
    number_due: int
    due: "Due"


def _holdings(ref: str, now: datetime) -> "QuerySet[Tenure]":
    is_due, inherited = Q(due_at__lte=now, moving=False), ~Q(via="")
    moving = Exists(Handover.objects.filter(entity=OuterRef("pk"), state__in=OPEN))
    rows = Tenure.objects.filter(owner_ref=ref).annotate(moving=moving)
    counted = rows.annotate(
        owned=Window(Count("pk")),
        through=Window(Count("pk", filter=inherited)),
        number=Window(Count("pk", filter=is_due)),
        is_due=Case(When(is_due, then=Value(0)), default=Value(1)),
    )
    light = counted.select_related("entity").defer(*(f"entity__{name}" for name in LONG))
    return light.order_by("is_due", "due_at", "pk")[:SHOWN]


held = Frozen(_holdings, ref="", now=timezone.now())


def holdings(ref: str) -> Holdings:
    """Everything about what one owner has; one query."""
    found = held(ref=ref, now=timezone.now())
    if not found:
        return Holdings(0, 0, 0, Due([], more=False))
    first: Any = found[0]
    due = [row for row in found if getattr(row, "is_due", 1) == 0]
    return Holdings(first.owned, first.through, first.number, Due(due, first.number > len(due)))


@dataclass(frozen=True)
class Due:
    rows: Sequence[Tenure]
    more: bool

    @property
    def pks(self) -> list[int]:
        return [row.pk for row in self.rows]


def due_of(refs: list[str], most: int = SHOWN) -> Due:
    """What some owners have to confirm, the longest overdue first; one query."""
    if not refs:
        return Due([], more=False)
    rows = tenures.due_of(refs).select_related("entity").defer(*(f"entity__{name}" for name in LONG))
    found = list(rows[: most + 1])
    return Due(found[:most], len(found) > most)


def tallies(refs: list[str]) -> list[dict[str, Any]]:
    """How many each owner has to confirm and since when: owner_ref, number, since; one query."""
    rows: Any = tenures.due_of(refs).order_by().values("owner_ref")
    return list(rows.annotate(number=Count("pk"), since=Min("due_at")).order_by("-number"))


def _light(rows: "QuerySet[Handover]") -> "QuerySet[Handover]":
    return rows.select_related("entity", "asked_by", "decided_by").defer(
        *(f"entity__{name}" for name in LONG)
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

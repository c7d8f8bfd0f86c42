"""Keeping `Tenure`, and beside each entity who answers for it: writing only what is different."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Max, QuerySet
from django.utils import timezone

from services.catalog.importing import copying
from services.catalog.models import OWNABLE, Confirmation, Entity, EntityQuerySet, Lifeless, Tenure, Unsettled
from services.catalog.ownership import living
from services.catalog.ownership.reading import CONTAINERS, containers_of, facts_of
from services.catalog.ownership.resolution import Fact, Ownership, Standing, resolve

AT_ONCE = 2000
STORED = ("entity_id", "name", "standing", "owner_ref", "via", "due_at")
COLUMNS = (
    "pk", "ref", "kind", "name", "owner_ref", "owner_id", "system_ref", "created_at",
    "holder_ref", "standing",
    "tenure__name", "tenure__standing", "tenure__owner_ref", "tenure__via", "tenure__due_at",
)  # fmt: skip
SHOW = """
UPDATE catalog_entity e SET holder_ref = new.holder_ref, standing = new.standing
FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS new (id, holder_ref, standing) WHERE e.id = new.id
"""


def period() -> timedelta:
    return timedelta(days=settings.CATALOG_CONFIRM_DAYS)


class Row(NamedTuple):
    pk: int
    ref: str
    kind: str
    name: str
    owner_ref: str
    owner_id: int | None
    system_ref: str
    created_at: datetime
    shown_ref: str
    shown_standing: str
    had_name: str | None
    had_standing: str | None
    had_owner: str | None
    had_via: str | None
    had_due: datetime | None

    @property
    def fact(self) -> Fact:
        within = "" if self.kind in CONTAINERS else self.system_ref
        return Fact(self.ref, self.owner_ref, self.owner_id is not None, within)

    @property
    def shown(self) -> tuple[str, str]:
        return self.shown_ref, self.shown_standing


@transaction.atomic
def refresh() -> int:
    """Resolve everything anew and note what changed; how many did. Safe to run twice, and at once by two."""
    if not alone():
        return 0
    Unsettled.objects.all().delete()
    living.refresh()
    return resolve_again(Entity.objects.filter(kind__in=OWNABLE))


def alone() -> bool:
    """Whether nobody else does this now; holds until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('catalog.tenures'))")
        return bool(cursor.fetchone()[0])


def resolve_again(rows: EntityQuerySet) -> int:
    """Write who answers for each of these now, where that is different; how many are."""
    changed, now = list(_changed(rows)), timezone.now()
    new = [_tenure(row, found, None, now) for row, found in changed if row.had_standing is None]
    copying.append(Tenure, STORED, ([getattr(tenure, name) for name in STORED] for tenure in new))
    other = [(row, found) for row, found in changed if row.had_standing is not None]
    for start in range(0, len(other), AT_ONCE):
        _write(other[start : start + AT_ONCE], now)
    shown = [(row.pk, *found.listed) for row, found in changed if row.shown != found.listed]
    for start in range(0, len(shown), AT_ONCE):
        _show(shown[start : start + AT_ONCE])
    return len(changed)


def _write(part: list[tuple[Row, Ownership]], now: datetime) -> None:
    said = _confirmed([row.pk for row, _ in part])
    rows = [_tenure(row, found, said.get((row.pk, found.owner_ref)), now) for row, found in part]
    Tenure.objects.bulk_update(rows, [name for name in STORED if name != "entity_id"], batch_size=500)


def _show(part: list[tuple[int, str, str]]) -> None:
    """The same beside the entities themselves, for lists."""
    with connection.cursor() as cursor:
        cursor.execute(SHOW, [list(column) for column in zip(*part, strict=True)])


def _changed(rows: EntityQuerySet) -> Iterator[tuple[Row, Ownership]]:
    found = [Row(*values) for values in rows.order_by().values_list(*COLUMNS).iterator(chunk_size=AT_ONCE)]
    bare = [row.ref for row in found if row.kind in CONTAINERS and not row.owner_ref]
    facts = {**{row.ref: row.fact for row in found}, **facts_of(bare)}
    around = containers_of(facts.values())
    lifeless = dict(Lifeless.objects.values_list("ref", "why"))
    for row in found:
        now = resolve(facts[row.ref], around, lifeless)
        said = now.standing, now.owner_ref, now.via, row.name
        had = row.had_standing, row.had_owner, row.had_via, row.had_name
        if (said, now.listed) != (had, row.shown):
            yield row, now


def _tenure(row: Row, found: Ownership, confirmed: datetime | None, now: datetime) -> Tenure:
    return Tenure(
        entity_id=row.pk, name=row.name, standing=found.standing, owner_ref=found.owner_ref, via=found.via,
        due_at=_due(row, found.owner_ref, confirmed, now) if found.is_answered else None,
    )  # fmt: skip


def _due(row: Row, owner_ref: str, confirmed: datetime | None, now: datetime) -> datetime:
    """The first owner has as long as one who confirmed; another one says so now, or did already."""
    if row.had_standing is None:
        return row.created_at + period()
    if row.had_owner == owner_ref and row.had_due is not None:
        return row.had_due
    return confirmed or now


def _confirmed(pks: list[int]) -> dict[tuple[int, str], datetime]:
    """Until when entities were confirmed, by key and owner; one query."""
    rows = Confirmation.objects.filter(entity__pk__any_of=pks).values_list("entity_id", "owner_ref")
    return {(pk, ref): until for pk, ref, until in rows.annotate(last=Max("until")).order_by()}


def valid(pk: int, owner_ref: str) -> "QuerySet[Confirmation]":
    """What was said about an entity for the owner it has."""
    return Confirmation.objects.filter(entity_id=pk, owner_ref=owner_ref)


def due(now: datetime | None = None) -> "QuerySet[Tenure]":
    """What somebody has to confirm, the longest overdue first."""
    return Tenure.objects.filter(due_at__lte=now or timezone.now()).order_by("due_at", "entity")


def due_of(refs: list[str]) -> "QuerySet[Tenure]":
    """The same of some owners, without what is being handed over."""
    return due().filter(owner_ref__in=refs).exclude(entity__handovers__state__in=["asked", "accepted"])


def standing_in(*standings: Standing) -> "QuerySet[Tenure]":
    return Tenure.objects.filter(standing__in=standings).order_by("name", "entity")


def held_by(refs: list[str]) -> "QuerySet[Tenure]":
    return Tenure.objects.filter(owner_ref__in=refs).order_by(F("name"), "entity")

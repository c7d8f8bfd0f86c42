"""Saying that something is ours, many at once, and taking that back."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from services.audit.actions import record
from services.catalog import rules
from services.catalog.models import Confirmation, Entity, Tenure
from services.catalog.ownership import tenures
from services.catalog.ownership.reading import owners_of
from services.catalog.ownership.states import OPEN
from services.catalog.refusals import Refused

Person = Any
AT_ONCE = 200


@dataclass(frozen=True)
class Confirmed:
    batch: UUID
    entities: list[Entity]


@transaction.atomic
def confirm(*, pks: Iterable[int], by: Person) -> Confirmed:
    """Say that entities belong to whom the catalog names, for `CATALOG_CONFIRM_DAYS` from now.

    Refuses all of them when one is not the person's to speak for, has no owner who can answer, or is being
    handed over.
    """
    rows = Entity.objects.filter(pk__in=list(pks)[:AT_ONCE]).defer("spec", "metadata", "search")
    entities = list(rows.select_for_update(of=("self",)).order_by("pk"))
    if not entities:
        raise Refused("Nothing was chosen, or it is not in the catalog any more.")
    owners = owners_of(entities)
    for entity in entities:
        owner = owners.get(entity.ref)
        if owner is None or not owner.is_answered or not rules.can_confirm(by, owner.owner_ref):
            raise Refused(
                f"{entity.name} does not belong to a team of yours (any more). Nothing was confirmed."
            )
    if moving := Entity.objects.filter(pk__in=[e.pk for e in entities], handovers__state__in=OPEN).first():
        raise Refused(f"{moving.name} is being handed over. Nothing was confirmed.")
    batch = uuid4()
    write(batch, {entity.pk: owners[entity.ref].owner_ref for entity in entities}, by)
    for entity in entities:
        said = f"{by} confirmed that {entity.ref} belongs to {owners[entity.ref].owner_ref}"
        record(by=by, action="catalog.ownership_confirmed", obj=entity, summary=said)
    return Confirmed(batch, entities)


def write(batch: UUID, owners: dict[int, str], by: Person) -> None:
    """Note what was confirmed: key -> owner. Called inside an action's transaction."""
    now = timezone.now()
    until = now + tenures.period()
    due = dict(Tenure.objects.filter(pk__in=owners).values_list("pk", "due_at"))
    Confirmation.objects.bulk_create(
        [
            Confirmation(
                entity_id=pk, owner_ref=ref, by=by, at=now, until=until, batch=batch, due_before=due.get(pk)
            )
            for pk, ref in owners.items()
        ]
    )
    Tenure.objects.filter(pk__in=owners).update(due_at=until)


@transaction.atomic
def take_back(*, batch: UUID, by: Person) -> int:
    """Unsay what was confirmed with one click: it is due again when it was before.

    Refuses what somebody else confirmed, and what nobody did.
    """
    rows = list(
        Confirmation.objects.select_for_update(of=("self",)).filter(batch=batch).select_related("entity")
    )
    if not rows:
        raise Refused("There is nothing to take back any more.")
    if any(row.by_id != by.pk for row in rows):
        raise Refused("Only who confirmed it can take it back.")
    for row in rows:
        Tenure.objects.filter(pk=row.entity_id, due_at=row.until).update(due_at=row.due_before)
        said = f"{by} took back that {row.entity.ref} belongs to {row.owner_ref}"
        record(by=by, action="catalog.ownership_unconfirmed", obj=row.entity, summary=said)
    Confirmation.objects.filter(batch=batch).delete()
    return len(rows)

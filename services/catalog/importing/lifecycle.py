"""Taking entities out and bringing them back, and choosing whose version of one counts."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from services.audit.actions import record
from services.catalog.importing import continuity, writing
from services.catalog.models import Alias, Claim, Delivery, Entity, ImportRun, Removed
from services.catalog.ownership import settling
from services.catalog.refusals import Refused
from services.effects.actions import forget

Person = Any
AT_ONCE = 500


@transaction.atomic
def remove_entity(*, entity: Entity, by: Person) -> Removed:
    """Take an orphan out of the catalog. Refuses what a source still has: it would come back."""
    entity = Entity.objects.select_for_update().get(pk=entity.pk)
    if entity.state != Entity.State.ORPHAN:
        raise Refused("Only what its source no longer has can be removed. Remove it there first.")
    if claim := Claim.objects.filter(ref=entity.ref).select_related("source").first():
        raise Refused(f"{claim.source} has it too. Use that one instead.")
    return _remove(entity, by, f"Removed {entity.ref}")


@transaction.atomic
def retire(*, ref: str, paths: list[str], by: Person) -> Removed | None:
    """Take out what was retired, with undo; None when it is gone, or another file than these still has it."""
    entity = Entity.objects.select_for_update(of=("self",)).filter(ref=ref).first()
    if entity is None or Claim.objects.filter(ref=ref).exists():
        return None
    if entity.source_id is not None and entity.state != Entity.State.ORPHAN and entity.location not in paths:
        return None
    return _remove(entity, by, f"Retired {ref}")


def _remove(entity: Entity, by: Person, summary: str) -> Removed:
    entry: dict[str, Any] = writing.snapshot([entity.ref])[0]["before"]
    entry |= {"request": entity.onboarded_request, "aliases": [alias.ref for alias in entity.aliases.all()]}
    removed = Removed.objects.create(ref=entity.ref, source_id=entity.source_id, entry=entry, removed_by=by)
    record(by=by, action="catalog.removed", obj=entity, summary=summary)
    entity.delete()
    settling.settle(settling.AT_ONCE)
    return removed


@transaction.atomic
def restore_entity(*, removed: Removed, by: Person) -> Entity:
    """Bring back what was taken out, as it was: orphaned, until its source has it again.

    Refuses when something of that name is in the catalog by now.
    """
    removed = Removed.objects.select_for_update().get(pk=removed.pk)
    if Entity.objects.filter(ref=removed.ref).exists():
        raise Refused(f"{removed.ref} is in the catalog again already.")
    entry = removed.entry
    row = writing.row_of(entry["item"], removed.source, state=entry["state"], problem=entry["problem"])
    row.onboarded_request = entry["request"]
    writing.write([row], [entry["item"]])
    writing.resolve_links()
    entity = Entity.objects.get(ref=removed.ref)
    taken = set(Entity.objects.filter(ref__any_of=entry["aliases"]).values_list("ref", flat=True))
    free = [ref for ref in entry["aliases"] if ref not in taken]
    Alias.objects.bulk_create([Alias(ref=ref, entity=entity) for ref in free], ignore_conflicts=True)
    removed.delete()
    record(by=by, action="catalog.restored", obj=entity, summary=f"Brought back {entity.ref}")
    return entity


def forget_deliveries(now: datetime) -> None:
    """Webhooks and readings of more than a week ago serve nobody any more."""
    since = now - timedelta(days=7)
    Delivery.objects.filter(at__lt=since).delete()
    for kind in ("catalog.read", "catalog.read_docs"):
        forget(kind=kind, before=since)


def forget_runs(now: datetime) -> None:
    """Reports, plans and undo of more than `CATALOG_RUN_DAYS` ago go, with the text of files in them.

    Of each source stay the last run, the last that was read, and the last applied one, which can be undone.
    """
    newer = ImportRun.objects.filter(source=OuterRef("source"), pk__gt=OuterRef("pk"))
    read, applied = newer.exclude(state=ImportRun.State.FAILED), newer.filter(state=ImportRun.State.APPLIED)
    overtaken = Q(Exists(newer))
    overtaken &= Q(state=ImportRun.State.FAILED) | Q(Exists(read))
    overtaken &= ~Q(state=ImportRun.State.APPLIED) | Q(Exists(applied))
    since = now - timedelta(days=settings.CATALOG_RUN_DAYS)
    old = ImportRun.objects.filter(overtaken, created_at__lt=since).order_by("pk")
    while keys := list(old.values_list("pk", flat=True)[:AT_ONCE]):
        ImportRun.objects.filter(pk__in=keys).delete()


def remove_orphans(now: datetime) -> None:
    """Take out what no source has had for `CATALOG_ORPHAN_DAYS`; it can be brought back for as long again.

    What another source has too becomes that one's.
    """
    since = now - timedelta(days=settings.CATALOG_ORPHAN_DAYS)
    Removed.objects.filter(removed_at__lt=since).delete()
    due = Entity.objects.filter(state=Entity.State.ORPHAN, orphaned_at__lt=since).values_list("pk", flat=True)
    for pk in list(due[:AT_ONCE]):
        _remove_due(pk)


@transaction.atomic
def _remove_due(pk: int) -> None:
    entity = Entity.objects.select_for_update().filter(pk=pk, state=Entity.State.ORPHAN).first()
    claim = Claim.objects.filter(ref=entity.ref).order_by("-seen_at").first() if entity else None
    if claim:
        choose_source(claim=claim, by=None)
    elif entity:
        why = f"Removed {entity.ref}: no source had it for {settings.CATALOG_ORPHAN_DAYS} days"
        _remove(entity, None, why)


@transaction.atomic
def choose_source(*, claim: Claim, by: Person) -> Entity:
    """Let the claim's source have the entity from now on; whose it was claims it instead, unless it lost it.

    Refuses a claim on something that left the catalog meanwhile: the next import takes it in by itself.
    """
    claim = Claim.objects.select_for_update().select_related("source").get(pk=claim.pk)
    entity = (
        Entity.objects.select_for_update(of=("self",)).filter(ref=claim.ref).select_related("source").first()
    )
    if entity is None:
        raise Refused(f"{claim.ref} is not in the catalog any more. Import {claim.source} again.")
    before = writing.snapshot([entity.ref])[0]["before"]
    loser, winner = entity.source if entity.state != Entity.State.ORPHAN else None, claim.source
    writing.write([writing.row_of(claim.item, winner)], [claim.item])
    writing.resolve_links()
    if loser is not None:
        Claim.objects.update_or_create(source=loser, ref=claim.ref, defaults={"item": before["item"]})
    claim.delete()
    continuity.mark_contested([claim.ref])
    entity.refresh_from_db()
    record(by=by, action="catalog.source_chosen", obj=entity, summary=f"{entity.ref} comes from {winner} now")
    return entity

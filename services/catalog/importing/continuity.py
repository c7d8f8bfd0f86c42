"""What stays when files change: identity under a new name, the place of what did not change, rival claims.

Called inside an action's transaction.
"""

from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, OuterRef

from services.catalog.models import (
    Alias,
    Claim,
    Confirmation,
    Entity,
    Handover,
    Judgement,
    Relation,
    Source,
    Tenure,
)

Item = dict[str, Any]


def rename(pairs: dict[str, str], *, keep_alias: bool = True) -> None:
    """Give entities another reference (old -> new); whoever names them goes on naming them.

    The old reference becomes an alias, or, when a rename is taken back, the new one stops to be one.
    """
    for old, new in pairs.items():
        Alias.objects.filter(ref=new).delete()
        Entity.objects.filter(ref=old).update(ref=new)
        Entity.objects.filter(owner_ref=old).update(owner_ref=new)
        Entity.objects.filter(system_ref=old).update(system_ref=new)
        named = Relation.objects.filter(target_ref=old)
        same = {field: OuterRef(field) for field in ("source", "type", "field")}
        named.filter(Exists(Relation.objects.filter(target_ref=new, **same))).delete()
        named.update(target_ref=new)
        _follow(old, new)
    if keep_alias:
        keys = dict(Entity.objects.filter(ref__any_of=pairs.values()).values_list("ref", "pk"))
        Alias.objects.bulk_create(
            [Alias(ref=old, entity_id=keys[new]) for old, new in pairs.items()],
            update_conflicts=True, unique_fields=["ref"], update_fields=["entity"],
        )  # fmt: skip


def _follow(old: str, new: str) -> None:
    """What people said of a dependency or an owner goes along; what was said under the new name stands."""
    for end, other in (("source_ref", "target_ref"), ("target_ref", "source_ref")):
        there = Judgement.objects.filter(**{end: new}).values(other)
        said = Judgement.objects.filter(**{end: old}).exclude(**{f"{other}__in": there})
        said.update(**{end: new})
    if old.startswith(("group:", "user:")):
        Confirmation.objects.filter(owner_ref=old).update(owner_ref=new)
        Tenure.objects.filter(owner_ref=old).update(owner_ref=new)
        Entity.objects.filter(holder_ref=old).update(holder_ref=new)
        Handover.objects.filter(to_ref=old).exclude(from_ref=new).update(to_ref=new)
        Handover.objects.filter(from_ref=old).exclude(to_ref=new).update(from_ref=new)


def current(refs: Iterable[str]) -> dict[str, str]:
    """Reference -> what it is called now, for those that were renamed."""
    return dict(Alias.objects.filter(ref__any_of=refs).values_list("ref", "entity__ref"))


def reclaim(refs: Iterable[str]) -> None:
    """A name that something new has taken leads there, and to nobody who had it before."""
    Alias.objects.filter(ref__any_of=refs).delete()


def settle(items: list[Item]) -> None:
    """Note where unchanged entities that moved stand now; nothing else about them is touched."""
    here = {item["ref"]: item for item in items}
    rows = list(Entity.objects.filter(ref__any_of=here).only("ref", "location", "line", "document"))
    for row in rows:
        item = here[row.ref]
        row.location, row.line, row.document = item["file"][:1000], item["line"], item["document"]
    Entity.objects.bulk_update(rows, ["location", "line", "document"], batch_size=500)


def claim(source: Source, items: list[Item], seen: Iterable[str]) -> None:
    """Keep what the source says of entities that belong to others; forget what it no longer says.

    `seen` are all references of this look; a source that is not looked at whole keeps its other claims.
    """
    mine = {item["ref"]: item for item in items}
    past = Claim.objects.filter(source=source).exclude(ref__any_of=mine)
    if not source.is_whole:
        past = past.filter(ref__any_of=seen)
    touched = {*mine, *past.values_list("ref", flat=True)}
    past.delete()
    Claim.objects.bulk_create(
        [Claim(source=source, ref=ref, item=item) for ref, item in mine.items()],
        update_conflicts=True, unique_fields=["source", "ref"], update_fields=["item", "seen_at"],
        batch_size=500,
    )  # fmt: skip
    mark_contested(touched)


def mark_contested(refs: Iterable[str]) -> None:
    """Write on each entity whether somebody else claims it."""
    rows = Entity.objects.filter(ref__any_of=refs)
    claimed = Exists(Claim.objects.filter(ref=OuterRef("ref")))
    rows.filter(claimed, contested=False).update(contested=True)
    rows.filter(~claimed, contested=True).update(contested=False)

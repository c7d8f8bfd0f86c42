"""The facts that owners are resolved from, read for many entities at once."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import OuterRef, Subquery

from services.catalog.models import OWNABLE, Entity, EntityQuerySet, Relation
from services.catalog.ownership import living
from services.catalog.ownership.resolution import DEEPEST, Fact, Ownership, resolve

CONTAINERS = ("System", "Domain")


def owners_of(entities: Iterable[Entity]) -> dict[str, Ownership]:
    """Who each belongs to, by reference; what cannot have an owner is left out.

    One query where all name an owner, and one more for each step up for those that do not.
    """
    mine = [entity for entity in entities if entity.kind in OWNABLE]
    bare = [entity.ref for entity in mine if entity.kind in CONTAINERS and not entity.owner_ref]
    facts = {**facts_of(bare), **{e.ref: _fact(e) for e in mine if e.ref not in bare}}
    around = containers_of(facts.values())
    named = {fact.owner_ref for fact in (*facts.values(), *around.values())}
    lifeless = living.reasons(named)
    return {ref: resolve(fact, around, lifeless) for ref, fact in facts.items()}


def owner_of(entity: Entity) -> Ownership | None:
    """Who one entity belongs to; None for what cannot have an owner.

    Nothing is asked for a row of `desk.beside` that names its owner.
    """
    if entity.kind in OWNABLE and entity.owner_ref and hasattr(entity, "owner_dead"):
        return resolve(_fact(entity), {}, {entity.owner_ref: entity.owner_dead or ""})
    return owners_of([entity]).get(entity.ref)


@dataclass(frozen=True)
class Said:
    """What the page of an entity says of its owner: `owner` and `via` as entities, where they are some."""

    ownership: Ownership
    owner: Entity | None
    via: Entity | None

    @property
    def name(self) -> str:
        return str(self.owner) if self.owner else self.ownership.short


def said_of(entity: Entity) -> Said | None:
    """Who one entity belongs to, with what to link to; None for what cannot have an owner."""
    found = owner_of(entity)
    if found is None:
        return None
    if not found.via:
        return Said(found, entity.owner, None)
    rows = Entity.objects.filter(ref__in=[found.owner_ref, found.via]).defer("spec", "metadata", "search")
    known = {row.ref: row for row in rows}
    return Said(found, known.get(found.owner_ref), known.get(found.via))


def _fact(entity: Entity) -> Fact:
    within = "" if entity.kind in CONTAINERS else entity.system_ref
    return Fact(entity.ref, entity.owner_ref, entity.owner_id is not None, within)


def _within() -> Subquery:
    """The domain of a system or domain."""
    parts = Relation.objects.filter(source=OuterRef("pk"), type="partOf").order_by("pk")
    return Subquery(parts.values("target_ref")[:1])


def facts_of_containers(rows: EntityQuerySet) -> dict[str, Fact]:
    found = rows.annotate(within=_within()).values_list("ref", "owner_ref", "owner_id", "within")
    return {ref: Fact(ref, owner, key is not None, within or "") for ref, owner, key, within in found}


def facts_of(refs: Iterable[str]) -> dict[str, Fact]:
    wanted = list(refs)
    return facts_of_containers(Entity.objects.filter(ref__any_of=wanted)) if wanted else {}


def containers_of(facts: Iterable[Fact]) -> dict[str, Fact]:
    """The containers on the way up from those without an owner; a query for each step."""
    found: dict[str, Fact] = {}
    step = list(facts)
    for _ in range(DEEPEST):
        wanted = {fact.within for fact in step if fact.within and not fact.owner_ref} - found.keys()
        if not wanted:
            break
        level = facts_of(wanted)
        found |= level
        step = list(level.values())
    return found

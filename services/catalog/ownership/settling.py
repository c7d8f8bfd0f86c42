"""Taking the notes that triggers leave: only what may belong to somebody else now is looked at again.

What changes an entity's owner is itself, a system or domain around it, or that an owner can or cannot answer.
"""

from collections.abc import Iterable

from django.db import connection, transaction
from django.db.models import Q

from services.catalog.models import OWNABLE, Entity, Lifeless, Relation, Unsettled
from services.catalog.ownership import living, tenures
from services.catalog.ownership.reading import CONTAINERS
from services.catalog.ownership.resolution import DEEPEST

AT_ONCE = 2000  # entities that one import may see to itself; more are left for the next minute
PREFIXES = tuple(f"{kind.lower()}:" for kind in CONTAINERS)


@transaction.atomic
def settle(most: int = 0) -> int:
    """Resolve the owners of what was noted, and of what inherits from that; how many are different.

    With `most`, more notes than that are left where they are. Safe to run twice, and at once by two: where
    somebody else does it now, the notes are left for the next time.
    """
    if most and Unsettled.objects.order_by()[: most + 1].count() > most:
        return 0
    if not Unsettled.objects.exists() or not tenures.alone():
        return 0
    noted = _taken()
    wanted = Q(pk__in=[])
    if "" in noted:
        stirred = _stirred()
        wanted |= Q(holder_ref__any_of=stirred) if stirred else Q()
    changed = noted - {""}
    if changed:
        around = _around(changed)
        wanted |= Q(ref__any_of=changed | around)
        if around:
            wanted |= Q(system_ref__any_of=around, owner_ref="")
    return tenures.resolve_again(Entity.objects.filter(wanted, kind__in=OWNABLE))


def _taken() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM catalog_unsettled RETURNING ref")
        return {ref for (ref,) in cursor.fetchall()}


def _stirred() -> list[str]:
    """The owners who can answer now and could not before, or the other way round."""
    before = dict(Lifeless.objects.values_list("ref", "why"))
    living.refresh()
    after = dict(Lifeless.objects.values_list("ref", "why"))
    return sorted(ref for ref in before.keys() | after.keys() if before.get(ref) != after.get(ref))


def _around(refs: Iterable[str]) -> set[str]:
    """The systems and domains among them, with all that are within those."""
    level = {ref for ref in refs if ref.startswith(PREFIXES)}
    found = set(level)
    for _ in range(DEEPEST):
        rows = Relation.objects.filter(target_ref__any_of=level, type="partOf", source__kind__in=CONTAINERS)
        level = set(rows.order_by().values_list("source__ref", flat=True)) - found if level else set()
        if not level:
            break
        found |= level
    return found

"""What a reference to nothing may have meant: names of the same kind that begin alike or look alike."""

from collections.abc import Iterable
from difflib import get_close_matches

from django.db.models import Q
from django.db.models.functions import Lower

from services.catalog.models import Entity

BEGINNING, MOST, ROWS, COMPARED, LONGER = 3, 60, 1500, 100, 3


def nearest(refs: Iterable[str]) -> dict[str, Entity]:
    """Reference -> the entity whose name is nearest; what has no near one is left out. One query.

    Looks at names that are the same under another kind or namespace, then at those that begin alike.
    """
    wanted = {ref: parts for ref in list(dict.fromkeys(refs))[:MOST] if (parts := _parts(ref))}
    if not wanted:
        return {}
    names = {name for _, name in wanted.values()}
    alike = Q(name__in=names)
    for kind, name in set(wanted.values()):
        alike |= Q(kind__iexact=kind, low_name__startswith=name[:BEGINNING])
    rows = Entity.objects.alias(low_name=Lower("name")).filter(alike)
    known = list(rows.only("ref", "kind", "namespace", "name", "title").order_by()[:ROWS])
    found = {ref: _nearest(kind, name, known) for ref, (kind, name) in wanted.items()}
    return {ref: entity for ref, entity in found.items() if entity is not None}


def _parts(ref: str) -> tuple[str, str] | None:
    kind, colon, rest = ref.partition(":")
    name = rest.rpartition("/")[2]
    return (kind, name) if colon and name else None


def _nearest(kind: str, name: str, known: list[Entity]) -> Entity | None:
    same = [entity for entity in known if entity.name.lower() == name]
    if same:
        return min(same, key=lambda entity: entity.kind.lower() != kind)
    begun = {
        entity.name.lower(): entity
        for entity in known
        if entity.kind.lower() == kind
        and entity.name.lower().startswith(name[:BEGINNING])
        and abs(len(entity.name) - len(name)) <= LONGER
    }
    close = get_close_matches(name, sorted(begun)[:COMPARED], n=1, cutoff=0.7)
    return begun[close[0]] if close else None

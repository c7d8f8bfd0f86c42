"""An entity back into the file it could have come from."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models.functions import Lower

from services.catalog.models import Entity
from services.manifests import emit

OUTPUT_ONLY = ("uid", "etag")
GENERATED = ("backstage.io/managed-by", "backstage.io/orphan")


def as_yaml(entity: Entity) -> str:
    """The descriptor without what a catalog adds by itself; every reader gets the same strings back."""
    return emit.dump([plain(entity.descriptor)])


def plain(descriptor: dict[str, Any]) -> dict[str, Any]:
    """A descriptor as its author wrote it: no uid, no etag, none of the annotations that a catalog adds."""
    metadata = {key: value for key, value in descriptor["metadata"].items() if key not in OUTPUT_ONLY}
    if noted := metadata.get("annotations"):
        kept = {key: value for key, value in noted.items() if not key.startswith(GENERATED)}
        metadata = {key: value for key, value in metadata.items() if key != "annotations"}
        metadata |= {"annotations": kept} if kept else {}
    return {**descriptor, "metadata": metadata}


def documents(kinds: Iterable[str] = ()) -> Iterator[tuple[Entity, str]]:
    """Every entity that a source still has, with its YAML,
    in the order of kind and name; a few in memory at a time."""
    rows = Entity.objects.exclude(state=Entity.State.ORPHAN).order_by("kind", "namespace", "name", "pk")
    if wanted := [kind.lower() for kind in kinds]:
        rows = rows.annotate(low_kind=Lower("kind")).filter(low_kind__in=wanted)
    for entity in rows.defer("search", "description").iterator(chunk_size=500):
        text = as_yaml(entity)
        yield entity, text if text.startswith("---") else f"---\n{text}"

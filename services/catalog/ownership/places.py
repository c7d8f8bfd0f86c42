"""Where a descriptor stands, and how one gets there with a click."""

from dataclasses import dataclass

from services.catalog.models import Entity

NOTED = ("backstage.io/edit-url", "backstage.io/view-url", "backstage.io/managed-by-location")
WEB = ("https://", "http://")


@dataclass(frozen=True)
class Place:
    """`text` is file and line; `url` is empty where nobody can be sent."""

    text: str
    url: str
    source: str = ""
    is_outside: bool = False


def place_of(entity: Entity) -> Place:
    """The file of an entity on its host where an annotation names it, else the page of its source."""
    text = f"{entity.location}:{entity.line}".removesuffix(":0") if entity.location else ""
    source = entity.source
    for name in NOTED:
        address = str(entity.annotations.get(name, "")).removeprefix("url:")
        if address.startswith(WEB):
            return Place(text or address, address, str(source or ""), is_outside=True)
    if source is not None:
        return Place(text or str(source), source.get_absolute_url(), str(source))
    if entity.location.startswith(WEB):
        return Place(text, entity.location, is_outside=True)
    return Place(text or str(entity.get_origin_display()), "")


def is_told_by_source(entity: Entity) -> bool:
    """Whether a file in a folder or repository says whose it is, so that it has to be changed there."""
    return bool(entity.source.is_whole if entity.source else entity.location)

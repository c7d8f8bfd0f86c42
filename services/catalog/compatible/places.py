"""Where entities come from, as locations of Backstage's: `type:target`."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db.models import Q, QuerySet
from django.urls import reverse

from services.catalog.compatible import identity
from services.catalog.models import Entity, Source

if TYPE_CHECKING:
    from services.catalog.compatible.shaping import Row

LOCATION: Final = "backstage.io/managed-by-location"
ORIGIN: Final = "backstage.io/managed-by-origin-location"


def all_of() -> QuerySet[Source]:
    """The sources there are, the oldest first."""
    return Source.objects.filter(removed_at=None).order_by("pk")


def target_of(source: Source) -> tuple[str, str]:
    """Type and target: an address where there is one, else the page of the source here."""
    if source.kind == Source.Kind.FOLDER:
        return "file", "/".join(filter(None, [source.location.rstrip("/"), source.path.strip("/")]))
    if source.kind == Source.Kind.CLUSTER:
        return source.kind, source.location
    if "://" in source.location:
        return "url", source.location
    if source.location:
        branch = f"?ref={source.branch}" if source.branch else ""
        return source.kind, "/".join(filter(None, [source.location, source.path.strip("/")])) + branch
    return "url", settings.BASE_URL + source.get_absolute_url()


def origin_of(entity: "Entity | Row") -> str:
    """The location of an entity's source; of the entity's page, where it came by a request."""
    if entity.source is None:
        return f"url:{settings.BASE_URL}{entity.get_absolute_url()}"
    return ":".join(target_of(entity.source))


def location_of(entity: "Entity | Row", origin: str = "") -> str:
    """The very file; `origin` is that of the entity, where it is known already."""
    origin = origin or origin_of(entity)
    if entity.source is None or not entity.location:
        return origin
    kind, _, target = origin.partition(":")
    if entity.source.kind == Source.Kind.CLUSTER:
        return f"{kind}:{entity.location}"
    if "://" in target:
        return f"{origin}#{entity.location}"
    below = entity.location.removeprefix(entity.source.path.strip("/") + "/")
    return f"{kind}:{target.partition('?')[0]}/{below}"


def from_there(values: Iterable[str], *, exactly: bool) -> Q:
    """Entities whose origin, or `exactly` whose file, is one of some locations in lower case."""
    found, wanted = Q(pk__in=()), set(values)
    for source in all_of():
        origin = ":".join(target_of(source)).lower()
        if not exactly and origin in wanted:
            found |= Q(source=source)
        for place in wanted if exactly else ():
            if place.startswith(origin.partition("?")[0]):
                found |= _in_file(source, place)
    return found


def _in_file(source: Source, place: str) -> Q:
    probe = Entity(source=source, location="\x00")
    before, _, _ = location_of(probe).lower().partition("\x00")
    if not place.startswith(before):
        return Q(source=source) if place == ":".join(target_of(source)).lower() else Q(pk__in=())
    file = place.removeprefix(before)
    below = f"{source.path.strip('/')}/{file}"
    return Q(source=source) & (Q(location__iexact=file) | Q(location__iexact=below))


def as_data(source: Source) -> dict[str, Any]:
    """A location as the API lists it."""
    kind, target = target_of(source)
    return {
        "id": identity.id_of(identity.LOCATION, source.pk or 0),
        "type": kind,
        "target": target,
        "entityRef": f"location:default/{identity.location_name(f'{kind}:{target}')}",
    }


def as_entity(source: Source) -> dict[str, Any]:
    """The Location entity that stands for a source."""
    kind, target = target_of(source)
    place = f"{kind}:{target}"
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Location",
        "metadata": {
            "uid": identity.id_of(identity.LOCATION, source.pk),
            "name": identity.location_name(place),
            "namespace": "default",
            "title": source.title,
            "annotations": {
                LOCATION: place,
                ORIGIN: place,
                "slipway.dev/page": settings.BASE_URL + reverse("catalog:source_detail", args=[source.pk]),
            },
        },
        "spec": {"type": kind, "target": target},
        "relations": [],
    }


def named(ref: str) -> Source | None:
    """The source whose Location entity a reference names."""
    return next((source for source in all_of() if as_data(source)["entityRef"] == ref), None)

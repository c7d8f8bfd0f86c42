"""Sources that are clusters: what was seen of one, as entities. Nothing here asks a cluster anything.

Who watches clusters stands above the catalog; it puts its picture in here when it is ready.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from services.catalog.models import Entity, Source
from services.catalog.sources.discovery import FIELDS, Rules, Seen, discover
from services.catalog.sources.fetching import CannotFetch, Fetched

FORM_FIELDS: Final = ("owner", "system", "lifecycle", "type")


class Picture(Protocol):
    def places(self) -> Mapping[str, Sequence[str]]:
        """Every cluster that is watched, with the namespaces that are, the most important first."""

    def seen(self, cluster: str, namespaces: Sequence[str]) -> Sequence[Seen]:
        """What runs there and what helps to understand it, in the order of the namespaces.

        Raises CannotFetch when the picture is too old, or not whole, to tell what is gone.
        """


pictures: list[Picture] = []


def places() -> dict[str, list[str]]:
    """Every cluster somebody watches, with its namespaces."""
    return {name: list(spaces) for picture in pictures for name, spaces in picture.places().items()}


def reach(source: Source) -> Fetched:
    """What the source's cluster runs, as reports. Raises CannotFetch."""
    picture = next((one for one in pictures if source.location in one.places()), None)
    if picture is None:
        raise CannotFetch(f"No cluster {source.location} is registered any more")
    watched = list(picture.places()[source.location])
    chosen = source.path.split() or watched
    if gone := [name for name in chosen if name not in watched]:
        names = ", ".join(gone)
        raise CannotFetch(f"Nobody watches {names} of {source.location} any more: add the environment again")
    seen = picture.seen(source.location, [name for name in watched if name in chosen])
    reports = discover(seen, cluster=source.location, rules=rules_of(source), described=_described(source))
    return Fetched(reports=reports)


def rules_of(source: Source) -> Rules:
    """Which labels say what, as people set it on the source."""
    kept = source.options.get("fields") or {}
    fields = {name: tuple(kept[name]) if name in kept else keys for name, keys in FIELDS.items()}
    helpers, apart = (bool(source.options.get(name)) for name in ("helpers", "apart"))
    return Rules(fields, helpers, apart)


def _described(source: Source) -> set[str]:
    """What somebody wrote down: in a file, a manifest or a request, and not only saw."""
    rows = Entity.objects.filter(kind__in=["Component", "Resource", "System"])
    rows = rows.exclude(origin=Entity.Origin.CLUSTER).exclude(state=Entity.State.ORPHAN)
    return set(rows.exclude(source=source).values_list("ref", flat=True))


def settings_of(said: Mapping[str, Any]) -> dict[str, Any]:
    """What a form says of a cluster, as the source keeps it."""
    fields = {name: str(said[name]).replace(",", " ").split() for name in FORM_FIELDS}
    return {"fields": fields, "helpers": bool(said["helpers"]), "apart": bool(said["apart"])}

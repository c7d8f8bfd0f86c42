"""Places that tools name: what would come in from one, and taking it in as a source."""

from typing import Any, Final

from django.conf import settings

from portal.shell.api import ApiError
from services.catalog import actions, rules
from services.catalog.actions import looking
from services.catalog.compatible import places
from services.catalog.descriptors.examine import DocumentReport, examine
from services.catalog.descriptors.problems import as_name
from services.catalog.models import Entity, Source
from services.catalog.sources import reaching
from services.catalog.sources.fetching import CannotFetch

MOST: Final = 5000
ELSEWHERE: Final = (
    "Slipway reads repositories of its git host: owner/name, owner/name/folder, with ?ref= for a branch. "
    "Other hosts are connected on the page Sources."
)


def source_at(kind: str, target: str, user: Any) -> Source:
    """The source at a place, or one like it that is not saved. Refuses what the portal cannot read there."""
    if kind == Source.Kind.FOLDER or kind == "file":
        found = Source(kind=Source.Kind.FOLDER, location=target.rstrip("/") or "/", title=target[:200])
    else:
        place, _, branch = target.removeprefix("git:").partition("?ref=")
        owner, _, rest = place.strip("/").partition("/")
        name, _, path = rest.partition("/")
        location = f"{owner}/{name}"
        if not reaching.is_hosted(location) or "://" in target:
            raise ApiError(ELSEWHERE)
        found = Source(kind=Source.Kind.GIT, location=location, branch=branch, path=path, title=location)
    if found.kind == Source.Kind.FOLDER and not rules.can_read_machine(user):
        raise ApiError("Folders of the portal's machine are for those who run the platform.", 403)
    return _known(found) or found


def _known(like: Source) -> Source | None:
    fields = ("kind", "location", "branch", "path")
    return Source.objects.filter(removed_at=None, **{name: getattr(like, name) for name in fields}).first()


def preview(source: Source) -> list[dict[str, Any]]:
    """The entities that would come in, as the catalog would show them. Changes nothing."""
    try:
        fetched = reaching.look_again(source)
    except CannotFetch as error:
        raise ApiError(str(error)) from error
    reports = examine(fetched.files, settings.CATALOG_KINDS)
    found = [report for report in reports if report.descriptor is not None]
    wrong = [report for report in reports if report.errors]
    if wrong and not found:
        first = wrong[0]
        raise ApiError(f"{first.file}:{first.line}: {first.errors[0].message}")
    return [_would_be(source, report) for report in found[:MOST]]


def _would_be(source: Source, report: DocumentReport) -> dict[str, Any]:
    descriptor = report.descriptor or {}
    metadata = descriptor["metadata"]
    origin = ":".join(places.target_of(source))
    file = places.location_of(Entity(source=source, location=report.file))
    noted = {places.LOCATION: file, places.ORIGIN: origin, **(metadata.get("annotations") or {})}
    named = {**metadata, "namespace": metadata.get("namespace") or "default", "annotations": noted}
    return {**descriptor, "metadata": named}


def add(source: Source, *, again: bool, by: Any) -> Source:
    """Take the place in and have it read. Refuses one that is known, unless it is to be read `again`."""
    if source.pk and not again:
        raise ApiError(f"Location {':'.join(places.target_of(source))} already exists", 409)
    if not source.pk:
        person = by if by.pk else None
        told = {name: getattr(source, name) for name in ("kind", "title", "location", "branch", "path")}
        source = actions.find_or_create_source(by=person, **told)
    read(source, by=by)
    return source


def read(source: Source, *, by: Any) -> None:
    """Have a source read again soon. Refuses those who may not, and what the portal cannot read by itself."""
    if not _may_read(source, by):
        raise ApiError("Folders of the portal's machine are for those who run the platform.", 403)
    try:
        looking.read_now(source=source, by=by)
    except actions.Refused as refused:
        raise ApiError(str(refused), 409) from refused


def _may_read(source: Source, user: Any) -> bool:
    return source.kind != Source.Kind.FOLDER or rules.can_read_machine(user)


def suggested(kind: str, target: str) -> dict[str, Any]:
    """A descriptor for a place that has none, with what still is to be said."""
    last = target.partition("?")[0].rstrip("/").rpartition("/")[2].rpartition(".git")
    name = as_name(last[0] or last[2]) or "unnamed"
    entity = {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": name, "annotations": {"backstage.io/source-location": f"{kind}:{target}"}},
        "spec": {"type": "other", "lifecycle": "unknown"},
    }
    field = {
        "field": "metadata.name",
        "state": "analysisSuggestedValue",
        "value": name,
        "description": "From the place's last part.",
    }
    needs = {
        "field": "spec.owner",
        "state": "needsUserInput",
        "value": None,
        "description": "The team that answers for it.",
    }
    return {"entity": entity, "fields": [field, needs]}

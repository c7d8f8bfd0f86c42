"""Who commits to what a descriptor stands beside; asked of the git host, never by a page."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from portal.shell.registry import Deed
from services.catalog.models import Entity, Source
from services.integrations import githosts
from services.integrations.errors import NotFound
from services.integrations.githosts.base import Commit

MOST = 200
DESCRIPTORS = ("catalog-info.yaml", "catalog-info.yml")


def gather(refs: Sequence[str], since: datetime) -> Iterator[Deed]:
    """Commits to the folder of a service that has its own descriptor, else to the descriptor's file."""
    rows = Entity.objects.filter(ref__in=refs, source__kind=Source.Kind.GIT).exclude(location="")
    read: dict[tuple[int, str], list[Commit]] = {}
    for entity in rows.select_related("source").only("ref", "location", "source"):
        source = entity.source
        if source is not None and not source.location.startswith("/"):
            place = source.pk, place_of(source.path, entity.location)
            if place not in read:
                read[place] = _log(source, place[1])
            yield from tallied(entity.ref, read[place], since)


def _log(source: Source, path: str) -> list[Commit]:
    host = githosts.get()
    try:
        return host.log(source.location, source.branch or host.head(source.location), path, MOST)
    except NotFound:
        return []


def place_of(under: str, location: str) -> str:
    """The path in the repository that tells of an entity."""
    whole = location if location.startswith(under) else f"{under.rstrip('/')}/{location}"
    folder, _, name = whole.rpartition("/")
    return folder if folder and name in DESCRIPTORS else whole


def tallied(ref: str, commits: Iterable[Commit], since: datetime) -> Iterator[Deed]:
    """Commits since a day by author, without merges."""
    found: dict[str, tuple[int, datetime]] = {}
    for commit in commits:
        if commit.at >= since and len(commit.parents) < 2:
            who = commit.author.email or commit.author.name
            count, last = found.get(who, (0, commit.at))
            found[who] = count + 1, max(last, commit.at)
    for who, (count, last) in found.items():
        yield Deed(ref, who, count, last)

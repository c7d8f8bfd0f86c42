"""Reading a source where it is: a folder, a repository, or the repositories of an organisation."""

from dataclasses import dataclass

from services.catalog.models import Source
from services.catalog.sources import clusters, fetching, organisations
from services.catalog.sources.fetching import CannotFetch, Fetched
from services.integrations import githosts
from services.integrations.errors import IntegrationError


@dataclass(frozen=True)
class Reached:
    """Where the source stands; its files, or None when that is where it stood before."""

    head: str
    fetched: Fetched | None


def reach(source: Source, name: str = "", trigger: str = "", anew: bool = False) -> Reached:
    """What a source holds now; an unmoved head is not read again, unless `anew`. Raises CannotFetch.

    Of an organisation, `name` is the one repository that may have moved.
    """
    if source.kind == Source.Kind.ORGANISATION:
        return Reached(*organisations.reach(source, name, trigger, anew))
    if source.kind == Source.Kind.CLUSTER:
        return _compared(source, clusters.reach(source), anew)
    head = _head(source)
    if head and head == source.head and not anew:
        return Reached(head, None)
    fetched = look_again(source)
    return Reached(fetched.revision or fetched.digest, fetched)


def _compared(source: Source, fetched: Fetched, anew: bool) -> Reached:
    return Reached(fetched.digest, fetched if anew or fetched.digest != source.head else None)


def _head(source: Source) -> str:
    """The commit the source is at, without reading it; empty for a folder, which has none."""
    if source.kind != Source.Kind.GIT:
        return ""
    if not is_hosted(source.location):
        return fetching.revision_of(source.location, source.branch)
    try:
        return githosts.get("local").head(source.location, source.branch or None)
    except IntegrationError as error:
        raise CannotFetch(f"{source.location} cannot be read: {error}") from error


def is_hosted(location: str) -> bool:
    """`owner/name`, rather than a path or an address."""
    owner, slash, name = location.partition("/")
    return (
        bool(owner and slash and name)
        and "/" not in name
        and ":" not in location
        and owner not in (".", "..", "~")
    )


def from_host(location: str, branch: str = "", path: str = "") -> Fetched:
    """The files of a repository on the git host, within the limits of every import."""
    host, room = githosts.get("local"), Fetched()

    def only(name: str, size: int) -> bool:
        is_wanted = fetching.wanted(name, size)
        room.make_room(size if is_wanted else 0)
        return is_wanted

    try:
        revision = host.head(location, branch or None)
        tree = host.read_tree(location, revision, path.strip("/"), only)
    except IntegrationError as error:
        raise CannotFetch(f"{location} cannot be read: {error}") from error
    fetched = Fetched(revision=revision)
    for name, content in tree.items():
        if fetching.wanted(name, len(content)):
            fetched.add(name, content)
    return fetched


def look_again(source: Source) -> Fetched:
    """Read a folder or repository once more. Refuses (CannotFetch) what cannot be read by now."""
    if source.kind == Source.Kind.FOLDER:
        return fetching.from_folder(source.location, source.path)
    if is_hosted(source.location):
        return from_host(source.location, source.branch, source.path)
    return fetching.from_repository(source.location, source.branch, source.path)

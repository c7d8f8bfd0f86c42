"""Where the docs of an entity are: beside its descriptor, or where its annotations lead.

An address is never asked as it stands. It names a repository of an organisation that is a source, or nothing;
that source's own address, token and limits do the reading.
"""

import posixpath
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote, urlsplit

from services.catalog.docs.layout import NoDocs, root_of
from services.catalog.models import Entity, Source
from services.integrations import organisations

ANNOTATION: Final = "backstage.io/techdocs-ref"
BASES: Final = ("backstage.io/source-location", "backstage.io/managed-by-location")
WAYS: Final = {"github": (), "gitlab": ("-",), "gitea": ("src",)}
FILES: Final = (".yaml", ".yml", ".json", ".md")
NO_ADDRESS: Final = (
    "{} is no address of a repository. Write it like url:https://github.com/larkfield/shop/tree/main/docs."
)
CAME: Final = {
    Source.Kind.PUT: "was put here",
    Source.Kind.UPLOAD: "was uploaded",
    Source.Kind.PASTE: "was pasted",
    Source.Kind.CLUSTER: "was only seen in a cluster",
}


@dataclass(frozen=True)
class Place:
    """A folder of a source; of an organisation also which repository, and which branch if not the usual."""

    source: Source
    root: str
    repository: str = ""
    branch: str = ""


def place_of(entity: Entity) -> Place:
    """Where to read. Refuses (NoDocs) with what is wrong and what to do about it."""
    ref, source = str(entity.annotations.get(ANNOTATION, "")), entity.source
    if source is None:
        raise NoDocs("It came by a request: its docs are read once a source brings its descriptor.")
    if ref.startswith("url:"):
        return _allowed(_at(ref.removeprefix("url:").strip()), entity)
    if source.kind in (Source.Kind.FOLDER, Source.Kind.GIT):
        return Place(source, root_of(ref, entity.location))
    if source.kind == Source.Kind.ORGANISATION:
        repository, inside = _own(entity)
        return Place(source, root_of(ref, inside), repository)
    base = _at(_base_of(entity))
    root = root_of(ref, posixpath.join(base.root, "catalog-info.yaml"))
    return _allowed(replace(base, root=root), entity)


def _base_of(entity: Entity) -> str:
    """Where the repository is that a descriptor without a folder beside it speaks of."""
    assert entity.source is not None
    for name in BASES:
        said = str(entity.annotations.get(name, ""))
        if said.startswith("url:"):
            return said.removeprefix("url:").strip()
    came = CAME.get(Source.Kind(entity.source.kind), "came alone")
    raise NoDocs(
        f"This descriptor {came}, so no folder lies beside it. Name its repository with the annotation "
        f"{BASES[0]}: url:https://…, or import that repository."
    )


def _own(entity: Entity) -> tuple[str, str]:
    """The repository of an organisation that an entity's file is in, and the path there."""
    assert entity.source is not None
    steps = entity.location.split("/")
    names = ["/".join(steps[:count]) for count in range(1, len(steps))]
    found = entity.source.holdings.filter(name__in=names).values_list("name", flat=True)
    name = max(found, key=len, default="")
    if not name:
        raise NoDocs(f"No repository of {entity.source} has {entity.location} any more.")
    return name, entity.location.removeprefix(f"{name}/")


def _at(address: str) -> Place:
    """The folder of a repository that an address names, of an organisation that is a source."""
    try:
        parts = urlsplit(address)
    except ValueError as error:  # half an IPv6 address
        raise NoDocs(NO_ADDRESS.format(address[:200])) from error
    steps = [step for step in unquote(parts.path).split("/") if step not in ("", ".")]
    if parts.scheme not in ("http", "https") or not parts.netloc or "@" in parts.netloc or ".." in steps:
        raise NoDocs(NO_ADDRESS.format(address[:200]))
    wanted = f"{parts.scheme}://{parts.netloc}/{'/'.join(steps)}".lower()
    sources = Source.objects.filter(kind=Source.Kind.ORGANISATION, removed_at=None).order_by("pk")
    for source in sorted(sources, key=lambda source: -len(source.location)):  # a group in a group first
        base = web_of(source)
        if f"{wanted}/".startswith(f"{base}/{source.location}/".lower()):
            return _inside(source, steps[base.count("/") - 2 :], address)
    raise NoDocs(
        f"{address[:200]} is in no organisation that this catalog reads. Ask the platform team to import "
        "that organisation as a source, or put the docs into a folder beside the descriptor (dir:.)."
    )


def web_of(source: Source) -> str:
    """Where people see the repositories of an organisation, as against where its API answers."""
    address = str(source.options.get("address") or organisations.ADDRESSES[source.provider])
    if source.provider == "github":
        address = address.replace("https://api.github.com", "https://github.com").removesuffix("/api/v3")
    return address.rstrip("/")


def _inside(source: Source, steps: list[str], address: str) -> Place:
    """The longest name that is a repository; then what kind of page it is, its branch, and the folder."""
    names = ["/".join(steps[:count]).removesuffix(".git") for count in range(2, len(steps) + 1)]
    known = {name.lower(): name for name in source.holdings.values_list("name", flat=True)}
    found = max((name for name in names if name.lower() in known), key=len, default="")
    if not found:
        raise NoDocs(
            f"{address[:200]} is not among the repositories that {source} reads. Ask the platform team to "
            "include it, or put the docs into a folder beside the descriptor (dir:.)."
        )
    rest = steps[found.count("/") + 1 :]
    way = WAYS[source.provider]
    if way and tuple(rest[:1]) == way:
        rest = rest[1:]
    kind = rest[0] if rest else ""
    branch = rest[1] if kind in ("tree", "blob", "branch") and len(rest) > 1 else ""
    folder = rest[2:] if branch else []
    if folder and (kind == "blob" or folder[-1].lower().endswith(FILES)):
        folder = folder[:-1]
    return Place(source, "/".join(folder), known[found.lower()], branch)


def _allowed(place: Place, entity: Entity) -> Place:
    """A repository may show its own docs; those of others only where the platform team said so."""
    if place.source.options.get("docs"):
        return place
    if place.source == entity.source and _own(entity)[0] == place.repository:
        return place
    raise NoDocs(
        f"{place.repository} may be read for its own descriptors only. Put this descriptor into it, or ask "
        f"the platform team to allow it where {place.source} says how it is read."
    )

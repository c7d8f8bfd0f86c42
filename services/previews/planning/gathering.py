"""The manifests of services as they lie in the deploy repository."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.catalog.models import Entity
from services.integrations import githosts
from services.integrations.githosts.base import GitHost
from services.manifests.copying import Item
from services.manifests.reader import ManifestError, load_all
from services.onboarding.models import Request
from services.onboarding.queries import place_of

YAML = (".yaml", ".yml")
NO_OBJECTS = ("kustomization.yaml", "slipway.yaml", "catalog-info.yaml")


@dataclass
class Gathered:
    """`items` and `folders` by reference of a service; `unreadable` says what was wrong with a file."""

    provider: str
    repo: str
    base: str
    items: dict[str, list[Item]] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)


def gather(entities: Iterable[Entity], environment: str, over: Mapping[str, str] | None = None) -> Gathered:
    """What each has for an environment, with `over` (a request's files) in place of what lies there.

    Raises `integrations.errors` while the git host is silent.
    """
    provider, repo = place_of(Request())
    host = githosts.get(provider)
    found = Gathered(provider, repo, host.head(repo))
    entities = list(entities)
    last = _last_files([entity.ref for entity in entities])
    for entity in entities:
        for folder in _folders(entity, environment, last.get(entity.ref, ()), over or {}):
            files = host.read_tree(repo, found.base, folder)
            files |= _over(folder, over or {})
            if _kept(entity, folder, files, found):
                break
    _look_everywhere([each for each in entities if each.ref not in found.items], environment, host, found)
    return found


def _kept(entity: Entity, folder: str, files: Mapping[str, bytes], found: Gathered) -> bool:
    if items := list(_items(entity, files, found)):
        found.items[entity.ref], found.folders[entity.ref] = items, folder
    return bool(items)


def _look_everywhere(missing: list[Entity], environment: str, host: GitHost, found: Gathered) -> None:
    """Those that lie with another team than the one they belong to now; one look for all of them."""
    wanted = {entity.name for entity in missing}

    def is_one(path: str, size: int) -> bool:
        parts = path.split("/")
        return len(parts) == 5 and parts[3] == environment and parts[2] in wanted and path.endswith(YAML)

    files = host.read_tree(found.repo, found.base, "apps", is_one) if wanted else {}
    for entity in missing:
        mine = {path: text for path, text in files.items() if path.split("/")[2] == entity.name}
        if mine:
            folder = min(mine).rpartition("/")[0]
            _kept(entity, folder, {p: t for p, t in mine.items() if p.rpartition("/")[0] == folder}, found)


def _last_files(refs: list[str]) -> dict[str, list[str]]:
    """Where the last merged request of each put its files."""
    rows = Request.objects.filter(entity_ref__in=refs, kind=Request.Kind.FORM).exclude(merge_sha="")
    return {row.entity_ref: list(row.files) for row in rows.order_by("number").only("entity_ref", "files")}


def _folders(entity: Entity, environment: str, last: Iterable[str], over: Mapping[str, str]) -> list[str]:
    """The likeliest first."""
    owner = (entity.holder_ref or entity.owner_ref).rpartition("/")[2]
    pattern = f"apps/*/{entity.name}/{environment}/*"
    known = [path.rpartition("/")[0] for path in (*over, *last) if fnmatch.fnmatch(path, pattern)]
    return list(dict.fromkeys([*known, f"apps/{owner}/{entity.name}/{environment}"]))


def _over(folder: str, over: Mapping[str, str]) -> dict[str, bytes]:
    return {path: text.encode() for path, text in over.items() if path.rpartition("/")[0] == folder}


def _items(entity: Entity, files: Mapping[str, bytes], found: Gathered) -> Iterable[Item]:
    for path, text in sorted(files.items()):
        if not path.endswith(YAML) or path.rpartition("/")[2] in NO_OBJECTS:
            continue
        try:
            documents = load_all(text, path)
        except ManifestError as error:
            found.unreadable.append(str(error))
            continue
        yield from (Item(entity.ref, each.data, path) for each in documents if isinstance(each.data, dict))

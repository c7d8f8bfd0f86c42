"""What the deploy repository says of a service in one environment, whoever wrote it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.catalog.models import Entity
from services.clusters.models import Environment
from services.integrations import githosts
from services.manifests.reader import ManifestError

from ..models import BRINGING, Request
from .forms import place_of

if TYPE_CHECKING:
    from services.integrations.githosts.base import GitHost
    from services.manifests.images import Place

MANIFESTS = (".yaml", ".yml")
LARGEST = 1_000_000


@dataclass(frozen=True)
class Deployed:
    """`files` are those of the service in the environment, as they stand at the commit `base`."""

    entity: Entity
    environment: Environment
    provider: str
    repo: str
    base: str
    files: Mapping[str, bytes]
    places: tuple[Place, ...]

    @property
    def main(self) -> Place | None:
        """The image that is the service's own, not one that helps beside it."""
        own = [each for each in self.places if each.image.name == self.entity.name]
        return next(iter(own or self.places), None)


def deployed(entity: Entity, environment: Environment, at: str = "") -> Deployed:
    """Raises `integrations.errors` while the git host is silent."""
    provider, repo = place_of(Request())
    host = githosts.get(provider)
    base = at or host.head(repo)
    for files in _candidates(host, repo, base, entity, environment):
        found = tuple(_places(files, entity, environment))
        if found:
            return Deployed(entity, environment, provider, repo, base, files, found)
    return Deployed(entity, environment, provider, repo, base, {}, ())


def _candidates(
    host: GitHost, repo: str, base: str, entity: Entity, environment: Environment
) -> Iterator[dict[str, bytes]]:
    """Where the form put it, where its owner's things are, and at last wherever its name is in the path."""
    for folder in _folders(entity, environment):
        yield host.read_tree(repo, base, folder, _is_manifest)

    def is_named(path: str, size: int) -> bool:
        return _is_manifest(path, size) and entity.name in _parts(path)

    found = host.read_tree(repo, base, "", is_named)
    yield {path: text for path, text in found.items() if _is_for(path, environment)}


def _folders(entity: Entity, environment: Environment) -> Iterator[str]:
    merged = Request.objects.about(entity.ref).exclude(merge_sha="").exclude(kind__in=BRINGING)
    last = merged.order_by("-number").values_list("files", flat=True).first() or {}
    middle = f"/{environment.name}/"
    found = {path.rpartition("/")[0] for path in last if middle in path}
    yield from sorted(found, key=lambda folder: (f"/{entity.name}/" not in folder, folder))
    yield f"apps/{entity.owner_ref.rpartition('/')[2]}/{entity.name}/{environment.name}"


def _is_manifest(path: str, size: int) -> bool:
    return path.endswith(MANIFESTS) and size <= LARGEST


def _is_for(path: str, environment: Environment) -> bool:
    """A path that names another environment is not of this one."""
    others = Environment.objects.exclude(pk=environment.pk).values_list("name", flat=True)
    return not _parts(path) & set(others)


def _parts(path: str) -> set[str]:
    *folders, file = path.split("/")
    return {*folders, file.partition(".")[0]}


def _places(files: Mapping[str, bytes], entity: Entity, environment: Environment) -> Iterator[Place]:
    """Images that a kustomization sets count, those they take the place of do not."""
    from services.manifests import images  # heavy; only web and workers that need it load it

    found: list[Place] = []
    for path, text in sorted(files.items()):
        about = {"name": entity.name, "namespace": environment.namespace}
        try:
            found += images.places(path, text, **about, must_say=environment.name not in _parts(path))
        except ManifestError:
            continue
    overridden = {
        name for each in found if each.is_override for name in (each.container, each.image.repository)
    }
    yield from (each for each in found if each.is_override or each.image.repository not in overridden)

"""What Argo CD's and Flux' controllers share: reading a repository on this machine, applying, taking away."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pygit2
import yaml

from portal.demo.cluster.api import Target
from portal.demo.cluster.fields import Fields
from portal.demo.cluster.status import ApiError
from portal.demo.cluster.world import World

Object = dict[str, Any]
SUFFIXES = (".yaml", ".yml")
KUSTOMIZATION = "kustomization.yaml"


class CannotRead(Exception):
    """The repository, the revision or the folder is not there, or holds no manifests."""


@dataclass(frozen=True)
class Checkout:
    """A commit of a bare repository at a path or `file://` address."""

    git: pygit2.Repository
    commit: pygit2.Commit

    @classmethod
    def of(cls, url: str, revision: str) -> "Checkout":
        path = url.removeprefix("file://")
        if not path.startswith("/"):
            raise CannotRead(f"failed to list refs: repository {url} not found")
        try:
            git = pygit2.Repository(path)
            found = git.revparse_single("HEAD" if revision in ("", "HEAD") else revision)
            return cls(git, found.peel(pygit2.Commit))
        except (pygit2.GitError, KeyError, ValueError) as error:
            raise CannotRead(f"unable to resolve {revision or 'HEAD'!r} of {url}: {error}") from error

    @property
    def sha(self) -> str:
        return str(self.commit.id)

    def objects(self, folder: str, *, deep: bool) -> list[Object]:
        """What the manifests of a folder say; of one with a kustomization, what that names."""
        folder = "/".join(part for part in folder.split("/") if part not in ("", "."))
        files = dict(self._files(folder, deep=True))
        if not files:
            raise CannotRead(f"{folder or '.'}: app path does not exist")
        prefix = f"{folder}/" if folder else ""
        named = files.get(f"{prefix}{KUSTOMIZATION}")
        if named is not None:
            listed = [str(each) for each in _parsed(KUSTOMIZATION, named)[0].get("resources") or []]
            files = {path: text for path, text in files.items() if path.removeprefix(prefix) in listed}
        elif not deep:
            files = {path: text for path, text in files.items() if "/" not in path.removeprefix(prefix)}
        return [obj for path, text in files.items() for obj in _parsed(path, text) if obj.get("kind")]

    def _files(self, folder: str, *, deep: bool) -> Iterator[tuple[str, bytes]]:
        try:
            tree: Any = self.commit.tree[folder] if folder else self.commit.tree
        except KeyError:
            return
        for entry in tree if isinstance(tree, pygit2.Tree) else ():
            path = f"{folder}/{entry.name}" if folder else str(entry.name)
            if isinstance(entry, pygit2.Tree) and deep:
                yield from self._files(path, deep=deep)
            elif isinstance(entry, pygit2.Blob) and path.endswith(SUFFIXES):
                yield path, entry.data


def _parsed(path: str, text: bytes) -> list[Object]:
    try:
        found = list(yaml.load_all(text, Loader=yaml.CSafeLoader))
    except yaml.YAMLError as error:
        raise CannotRead(f"failed to unmarshal {path!r}: {error}") from error
    return [each for each in found if isinstance(each, dict)]


def placed(obj: Object, namespace: str) -> Object:
    """With a namespace where it names none."""
    about = obj.get("metadata") or {}
    return obj | {"metadata": {"namespace": namespace} | about} if namespace else obj


def key_of(obj: Object) -> tuple[str, str, str]:
    about = obj["metadata"]
    return str(obj["kind"]), str(about.get("namespace") or ""), str(about["name"])


def target_of(world: World, obj: Object) -> Target:
    version, kind = str(obj.get("apiVersion")), str(obj.get("kind"))
    if (version, kind) not in world.store.kinds:
        raise ApiError(404, f'no matches for kind "{kind}" in version "{version}"', "NotFound")
    known = world.store.kinds.of(version, kind)
    about = obj["metadata"]
    return Target(known, about.get("namespace", "") if known.namespaced else "", about["name"])


def apply(world: World, obj: Object, manager: str) -> str:
    """Apply one object; what the cluster says against it, empty when it says nothing."""
    try:
        world.api.apply(target_of(world, obj), obj, {"fieldManager": manager, "force": "true"})
    except ApiError as error:
        return str(error.body.get("message") or error)
    return ""


def live(world: World, obj: Object) -> Object | None:
    try:
        target = target_of(world, obj)
    except ApiError:
        return None
    return world.store.get(target.kind, target.namespace, target.name)


def is_as_said(world: World, obj: Object) -> bool:
    """Whether applying it would change nothing."""
    found = live(world, obj)
    if found is None:
        return False
    keyed = world.store.kinds.of(obj["apiVersion"], obj["kind"]).builtin
    return bool(Fields(keyed=keyed).merge(found, obj) == found)


def marked(world: World, note: str, value: str) -> list[Object]:
    """Everything that carries this annotation."""
    return [
        obj
        for kind in world.store.kinds
        for obj in list(world.store.of(kind).values())
        if (obj["metadata"].get("annotations") or {}).get(note, "").startswith(value)
    ]


def remove(world: World, obj: Object) -> None:
    world.api.remove(world.store.kinds.of(obj["apiVersion"], obj["kind"]), obj)


def health_of(obj: Object | None) -> str:
    """As the controllers judge what they brought; kinds without replicas are well at once."""
    if obj is None:
        return "Missing"
    status = obj.get("status") or {}
    conditions = {each["type"]: each for each in status.get("conditions") or []}
    if (conditions.get("Progressing") or {}).get("reason") == "ProgressDeadlineExceeded":
        return "Degraded"
    if obj["kind"] not in ("Deployment", "StatefulSet"):
        return "Healthy"
    wanted = obj["spec"].get("replicas", 1)
    seen = status.get("observedGeneration", 0) >= obj["metadata"].get("generation", 1)
    done = seen and status.get("updatedReplicas", 0) == wanted and status.get("readyReplicas", 0) == wanted
    return "Healthy" if done or (wanted == 0 and seen) else "Progressing"

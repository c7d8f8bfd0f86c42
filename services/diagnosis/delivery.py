"""What those who bring git to a cluster say of it: Argo CD's Application, Flux' Kustomization.

Sources: Argo CD's `pkg/apis/application/v1alpha1/types.go`, Flux' kustomize-controller `api/v1`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from services.diagnosis import objects
from services.diagnosis.objects import Object, condition, find, items, number

# synced: what it has is there. works: it is at it. waits: for its turn, or for a person. failed: says why.
# broken: whatever the commit, it can do nothing. silent: it never said anything.
Word = Literal["synced", "works", "waits", "failed", "broken", "silent"]
ENDED_BADLY = ("Failed", "Error")
# Named in these words where something else has to come first.
NOT_YET = ("DependencyNotReady", "Progressing", "ArtifactNotFound", "ProgressingWithRetry")
_COMMIT = re.compile(r"(?:^|[@:/])([0-9a-f]{40}|[0-9a-f]{64})$")


@dataclass(frozen=True)
class Source:
    """A folder of a repository; `files` are single ones that others read from it instead."""

    url: str
    path: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """`here`: the commits that are in the cluster, `tried`: those last worked on; both as its sources are.

    `has` is what it brought, as kind, namespace and name; None where it does not say.
    """

    name: str
    word: Word
    says: str
    here: tuple[str, ...] = ()
    tried: tuple[str, ...] = ()
    at: str = ""
    is_automatic: bool = True
    is_suspended: bool = False
    prunes: bool = True
    has: frozenset[tuple[str, str, str]] | None = None


def commit_of(revision: Any) -> str:
    """The commit in `main@sha1:1f…`, `main/1f…`, `tags/v1@sha1:1f…` or `1f…`; empty for anything else."""
    found = _COMMIT.search(str(revision or "").strip().lower())
    return found.group(1) if found else ""


def repository_of(url: str) -> str:
    """`shop/deploy` of any spelling of its address: https, ssh, `git@host:shop/deploy.git`, a path."""
    plain = re.sub(r"^[a-z][a-z0-9+.-]*://[^/]*", "", url.strip().lower()).removesuffix("/")
    plain = plain.rpartition(":")[2].removesuffix(".git").strip("/")
    return "/".join(plain.split("/")[-2:])


def sources_of(obj: Object, repository: Object | None = None) -> list[Source]:
    """Where it reads; `repository` is the GitRepository a Kustomization names."""
    if not is_argo(obj):
        url, path = find(repository or {}, "spec.url", ""), find(obj, "spec.path", "")
        return [Source(str(url), _folder(str(path)))]
    given = items(obj, "spec.sources") or [_mapping(find(obj, "spec.source"))]
    return [_source(each, given) for each in given]


def is_argo(obj: Object) -> bool:
    return objects.group(obj) == "argoproj.io"


def _source(given: Mapping[str, Any], among: list[Mapping[str, Any]]) -> Source:
    path = _folder(str(given.get("path") or ""))
    return Source(str(given.get("repoURL") or ""), path, tuple(_values(given, among)))


def _values(source: Mapping[str, Any], among: list[Mapping[str, Any]]) -> Iterator[str]:
    """What others read from this one: `$values/apps/web/production.yaml`, where it is called `values`."""
    name = f"${source.get('ref')}/"
    for each in among:
        files = find(each, "helm.valueFiles")
        for file in files if isinstance(files, list) else ():
            if source.get("ref") and str(file).startswith(name):
                yield str(file).removeprefix(name)


def _folder(path: str) -> str:
    return "/".join(part for part in path.split("/") if part not in ("", "."))


def covers(source: Source, repo: str, folder: str) -> int:
    """How closely a source is about this folder of the repository; 0 when it is not."""
    if repository_of(source.url) != repo.lower():
        return 0
    if source.files:
        return 1 + len(folder) if any(file.startswith(f"{folder}/") for file in source.files) else 0
    is_above = not source.path or f"{folder}/".startswith(f"{source.path}/")
    return 1 + len(source.path) if is_above else 0


def report(obj: Object, repository: Object | None = None) -> Report:
    return _application(obj) if is_argo(obj) else _kustomization(obj, repository or {})


def _application(obj: Object) -> Report:
    operation, automated = (
        _mapping(find(obj, "status.operationState")),
        find(obj, "spec.syncPolicy.automated"),
    )
    compared = _revisions(find(obj, "status.sync"))
    tried = _revisions(operation.get("syncResult")) or _revisions(find(operation, "operation.sync"))
    is_synced = find(obj, "status.sync.status") == "Synced"
    is_whole = operation.get("phase") == "Succeeded" and not items(operation, "operation.sync.resources")
    word, says, at = _argo_word(obj, operation, is_synced)
    if word == "failed" and is_synced and tried != compared:
        word, says = "synced", ""
    return Report(
        name=f"Application {objects.name(obj)}", word=word, says=says, at=at,
        here=compared if is_synced else tried if is_whole else (), tried=tried or compared,
        is_automatic=isinstance(automated, Mapping) and automated.get("enabled") is not False,
        prunes=bool(_mapping(automated).get("prune")),
        has=frozenset(_resources(obj)) if items(obj, "status.resources") else None,
    )  # fmt: skip


def _revisions(said: Any) -> tuple[str, ...]:
    """Of each source; of a multi-source application there is a list."""
    said = _mapping(said)
    several = said.get("revisions")
    if isinstance(several, list) and several:
        return tuple(commit_of(each) for each in several)
    return (commit_of(said.get("revision")),) if said.get("revision") else ()


def _argo_word(obj: Object, operation: Mapping[str, Any], is_synced: bool) -> tuple[Word, str, str]:
    for given in items(obj, "status.conditions"):
        kind = str(given.get("type") or "")
        if kind.endswith("Error") and kind != "SyncError":  # that one is told with the operation
            return "broken", f"{kind}: {given.get('message')}", str(given.get("lastTransitionTime") or "")
    phase, at = operation.get("phase"), str(operation.get("finishedAt") or operation.get("startedAt") or "")
    if phase in ENDED_BADLY:
        return "failed", _why(operation), at
    if phase in ("Running", "Terminating") or obj.get("operation"):
        return "works", str(operation.get("message") or "is syncing"), at
    if not find(obj, "status.sync.status"):
        return "silent", "", ""
    return ("synced" if is_synced else "waits"), "", at


def _why(operation: Mapping[str, Any]) -> str:
    """The first object that would not go, in the cluster's own words; else what the whole says."""
    for each in items(operation, "syncResult.resources"):
        if each.get("status") == "SyncFailed" or each.get("hookPhase") in ENDED_BADLY:
            return f"{each.get('kind')} {each.get('name')}: {each.get('message')}"
    return str(operation.get("message") or "The sync failed.")


def _resources(obj: Object) -> Iterator[tuple[str, str, str]]:
    for each in items(obj, "status.resources"):
        yield str(each.get("kind")), str(each.get("namespace") or ""), str(each.get("name"))


def _kustomization(obj: Object, repository: Object) -> Report:
    here = find(obj, "status.lastAppliedOriginRevision") or find(obj, "status.lastAppliedRevision")
    tried = find(obj, "status.lastAttemptedRevision") or here
    word, says, at = _flux_word(obj, repository)
    inventory = items(obj, "status.inventory.entries")
    return Report(
        name=f"Kustomization {objects.name(obj)}", word=word, says=says, at=at,
        here=(commit_of(here),) if here else (), tried=(commit_of(tried),) if tried else (),
        is_suspended=bool(find(obj, "spec.suspend") or find(repository, "spec.suspend")),
        prunes=bool(find(obj, "spec.prune")),
        has=frozenset(_entries(inventory)) if inventory else None,
    )  # fmt: skip


def _flux_word(obj: Object, repository: Object) -> tuple[Word, str, str]:
    ready, stalled, fetched = (
        condition(obj, "Ready"),
        condition(obj, "Stalled"),
        condition(repository, "Ready"),
    )
    if fetched.get("status") == "False" and fetched.get("reason") not in NOT_YET:
        name = f"GitRepository {objects.name(repository)}"
        return "broken", f"{name}: {fetched.get('message')}", str(fetched.get("lastTransitionTime") or "")
    at, reason = str(ready.get("lastTransitionTime") or ""), str(ready.get("reason") or "")
    if stalled.get("status") == "True":
        return "broken", str(stalled.get("message") or stalled.get("reason") or ""), at
    if not ready:
        return "silent", "", ""
    if number(obj, "status.observedGeneration") < number(obj, "metadata.generation"):
        return "waits", "has not seen its own latest settings yet", at
    if ready.get("status") == "True":
        return "synced", "", at
    if ready.get("status") == "Unknown" or reason in NOT_YET:
        return "works", str(ready.get("message") or reason), at
    return "failed", f"{reason}: {ready.get('message')}", at


def _entries(entries: list[Mapping[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """`shop_web_apps_Deployment`: namespace, name, group and kind; a colon in a name is two underscores."""
    for each in entries:
        whose, _, kind = (*str(each.get("id") or "").rsplit("_", 2), "", "")[:3]
        namespace, _, name = whose.partition("_")
        yield kind, namespace, name.replace("__", ":")


def _mapping(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}

"""Files that no cluster ever sees as they are: what tools merge, fill in, decrypt or only read."""

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from services.manifests.objects import entries, group, kind
from services.manifests.problems import Rule

UNFINISHED = Rule(
    "not-final",
    "Not what reaches the cluster",
    "Tools merge, fill in or decrypt such files first; only what they print can be checked.",
    {"": "info"},
)
KUSTOMIZE = "kustomize.config.k8s.io"
TOOLS = frozenset(
    {
        KUSTOMIZE,
        "apiserver.config.k8s.io",
        "audit.k8s.io",
        "backstage.io",
        "eksctl.io",
        "k3d.io",
        "kind.x-k8s.io",
        "kubeadm.k8s.io",
        "kubelet.config.k8s.io",
        "kubeproxy.config.k8s.io",
        "kubescheduler.config.k8s.io",
        "scaffolder.backstage.io",
        "skaffold",
    }
)
KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
PATCH = "a patch that kustomize merges into another file: check what kustomize build prints"


def reason(data: Mapping[str, Any], place: str, patches: frozenset[str]) -> str:
    """Why this document is not checked; nothing where it is a manifest. `patches` are places."""
    if posixpath.basename(place) in KUSTOMIZATIONS:
        return "a kustomization is for kustomize, not for the cluster"
    if "$patch" in data or posixpath.normpath(place) in patches:
        return PATCH
    if isinstance(data.get("sops"), Mapping):
        return "encrypted with SOPS: its values are not the ones the cluster gets"
    if "kind" not in data and {"apiVersion", "name", "version"} <= data.keys():
        return "a Helm chart: check what helm template prints"
    if kind(data) == "Config" and "contexts" in data:
        return "a kubeconfig is for kubectl, not for the cluster"
    if group(data) in TOOLS or data.get("apiVersion") == "builtin":
        return f"{kind(data) or 'this'} is for a tool, not for the cluster"
    return ""


def patches(documents: Iterable[tuple[Mapping[str, Any], str]]) -> frozenset[str]:
    """The places of every file that a kustomization among the documents merges into others."""
    return frozenset(
        posixpath.normpath(posixpath.join(posixpath.dirname(place), file))
        for data, place in documents
        if group(data) == KUSTOMIZE or posixpath.basename(place) in KUSTOMIZATIONS
        for file in _merged(data)
    )


# What cannot be said of a file whose labels or namespaces kustomize sets.
BY_LABELS: Final = frozenset(
    ("selector-mismatch", "service-selects-nothing", "pdb-selects-nothing", "pdb-missing", "owner-missing")
)
BY_NAMESPACE: Final = frozenset(("binding-subject", "namespace-default"))


def settled_later(documents: Iterable[tuple[Mapping[str, Any], str]]) -> dict[str, frozenset[str]]:
    """By the place of a file: the rules that only what kustomize makes of it can be held to."""
    found: dict[str, frozenset[str]] = {}
    kustomizations = [
        (data, posixpath.dirname(posixpath.normpath(place)))
        for data, place in documents
        if posixpath.basename(place) in KUSTOMIZATIONS
    ]
    lists = {folder: _resources(data, folder) for data, folder in kustomizations}
    for data, folder in kustomizations:
        rules = (BY_LABELS if data.get("commonLabels") or data.get("labels") else frozenset()) | (
            BY_NAMESPACE if data.get("namespace") else frozenset()
        )
        for place in _reached(folder, lists) if rules else ():
            found[place] = found.get(place, frozenset()) | rules
    return found


def _resources(kustomization: Mapping[str, Any], folder: str) -> list[str]:
    listed = [kustomization.get(field) for field in ("resources", "bases", "components")]
    names = [name for each in listed if isinstance(each, list) for name in each if isinstance(name, str)]
    return [posixpath.normpath(posixpath.join(folder, name)) for name in names]


def _reached(folder: str, lists: Mapping[str, list[str]]) -> set[str]:
    """Every file that a kustomization has, those of its bases included; bases may lead back to it."""
    reached: set[str] = set()
    waiting = [folder]
    while waiting:
        fresh = [each for each in lists.get(waiting.pop(), ()) if each not in reached]
        reached.update(fresh)
        waiting += fresh
    return reached


def _merged(kustomization: Mapping[str, Any]) -> Iterator[str]:
    for field in ("patches", "patchesJson6902", "replacements"):
        for _, entry in entries(kustomization, (field,)):
            yield from (path for path in [entry.get("path")] if isinstance(path, str))
    for field in ("patches", "patchesStrategicMerge", "transformers", "configurations"):
        listed = kustomization.get(field)
        yield from (path for path in listed if isinstance(path, str)) if isinstance(listed, list) else ()

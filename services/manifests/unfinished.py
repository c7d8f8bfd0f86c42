"""Files that no cluster ever sees as they are: what tools merge, fill in, decrypt or only read."""

import dataclasses
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from services.manifests import pointers
from services.manifests.objects import LONG_RUNNING, Object, entries, group, kind, pod_path
from services.manifests.pointers import Path
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


# What cannot be said of a file whose namespace kustomize sets.
BY_NAMESPACE: Final = frozenset(("binding-subject", "namespace-default"))
SELECTOR: Path = ("spec", "selector")
# Where kustomize writes labels into a selector, if that is there.
SELECTORS: Final = {
    "Service": SELECTOR,
    "ReplicationController": SELECTOR,
    "PodDisruptionBudget": (*SELECTOR, "matchLabels"),
    "Job": (*SELECTOR, "matchLabels"),
    **dict.fromkeys(LONG_RUNNING, (*SELECTOR, "matchLabels")),
}
Labels = Mapping[str, str]
Placed = Iterable[tuple[Mapping[str, Any], str]]


@dataclass(frozen=True)
class Later:
    """What kustomize does to an object: the rules nobody can hold its file to, the labels it adds."""

    rules: frozenset[str] = frozenset()
    labels: Labels = dataclasses.field(default_factory=dict)
    pods: Labels = dataclasses.field(default_factory=dict)
    selectors: Labels = dataclasses.field(default_factory=dict)

    def __or__(self, other: "Later") -> "Later":
        return Later(
            self.rules | other.rules,
            {**self.labels, **other.labels},
            {**self.pods, **other.pods},
            {**self.selectors, **other.selectors},
        )

    def applied(self, obj: Object) -> Object:
        """The object with these labels.

        Other objects' pods may be missing from the kustomization, so that a Service or a budget gets only
        the values of labels it asks for anyway: one more on both sides selects the same pods.
        """
        pods, selector = pod_path(obj), SELECTORS.get(kind(obj), ())
        asked = pointers.mapping(obj, selector) if selector else {}
        wanted = (
            self.selectors
            if kind(obj) in LONG_RUNNING
            else {key: self.selectors[key] for key in asked if key in self.selectors}
        )
        for path, added in (
            (("metadata", "labels"), self.labels),
            ((*pods[:-1], "metadata", "labels") if pods else (), self.pods),
            (selector, wanted),
        ):
            obj = _with_labels(obj, path, added)
        return obj


def _with_labels(obj: Object, path: Path, added: Labels) -> Object:
    """Unless something else stands there or on the way, or nothing at all: that is told of as it is."""
    if not path or not added or not isinstance(obj.get(str(path[0])), Mapping):
        return obj
    if not all(isinstance(pointers.find(obj, path[:end]), Mapping | None) for end in range(2, len(path) + 1)):
        return obj
    changed: Object = pointers.with_value(obj, path, {**pointers.mapping(obj, path), **added})
    return changed


def settled_later(documents: Placed) -> dict[str, Later]:
    """By the place of a file: what only kustomize makes of it."""
    found: dict[str, Later] = {}
    kustomizations = [
        (data, posixpath.dirname(posixpath.normpath(place)))
        for data, place in documents
        if posixpath.basename(place) in KUSTOMIZATIONS
    ]
    lists = {folder: _resources(data, folder) for data, folder in kustomizations}
    for data, folder in kustomizations:
        later = _later(data)
        for place in _reached(folder, lists) if later != Later() else ():
            found[place] = found.get(place, Later()) | later
    return found


def _later(kustomization: Mapping[str, Any]) -> Later:
    """`labels` change pods and selectors only where they say so, `commonLabels` always."""
    common = _pairs(kustomization.get("commonLabels"))
    later = Later(BY_NAMESPACE if kustomization.get("namespace") else frozenset(), common, common, common)
    for _, entry in entries(kustomization, ("labels",)):
        pairs, everywhere = _pairs(entry.get("pairs")), entry.get("includeSelectors") is True
        in_pods = everywhere or entry.get("includeTemplates") is True
        later |= Later(frozenset(), pairs, pairs if in_pods else {}, pairs if everywhere else {})
    return later


def _pairs(given: Any) -> Labels:
    pairs = given.items() if isinstance(given, Mapping) else ()
    return {key: value for key, value in pairs if isinstance(key, str) and isinstance(value, str)}


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

"""Who brings what is in git to an environment: the portal, Argo CD or Flux; asking them, nudging them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from services.clusters import queries
from services.clusters.models import Environment
from services.diagnosis.delivery import Source, sources_of
from services.integrations.kube import errors
from services.integrations.kube.client import KubeClient
from services.integrations.kube.objects import Ref

SETTING = "delivery"
TOOLS = {"argocd": "Argo CD", "flux": "Flux"}
NAMESPACES = {"argocd": "argocd", "flux": "flux-system"}
# The newest first; an older cluster serves the others.
VERSIONS = {
    "Application": ("argoproj.io/v1alpha1",),
    "Kustomization": ("kustomize.toolkit.fluxcd.io/v1", "kustomize.toolkit.fluxcd.io/v1beta2"),
    "GitRepository": ("source.toolkit.fluxcd.io/v1", "source.toolkit.fluxcd.io/v1beta2"),
}
BY = {"argocd": "Application", "flux": "Kustomization"}
REFRESH = "argocd.argoproj.io/refresh"
ASKED = "reconcile.fluxcd.io/requestedAt"
PATIENCE = 120


@dataclass(frozen=True)
class Way:
    """`namespace` is where the tool keeps its objects; after `patience` without a word it counts as gone."""

    by: str
    namespace: str
    patience: timedelta

    @property
    def tool(self) -> str:
        return TOOLS[self.by]


@dataclass(frozen=True)
class Deliverer:
    """An Application or a Kustomization, and the GitRepository it reads (None: Argo CD needs none)."""

    obj: dict[str, Any]
    repository: dict[str, Any] | None

    @property
    def ref(self) -> Ref:
        return Ref.of(self.obj)

    @property
    def sources(self) -> list[Source]:
        return sources_of(self.obj, self.repository)


def way_of(environment: Environment) -> Way | None:
    """None where the portal applies what is merged itself, as it always does for what is on loan."""
    said = environment.settings.get(SETTING)
    if environment.is_preview or not isinstance(said, Mapping) or said.get("by") not in TOOLS:
        return None
    by, patience = said["by"], said.get("patience")
    namespace = str(said.get("namespace") or NAMESPACES[by])
    return Way(by, namespace, timedelta(seconds=patience if isinstance(patience, int) else PATIENCE))


def deliverers(environment: Environment, way: Way) -> list[Deliverer]:
    """All that the tool has. Raises kube's errors: KindUnknown where the cluster does not know the tool."""
    with queries.client_for(environment.cluster, timeout=5.0) as client:
        found = _listed(client, BY[way.by], way.namespace)
        sources = _repositories(client, found) if way.by == "flux" else {}
    return [Deliverer(each, sources.get(_source_key(each))) for each in found]


def _listed(client: KubeClient, kind: str, namespace: str) -> list[dict[str, Any]]:
    unknown: errors.KindUnknown | None = None
    for version in VERSIONS[kind]:
        try:
            return client.list(version, kind, namespace).items
        except errors.KindUnknown as error:
            unknown = unknown or error
    raise unknown or errors.KindUnknown(kind)


def _repositories(
    client: KubeClient, among: list[dict[str, Any]]
) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Those that Kustomizations name, where we may read them."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for namespace in {_source_key(each)[1] for each in among}:
        try:
            rows = _listed(client, "GitRepository", namespace)
        except (errors.NotFound, errors.Forbidden):
            continue
        found |= {("GitRepository", namespace, each["metadata"]["name"]): each for each in rows}
    return found


def _source_key(kustomization: Mapping[str, Any]) -> tuple[str, str, str]:
    ref = (kustomization.get("spec") or {}).get("sourceRef") or {}
    namespace = ref.get("namespace") or kustomization["metadata"].get("namespace", "")
    return str(ref.get("kind")), str(namespace), str(ref.get("name"))


def nudge(environment: Environment, deliverer: Deliverer, *, again_at: str = "") -> bool:
    """Asks the tool to look now instead of in some minutes; with `again_at` to bring that commit once more.

    False where the token may not: then it looks when it looks. Raises kube's other errors.
    """
    marks = [(deliverer.ref, _asking(deliverer.obj, again_at))]
    if deliverer.repository is not None:
        marks.insert(0, (Ref.of(deliverer.repository), _asking(deliverer.repository, "")))
    try:
        with queries.client_for(environment.cluster, timeout=5.0) as client:
            for ref, change in marks:
                client.patch(ref, change)
    except (errors.Forbidden, errors.NotFound):
        return False
    return True


def _asking(obj: Mapping[str, Any], again_at: str) -> dict[str, Any]:
    if obj["kind"] != "Application":
        return {"metadata": {"annotations": {ASKED: timezone.now().isoformat()}}}
    change: dict[str, Any] = {"metadata": {"annotations": {REFRESH: "normal"}}}
    if again_at and not obj.get("operation") and _is_automatic(obj):
        change["operation"] = {"initiatedBy": {"username": "slipway"}, "sync": _once_more(obj, again_at)}
    return change


def _is_automatic(obj: Mapping[str, Any]) -> bool:
    """Where people press *Sync* themselves, nothing is pressed for them."""
    return isinstance(((obj.get("spec") or {}).get("syncPolicy") or {}).get("automated"), Mapping)


def _once_more(obj: Mapping[str, Any], commit: str) -> dict[str, Any]:
    """Argo CD does not try a commit again that failed, unless it is told to."""
    automated = obj["spec"]["syncPolicy"]["automated"]
    said: dict[str, Any] = {"prune": bool(automated.get("prune"))}
    return said if obj["spec"].get("sources") else said | {"revision": commit}


def is_deaf(deliverer: Deliverer) -> bool:
    """Whether what we asked was never taken notice of: the annotation still stands there unanswered."""
    notes = deliverer.obj["metadata"].get("annotations") or {}
    if deliverer.obj["kind"] == "Application":
        return REFRESH in notes
    answered = (deliverer.obj.get("status") or {}).get("lastHandledReconcileAt")
    return bool(notes.get(ASKED)) and answered != notes[ASKED]


def live_of(environment: Environment, refs: list[Ref]) -> Iterator[tuple[Ref, dict[str, Any] | None]]:
    """Objects as they are there now, None for what is not. Raises kube's errors but for those."""
    with queries.client_for(environment.cluster, timeout=5.0) as client:
        for ref in refs:
            yield ref, client.find(ref)

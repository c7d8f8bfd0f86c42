"""Kubernetes manifests as a source of components: what runs is in the catalog, even undescribed.

What they need is derived from all the files of the import (`services.catalog.derivation`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.catalog.derivation import Edge, Note, System, derive
from services.catalog.descriptors.problems import as_name
from services.catalog.descriptors.reading import Path

KINDS = ("Deployment", "StatefulSet", "DaemonSet", "CronJob")
GROUPS = ("apps", "batch", "autoscaling", "policy", "extensions")
INSTALLED = (
    "k8s.io", "argoproj.io", "tekton.dev", "knative.dev", "istio.io", "fluxcd.io", "cert-manager.io",
    "crossplane.io", "upbound.io", "openshift.io", "coreos.com", "kyverno.io", "gatekeeper.sh",
    "keda.sh", "external-secrets.io", "bitnami.com", "linkerd.io", "cilium.io", "projectcalico.org",
    "traefik.io", "traefik.containo.us", "strimzi.io", "konghq.com", "cattle.io", "azure.com",
    "k8s.aws", "velero.io", "cnrm.cloud.google.com", "k8s.elastic.co", "hashicorp.com", "core.oam.dev",
    "kubevirt.io", "metallb.io", "longhorn.io", "cloudnative-pg.io", "opentelemetry.io",
    "getambassador.io", "solo.io", "grafana.com",
)  # fmt: skip
ENDINGS = tuple(f".{group}" for group in INSTALLED)
CORE = ("v1",)
DATASTORES: dict[str, tuple[str, ...]] = {
    "cache": ("redis", "memcached", "valkey"),
    "queue": ("rabbitmq", "kafka", "nats"),
}
DATASTORES |= {
    "database": ("postgres", "postgresql", "mysql", "mariadb", "mongo", "mongodb", "elasticsearch")
}
TEAM_LABELS = ("slipway.dev/team", "app.kubernetes.io/team", "team", "owner")


@dataclass
class Workload:
    """One workload of one document and what it was found to need."""

    name: str
    namespace: str
    file: str
    document: int
    manifest: dict[str, Any]
    line_of: Any
    base: Path = ()
    needs: dict[str, Edge] = field(default_factory=dict)

    @property
    def ref(self) -> str:
        return f"component:default/{self.name}".lower()


def is_kubernetes(data: dict[str, Any]) -> bool:
    """A manifest of Kubernetes or of something installed in it, rather than a descriptor."""
    version = data.get("apiVersion")
    if not isinstance(version, str) or not isinstance(data.get("kind"), str) or "backstage.io" in version:
        return False
    group = version.rpartition("/")[0]
    if not group:
        return version in CORE
    return group in GROUPS or group in INSTALLED or group.endswith(ENDINGS)


def members(data: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The objects of a `List`, or the object itself, with their paths."""
    items = data.get("items")
    if data.get("kind") == "List" and isinstance(items, list):
        yield from ((("items", number), item) for number, item in enumerate(items) if isinstance(item, dict))
    else:
        yield (), data


def workload_name(manifest: dict[str, Any]) -> str:
    """The catalog's name of a workload, or nothing when it is none (or not named)."""
    if manifest.get("kind") not in KINDS:
        return ""
    metadata = _mapping(manifest, "metadata")
    identity = _texts(metadata, "labels").get("backstage.io/kubernetes-id") or _texts(
        metadata, "annotations"
    ).get("backstage.io/kubernetes-id")
    name = identity or metadata.get("name")
    return as_name(name) if isinstance(name, str) else ""


def _mapping(holder: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        holder = holder.get(key) if isinstance(holder, dict) else None
    return holder if isinstance(holder, dict) else {}


def _texts(holder: dict[str, Any], key: str) -> dict[str, str]:
    return {str(k): v for k, v in _mapping(holder, key).items() if isinstance(v, str)}


def template_path(manifest: dict[str, Any]) -> tuple[str, ...]:
    if manifest.get("kind") == "CronJob":
        return ("spec", "jobTemplate", "spec", "template")
    return ("spec", "template")


def pod_spec(manifest: dict[str, Any]) -> dict[str, Any]:
    return _mapping(manifest, *template_path(manifest), "spec")


def _containers(manifest: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    spec = pod_spec(manifest)
    for kind in ("initContainers", "containers"):
        listed = spec.get(kind)
        for number, container in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(container, dict):
                yield (*template_path(manifest), "spec", kind, number), container


def image_of(manifest: dict[str, Any]) -> str:
    """The image of the first main container."""
    for path, container in _containers(manifest):
        if "containers" in path and isinstance(container.get("image"), str):
            return str(container["image"])
    return ""


def descriptor(workload: Workload) -> dict[str, Any]:
    """The workload as a component in the descriptor format."""
    labels = _labels(workload.manifest)
    spec: dict[str, Any] = {
        "type": _type_of(workload.manifest),
        "owner": next((labels[key] for key in TEAM_LABELS if labels.get(key)), ""),
        "system": as_name(labels.get("app.kubernetes.io/part-of", "")),
        "dependsOn": sorted(workload.needs),
    }
    annotations = {
        "backstage.io/kubernetes-id": workload.name,
        "backstage.io/kubernetes-namespace": workload.namespace,
        "slipway.dev/workload": str(workload.manifest.get("kind")),
        "slipway.dev/image": image_of(workload.manifest),
    }
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {
            "name": workload.name,
            "annotations": {key: text for key, text in annotations.items() if text},
        },
        "spec": {key: value for key, value in spec.items() if value},
    }


def _labels(manifest: dict[str, Any]) -> dict[str, str]:
    """Labels and annotations of the workload, over those of its pods."""
    metadata = _mapping(manifest, "metadata")
    pods = _mapping(manifest, *template_path(manifest), "metadata")
    return {**_texts(pods, "labels"), **_texts(metadata, "annotations"), **_texts(metadata, "labels")}


def namespace_of(manifest: dict[str, Any]) -> str:
    namespace = _mapping(manifest, "metadata").get("namespace")
    return namespace if isinstance(namespace, str) else ""


def _type_of(manifest: dict[str, Any]) -> str:
    image = image_of(manifest).rpartition("@")[0] or image_of(manifest)
    name = image.rpartition("/")[2].partition(":")[0]
    for kind, names in DATASTORES.items():
        if name in names:
            return kind
    return "job" if manifest.get("kind") == "CronJob" else "service"


def find_dependencies(workloads: list[Workload], files: Mapping[str, bytes]) -> list[Note]:
    """Write into each workload which of the others the files show it to need; see `derivation`.

    Returns what was found in no file because the file was not understood.
    """
    known: dict[str, list[Workload]] = {}
    for workload in workloads:
        known.setdefault(str(_mapping(workload.manifest, "metadata").get("name")), []).append(workload)
    system = derive(files) if known else System()
    for edge in system.sure():
        for target in known.get(edge.target, [])[:1]:
            for workload in known.get(edge.source, []):
                if workload.ref != target.ref:
                    workload.needs[target.ref] = edge
    return [note for note in system.notes if note.kind == "failed"]

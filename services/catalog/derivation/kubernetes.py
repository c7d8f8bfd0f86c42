"""Kubernetes objects: workloads with everything their containers are told, Services, policies."""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from services.catalog.derivation import containers
from services.catalog.derivation.model import Block, Json, Service, Workload
from services.catalog.derivation.operators import MANAGED
from services.catalog.derivation.policies import POLICIES, Policy
from services.catalog.derivation.trees import Line, listed, mapping, numbered, plain, text, texts
from services.catalog.descriptors.reading import Document, Path

TEMPLATES: dict[str, tuple[str, ...]] = dict.fromkeys(
    ("Deployment", "StatefulSet", "DaemonSet", "Job", "ReplicaSet", "ReplicationController", "Rollout"),
    ("spec", "template"),
)
TEMPLATES |= {
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "DeploymentConfig": ("spec", "template"),
    "Pod": (),
}
MAX_OBJECTS = 200_000


@dataclass
class Cluster:
    """Everything the manifests have, before it is put together."""

    workloads: list[Workload] = field(default_factory=list)
    services: list[Service] = field(default_factory=list)
    blocks: dict[tuple[str, str, str], Block] = field(default_factory=dict)
    policies: list[Policy] = field(default_factory=list)
    components: list[tuple[str, Json, Line, Path]] = field(default_factory=list)
    pods: list[containers.Pod] = field(default_factory=list)

    def take(self, file: str, document: Document) -> None:
        """Every object of a document, those within Lists and Templates too."""
        for base, manifest in objects_in(document.data):
            self.add(file, manifest, document.line_of, base)

    def add(self, file: str, manifest: Json, line: Line, base: Path = ()) -> None:
        kind = str(manifest.get("kind"))
        if kind == "Service" and _is_knative(manifest):
            self._knative(file, manifest, line, base)
        elif kind == "Service":
            self.services.append(_service(manifest))
        elif kind in ("Endpoints", "EndpointSlice"):
            self._endpoints(manifest)
        elif kind in ("ConfigMap", "Secret"):
            self._block(kind, file, manifest, line, base)
        elif kind in TEMPLATES:
            self._workload(file, manifest, line, base, TEMPLATES[kind])
        elif kind in POLICIES:
            self.policies += POLICIES[kind](file, manifest, line, base)
        elif kind == "Component" and "dapr.io" in text(manifest, "apiVersion"):
            self.components.append((file, manifest, line, base))
        else:
            self._managed(kind, file, manifest, line, base)

    def _workload(self, file: str, manifest: Json, line: Line, base: Path, template: tuple[str, ...]) -> None:
        name = workload_name(manifest)
        if not name or listed(manifest, "metadata", "ownerReferences"):
            return
        pod = mapping(manifest, *template)
        workload = Workload(
            name, space_of(manifest), file, line((*base, "metadata", "name")), str(manifest["kind"])
        )
        workload.labels = texts(pod, "metadata", "labels")
        workload.annotations = {
            **texts(manifest, "metadata", "annotations"), **texts(pod, "metadata", "annotations")
        }  # fmt: skip
        workload.account = text(mapping(pod, "spec"), "serviceAccountName") or "default"
        self.workloads.append(workload)
        self.pods.append(
            containers.Pod(workload, mapping(pod, "spec"), file, line, (*base, *template, "spec"))
        )

    def _knative(self, file: str, manifest: Json, line: Line, base: Path) -> None:
        self._workload(file, manifest, line, base, ("spec", "template"))
        name = workload_name(manifest)
        self.services.append(Service(name, space_of(manifest), {"serving.knative.dev/service": name}, {80}))
        if self.workloads and self.workloads[-1].name == name:
            self.workloads[-1].labels["serving.knative.dev/service"] = name

    def _endpoints(self, manifest: Json) -> None:
        name = texts(manifest, "metadata", "labels").get("kubernetes.io/service-name") or _name(manifest)
        self.services.append(Service(name, space_of(manifest), endpoints=True))

    def _block(self, kind: str, file: str, manifest: Json, line: Line, base: Path) -> None:
        block = Block(_name(manifest), space_of(manifest), file, secret=kind == "Secret")
        for part in ("data", "stringData", "binaryData"):
            for key, value in mapping(manifest, part).items():
                told = _decoded(plain(value)) if kind == "Secret" and part == "data" else plain(value)
                if part != "binaryData" and told:
                    block.entries[key] = (told, line((*base, part, key)))
        known = self.blocks.setdefault((kind, block.space, block.name), block)
        if known is not block:
            known.entries = {**block.entries, **known.entries}

    def _managed(self, kind: str, file: str, manifest: Json, line: Line, base: Path) -> None:
        """What an operator runs for a custom resource, under the names it gives."""
        name = _name(manifest)
        managed = MANAGED.get(kind)
        if not managed or not name or managed.group not in text(manifest, "apiVersion"):
            return
        workload = Workload(name, space_of(manifest), file, line((*base, "metadata", "name")), kind)
        workload.kind = managed.kind
        workload.labels = {"slipway.managed": f"{kind}/{name}"}
        self.workloads.append(workload)
        for pattern in managed.hosts:
            service = Service(
                pattern.format(name=name), workload.space, dict(workload.labels), set(managed.ports)
            )
            self.services.append(service)


def objects_in(data: Any) -> Iterator[tuple[Path, Json]]:
    """The objects of a document: itself, or those of a List or an OpenShift Template."""
    waiting: list[tuple[Path, Any]] = [((), data)]
    for _ in range(MAX_OBJECTS):
        if not waiting:
            return
        path, each = waiting.pop()
        if not isinstance(each, dict):
            continue
        kind = each.get("kind")
        holder = "objects" if kind == "Template" else "items"
        inner = listed(each, holder)
        if inner and isinstance(kind, str) and (kind.endswith("List") or kind == "Template"):
            waiting += [((*path, holder, number), inner[number]) for number in reversed(range(len(inner)))]
        elif isinstance(kind, str) and isinstance(each.get("apiVersion"), str):
            yield path, each


def workload_name(manifest: Json) -> str:
    return _name(manifest) or text(mapping(manifest, "metadata"), "generateName").rstrip("-")


def space_of(manifest: Json) -> str:
    return text(mapping(manifest, "metadata"), "namespace")


def _name(manifest: Json) -> str:
    return text(mapping(manifest, "metadata"), "name")


def _is_knative(manifest: Json) -> bool:
    return "knative.dev" in text(manifest, "apiVersion")


def _service(manifest: Json) -> Service:
    spec = mapping(manifest, "spec")
    ports = {port["port"] for _, port in numbered(spec, "ports") if isinstance(port.get("port"), int)}
    external = text(spec, "externalName") if spec.get("type") == "ExternalName" else ""
    return Service(_name(manifest), space_of(manifest), texts(spec, "selector"), ports, external.lower())


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""

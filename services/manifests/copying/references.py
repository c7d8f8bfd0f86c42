"""What an object says about others by name: what it needs beside it, what a copy calls otherwise."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from services.manifests import objects, pointers
from services.manifests.pointers import Path

_OF_PODS: Final = (
    ("ConfigMap", ("volumes", "*", "configMap", "name")),
    ("Secret", ("volumes", "*", "secret", "secretName")),
    ("PersistentVolumeClaim", ("volumes", "*", "persistentVolumeClaim", "claimName")),
    ("ConfigMap", ("volumes", "*", "projected", "sources", "*", "configMap", "name")),
    ("Secret", ("volumes", "*", "projected", "sources", "*", "secret", "name")),
    ("SecretProviderClass", ("volumes", "*", "csi", "volumeAttributes", "secretProviderClass")),
    ("Secret", ("imagePullSecrets", "*", "name")),
    ("ServiceAccount", ("serviceAccountName",)),
    ("ServiceAccount", ("serviceAccount",)),
)
_OF_CONTAINERS: Final = (
    ("ConfigMap", ("env", "*", "valueFrom", "configMapKeyRef", "name")),
    ("Secret", ("env", "*", "valueFrom", "secretKeyRef", "name")),
    ("ConfigMap", ("envFrom", "*", "configMapRef", "name")),
    ("Secret", ("envFrom", "*", "secretRef", "name")),
)
_OF_KINDS: Final[dict[str, tuple[tuple[str, tuple[str, ...]], ...]]] = {
    "StatefulSet": (("Service", ("spec", "serviceName")),),
    "Ingress": (
        ("Service", ("spec", "rules", "*", "http", "paths", "*", "backend", "service", "name")),
        ("Service", ("spec", "defaultBackend", "service", "name")),
        ("Secret", ("spec", "tls", "*", "secretName")),
    ),
    "HTTPRoute": (("Service", ("spec", "rules", "*", "backendRefs", "*", "name")),),
    "GRPCRoute": (("Service", ("spec", "rules", "*", "backendRefs", "*", "name")),),
    "TCPRoute": (("Service", ("spec", "rules", "*", "backendRefs", "*", "name")),),
    "TLSRoute": (("Service", ("spec", "rules", "*", "backendRefs", "*", "name")),),
    "Route": (("Service", ("spec", "to", "name")),),
    "ServiceAccount": (
        ("Secret", ("secrets", "*", "name")),
        ("Secret", ("imagePullSecrets", "*", "name")),
    ),
    "ExternalSecret": (
        ("Secret", ("spec", "target", "name")),
        ("SecretStore", ("spec", "secretStoreRef", "name")),
    ),
    "Certificate": (("Secret", ("spec", "secretName")),),
    "Gateway": (("Secret", ("spec", "listeners", "*", "tls", "certificateRefs", "*", "name")),),
}  # fmt: skip


@dataclass(frozen=True)
class Reference:
    """`optional`: what runs starts without it too; `key`: the one of its keys that is meant."""

    kind: str
    name: str
    path: Path
    optional: bool = False
    key: str = ""


def references(data: Mapping[str, Any]) -> Iterator[Reference]:
    """What the object needs by name in its own namespace, with where it says so."""
    kind = objects.kind(data)
    at = objects.pod_path(data)
    if at is not None:
        spec = objects.pod_spec(data)
        yield from _found(spec, _OF_PODS, at)
        for path, container in objects.containers(data):
            yield from _found(container, _OF_CONTAINERS, path)
    yield from _found(data, _OF_KINDS.get(kind, ()), ())
    yield from _by_kind(data, ())


def _found(data: Any, patterns: tuple[tuple[str, tuple[str, ...]], ...], at: Path) -> Iterator[Reference]:
    for kind, pattern in patterns:
        for path, name in objects.walk(data, pattern):
            around = pointers.find(data, path[:-1])
            told = around if isinstance(around, Mapping) else {}
            here = _kind_of(told, kind)
            if isinstance(name, str) and name and here and not told.get("namespace"):
                key = str(told.get("key") or "")
                yield Reference(here, name, (*at, *path), told.get("optional") is True, key)


def _kind_of(around: Mapping[str, Any], usual: str) -> str:
    """Where a reference says a kind of its own (`ClusterSecretStore`), only the usual one is meant here."""
    said = around.get("kind", usual)
    return usual if said == usual or usual == "Secret" else ""


def _by_kind(value: Any, at: Path, key: str = "") -> Iterator[Reference]:
    """Every `{kind, name}`: scaleTargetRef, roleRef, issuerRef, parentRefs."""
    if isinstance(value, Mapping):
        kind, name = value.get("kind"), value.get("name")
        if at and key and isinstance(kind, str) and isinstance(name, str) and not value.get("namespace"):
            yield Reference(kind, name, (*at, "name"))
        for each, below in value.items():
            if each not in ("metadata", "env"):
                yield from _by_kind(below, (*at, str(each)), str(each))
    elif isinstance(value, list):
        for number, below in enumerate(value):
            yield from _by_kind(below, (*at, number), key)


def put(data: Any, path: Path, value: Any) -> None:
    """Sets what stands at a path that is there."""
    around = pointers.find(data, path[:-1])
    around[path[-1]] = value

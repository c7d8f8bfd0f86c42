"""What is dropped because only one may have it, and what is smaller in a preview."""

from collections.abc import Iterator
from typing import Any, Final

from services.manifests import objects, pointers
from services.manifests.copying.model import Json, Noted, Target, called
from services.manifests.quantities import NotAQuantity, parse

LONG_RUNNING: Final = ("Deployment", "StatefulSet", "ReplicaSet")
_JUNK: Final = (
    "uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "ownerReferences",
    "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "finalizers",
)  # fmt: skip
_JUNK_MARKS: Final = (
    "kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/revision",
    "argocd.argoproj.io/tracking-id", "pv.kubernetes.io/bind-completed",
    "pv.kubernetes.io/bound-by-controller", "volume.kubernetes.io/selected-node",
    "volume.beta.kubernetes.io/storage-provisioner", "volume.kubernetes.io/storage-provisioner",
    "meta.helm.sh/release-name", "meta.helm.sh/release-namespace",
)  # fmt: skip
# Addresses that are given once: whoever asks second gets none, or takes it away.
_ADDRESS_MARKS: Final = (
    "kubernetes.io/ingress.global-static-ip-name", "metallb.universe.tf/loadBalancerIPs",
    "metallb.io/loadBalancerIPs", "service.beta.kubernetes.io/aws-load-balancer-eip-allocations",
    "service.beta.kubernetes.io/aws-load-balancer-private-ipv4-addresses",
    "service.beta.kubernetes.io/azure-load-balancer-ipv4", "service.beta.kubernetes.io/azure-pip-name",
    "io.cilium/lb-ipam-ips", "lbipam.cilium.io/ips", "kube-vip.io/loadbalancerIPs",
    "networking.gke.io/load-balancer-ip-addresses",
)  # fmt: skip
_ADDRESSES: Final = ("loadBalancerIP", "externalIPs", "healthCheckNodePort", "clusterIPs", "ipFamilies")
_REPLICAS: Final = {
    "Cluster": ("postgresql.cnpg.io", "instances"),
    "RabbitmqCluster": ("rabbitmq.com", "replicas"),
}
# What goes on working on the original's data: backups over backups, mirrors of mirrors.
_OUTWARD: Final = {"Cluster": ("backup", "externalClusters", "replica", "monitoring")}


def cleaned(data: Json, target: Target) -> Iterator[Noted]:
    """Takes away what the cluster wrote and what only one may have."""
    data.pop("status", None)
    about = data["metadata"]
    for key in _JUNK:
        about.pop(key, None)
    marks = about.get("annotations")
    if isinstance(marks, dict):
        for key in (*_JUNK_MARKS, *_ADDRESS_MARKS):
            if marks.pop(key, None) is not None and key in _ADDRESS_MARKS:
                yield Noted(called(data), "has no fixed address any more")
    if objects.kind(data) == "Service":
        yield from _service(data, target)
    for claim in _claims(data):
        claim.pop("volumeName", None)
        if target.storage_class:
            claim["storageClassName"] = target.storage_class


def _service(data: Json, target: Target) -> Iterator[Noted]:
    spec = data.get("spec")
    if not isinstance(spec, dict):
        return
    dropped = [key for key in _ADDRESSES if spec.pop(key, None) is not None]
    if spec.get("clusterIP") not in (None, "None"):
        dropped.append("clusterIP")
        del spec["clusterIP"]
    for port in spec.get("ports") or []:
        if isinstance(port, dict) and port.pop("nodePort", None) is not None:
            dropped.append("nodePort")
    if target.small and spec.get("type") in ("LoadBalancer", "NodePort"):
        yield Noted(called(data), f"is inside the cluster only, no {spec['type']} of its own")
        spec["type"] = "ClusterIP"
        for key in ("externalTrafficPolicy", "allocateLoadBalancerNodePorts", "loadBalancerClass"):
            spec.pop(key, None)
    elif set(dropped) & {"loadBalancerIP", "externalIPs", "nodePort"}:
        yield Noted(called(data), "has no fixed address or port any more")


def _claims(data: Json) -> Iterator[Json]:
    """The specs of every claim for storage."""
    if objects.kind(data) == "PersistentVolumeClaim" and isinstance(data.get("spec"), dict):
        yield data["spec"]
    for _, template in objects.entries(data, ("spec", "volumeClaimTemplates")):
        if isinstance(template.get("spec"), dict):
            yield template["spec"]


def shrunk(data: Json, target: Target) -> Iterator[Noted]:
    """One replica, little storage and little reserved; jobs run when somebody starts them."""
    spec = data.get("spec")
    if not isinstance(spec, dict):
        return
    kind = objects.kind(data)
    if kind in LONG_RUNNING:
        if (many := spec.pop("replicas", 1)) != 1:
            yield Noted(called(data), f"runs once instead of {many} times")
    elif kind == "CronJob":
        spec["suspend"] = True
        yield Noted(called(data), "runs only when somebody starts it")
    yield from _operated(data, spec, kind)
    for claim in _claims(data):
        yield from _less(data, claim, ("resources", "requests"), "storage", target.storage, "of storage")
    for path, _ in objects.containers(data):
        container = pointers.find(data, path)
        list(_less(data, container, ("resources", "requests"), "cpu", target.cpu, ""))  # not worth a word


def _operated(data: Json, spec: Json, kind: str) -> Iterator[Noted]:
    """Databases and brokers that operators run."""
    group, key = _REPLICAS.get(kind, ("", ""))
    if group and objects.group(data) == group:
        if spec.get(key, 1) != 1:
            yield Noted(called(data), f"has one instance instead of {spec[key]}")
        spec[key] = 1
        gone = [each for each in _OUTWARD.get(kind, ()) if spec.pop(each, None) is not None]
        if gone:
            yield Noted(called(data), f"is without {' and '.join(gone)}: they belong to the original")
        storage = spec.get("storage") if "storage" in spec else spec.get("persistence")
        if isinstance(storage, dict):
            size = "size" if "size" in storage else "storage"
            storage[size] = "1Gi"


def _less(data: Json, around: Any, at: tuple[str, ...], key: str, most: str, what: str) -> Iterator[Noted]:
    found = pointers.find(around, at)
    if not isinstance(found, dict) or key not in found:
        return
    try:
        if parse(str(found[key])) <= parse(most):
            return
    except NotAQuantity:
        return
    yield Noted(called(data), f"has {most} {what} instead of {found[key]}")
    found[key] = most

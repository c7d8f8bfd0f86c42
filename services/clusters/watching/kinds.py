"""What is watched, in the order in which the parts need each other."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """`metadata_only`: the rest never leaves the cluster. `is_wide`: of no namespace. `is_polled`: the
    cluster only lists it, again and again."""

    api_version: str
    kind: str
    metadata_only: bool = False
    is_wide: bool = False
    is_polled: bool = False

    @property
    def group(self) -> str:
        return self.api_version.rpartition("/")[0]


EVENT = Kind("v1", "Event")
WATCHED = (
    Kind("apps/v1", "Deployment"),
    Kind("apps/v1", "StatefulSet"),
    Kind("apps/v1", "DaemonSet"),
    Kind("batch/v1", "CronJob"),
    Kind("apps/v1", "ReplicaSet"),
    Kind("batch/v1", "Job"),
    Kind("v1", "Pod"),
    Kind("v1", "Service"),
    Kind("discovery.k8s.io/v1", "EndpointSlice"),
    Kind("networking.k8s.io/v1", "Ingress"),
    Kind("v1", "PersistentVolumeClaim"),
    Kind("autoscaling/v2", "HorizontalPodAutoscaler"),
    Kind("policy/v1", "PodDisruptionBudget"),
    Kind("v1", "ResourceQuota"),
    Kind("v1", "ConfigMap"),
    Kind("v1", "Secret", metadata_only=True),
    EVENT,
)
METRICS = Kind("metrics.k8s.io/v1beta1", "PodMetrics", is_polled=True)
# Watched where the cluster serves them, by the first of a group that it serves.
OPTIONAL = (
    Kind("v1", "Node", is_wide=True),
    Kind("networking.k8s.io/v1", "IngressClass", is_wide=True),
    Kind("networking.k8s.io/v1", "NetworkPolicy"),
    Kind("gateway.networking.k8s.io/v1", "HTTPRoute"),
    Kind("gateway.networking.k8s.io/v1", "GRPCRoute"),
    Kind("cert-manager.io/v1", "Certificate"),
    Kind("external-secrets.io/v1", "ExternalSecret"),
    Kind("external-secrets.io/v1beta1", "ExternalSecret"),
    Kind("postgresql.cnpg.io/v1", "Cluster"),
    METRICS,
)
ALL = WATCHED + OPTIONAL


def served(kinds: Iterable[Kind], serves: Iterable[str]) -> list[Kind]:
    """Those to watch in a cluster that serves this: all that every cluster has, and of the others its own."""
    known = set(serves)
    found: dict[tuple[str, str], Kind] = {}
    for kind in kinds:
        if kind not in OPTIONAL or f"{kind.api_version}/{kind.kind}" in known:
            found.setdefault((kind.group, kind.kind), kind)
    return list(found.values())


# The picture of a cluster is as fresh as the staler of these.
ESSENTIAL = {"Deployment", "Pod"}
# The stream that asks, as often as it lists, what else the cluster serves.
PROBING = "Deployment"
# What can own something else that is watched.
OWNERS = {"Deployment", "StatefulSet", "DaemonSet", "CronJob", "ReplicaSet", "Job", "Service"}

"""What is watched, in the order in which the parts need each other."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """`metadata_only`: the rest never leaves the cluster."""

    api_version: str
    kind: str
    metadata_only: bool = False


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
# The picture of a cluster is as fresh as the staler of these.
ESSENTIAL = {"Deployment", "Pod"}
# The stream that asks, as often as it lists, what else the cluster serves.
PROBING = "Deployment"
# What can own something else that is watched.
OWNERS = {"Deployment", "StatefulSet", "DaemonSet", "CronJob", "ReplicaSet", "Job", "Service"}

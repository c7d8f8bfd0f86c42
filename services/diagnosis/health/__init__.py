"""How healthy an object is, in Argo CD's words and by its rules (gitops-engine, pkg/health).

Kinds of Kubernetes itself have a rule each; others are judged by the lines of `kinds.yaml`, where they say it
in words of their own, and by one general rule for all the rest.
"""

from collections.abc import Callable, Iterable

from services.diagnosis import objects
from services.diagnosis.health import general, parts, pods, table, workloads
from services.diagnosis.health.general import NO_STATUS
from services.diagnosis.judgement import HEALTHY, ORDER, UNOBSERVED, Health, Status, worst
from services.diagnosis.objects import Object, find

__all__ = ["HEALTHY", "NO_STATUS", "ORDER", "RULES", "UNOBSERVED", "Health", "Status", "assess", "worst"]


def assess(obj: Object, related: Iterable[Object] = ()) -> Health:
    """The health of one object; pods among `related` refine the message."""
    if find(obj, "metadata.deletionTimestamp"):
        return Health("Progressing", "Pending deletion")
    return _with_reason(_judged(obj), related)


def _judged(obj: Object) -> Health:
    if rule := RULES.get((objects.group(obj), objects.kind(obj))):
        return rule(obj)
    if objects.kind(obj) in STATELESS and _is_built_in(objects.group(obj)):
        return HEALTHY
    return table.judge(obj) or general.judge(obj)


def _is_built_in(group: str) -> bool:
    return "." not in group or group.endswith(".k8s.io")


def _with_reason(health: Health, related: Iterable[Object]) -> Health:
    """A rollout that waits says why, where one of its pods knows."""
    if health.status not in ("Progressing", "Degraded"):
        return health
    for pod in related:
        if objects.kind(pod) == "Pod" and (reason := _waiting_reason(pod)):
            return Health(health.status, f"{health.message} ({reason})".strip())
    return health


def _waiting_reason(pod: Object) -> str:
    for container in pods.containers(pod):
        reason = str(find(container, "state.waiting.reason", ""))
        if pods.is_failure(reason):
            return f"{objects.name(pod)}: {reason}"
    return ""


STATELESS = frozenset(
    {
        "ConfigMap",
        "Secret",
        "ServiceAccount",
        "Role",
        "RoleBinding",
        "ClusterRole",
        "ClusterRoleBinding",
        "NetworkPolicy",
        "LimitRange",
        "ResourceQuota",
        "StorageClass",
        "IngressClass",
        "PriorityClass",
        "Endpoints",
        "EndpointSlice",
        "Event",
        "Node",
        "Lease",
    }
)
Rule = Callable[[Object], Health]
RULES: dict[tuple[str, str], Rule] = {
    ("apps", "Deployment"): workloads.deployment,
    ("apps", "StatefulSet"): workloads.stateful_set,
    ("apps", "DaemonSet"): workloads.daemon_set,
    ("apps", "ReplicaSet"): workloads.replica_set,
    ("", "ReplicationController"): workloads.replica_set,
    ("batch", "Job"): workloads.job,
    ("batch", "CronJob"): workloads.cron_job,
    ("", "Pod"): pods.pod,
    ("", "Service"): parts.service,
    ("", "PersistentVolumeClaim"): parts.volume_claim,
    ("networking.k8s.io", "Ingress"): parts.ingress,
    ("extensions", "Ingress"): parts.ingress,
    ("autoscaling", "HorizontalPodAutoscaler"): parts.autoscaler,
    ("gateway.networking.k8s.io", "HTTPRoute"): parts.http_route,
    ("gateway.networking.k8s.io", "GRPCRoute"): parts.http_route,
    ("gateway.networking.k8s.io", "TLSRoute"): parts.http_route,
    ("gateway.networking.k8s.io", "TCPRoute"): parts.http_route,
    ("gateway.networking.k8s.io", "UDPRoute"): parts.http_route,
    ("policy", "PodDisruptionBudget"): parts.disruption_budget,
    ("apiregistration.k8s.io", "APIService"): parts.api_service,
    ("argoproj.io", "Application"): parts.application,
}

"""How healthy an object is, in Argo CD's words and by its rules (gitops-engine, pkg/health).

Kinds that Argo CD does not know of by itself are judged by their conditions, as Flux's kstatus does.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from services.diagnosis import objects, operators
from services.diagnosis.judgement import HEALTHY, UNOBSERVED, Health, Status
from services.diagnosis.objects import Object, condition, find, items, number

__all__ = ["HEALTHY", "ORDER", "RULES", "UNOBSERVED", "Health", "Status", "assess", "worst"]

# From best to worst: the health of several objects together is the last of theirs.
ORDER: tuple[Status, ...] = ("Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown")

IGNORE_RESTART_POLICY = "argocd.argoproj.io/ignore-restart-policy"
HOOKS = ("argocd.argoproj.io/hook", "helm.sh/hook")


def assess(obj: Object, related: Iterable[Object] = ()) -> Health:
    """The health of one object; pods among `related` refine the message."""
    if find(obj, "metadata.deletionTimestamp"):
        return Health("Progressing", "Pending deletion")
    rule = RULES.get((objects.group(obj), objects.kind(obj)))
    health = rule(obj) if rule else by_conditions(obj)
    return _with_reason(health, related)


def worst(healths: Iterable[Health]) -> Health:
    """The health of a whole; that of nothing is Missing."""
    return max(healths, key=lambda each: ORDER.index(each.status), default=Health("Missing"))


def _with_reason(health: Health, related: Iterable[Object]) -> Health:
    """A rollout that waits says why, where one of its pods knows."""
    if health.status not in ("Progressing", "Degraded"):
        return health
    for pod in related:
        if objects.kind(pod) == "Pod" and (reason := _waiting_reason(pod)):
            return Health(health.status, f"{health.message} ({reason})".strip())
    return health


def _waiting_reason(pod: Object) -> str:
    for container in _containers(pod):
        reason = str(find(container, "state.waiting.reason", ""))
        if _is_failure(reason):
            return f"{objects.name(pod)}: {reason}"
    return ""


# Workloads


def _unobserved(obj: Object) -> bool:
    return number(obj, "metadata.generation") > number(obj, "status.observedGeneration")


def deployment(obj: Object) -> Health:
    if find(obj, "spec.paused"):
        return Health("Suspended", "Deployment is paused")
    if _unobserved(obj):
        return _rolling("observed deployment generation less than desired generation")
    if condition(obj, "Progressing").get("reason") == "ProgressDeadlineExceeded":
        return Health("Degraded", f'Deployment "{objects.name(obj)}" exceeded its progress deadline')
    wanted, updated = find(obj, "spec.replicas"), number(obj, "status.updatedReplicas")
    if wanted is not None and updated < wanted:
        return _rolling(f"{updated} out of {wanted} new replicas have been updated...")
    if number(obj, "status.replicas") > updated:
        old = number(obj, "status.replicas") - updated
        return _rolling(f"{old} old replicas are pending termination...")
    available = number(obj, "status.availableReplicas")
    if available < updated:
        return _rolling(f"{available} of {updated} updated replicas are available...")
    return HEALTHY


def _rolling(what: str) -> Health:
    return Health("Progressing", f"Waiting for rollout to finish: {what}")


def stateful_set(obj: Object) -> Health:
    if not find(obj, "status.observedGeneration") or _unobserved(obj):
        return Health("Progressing", "Waiting for statefulset spec update to be observed...")
    wanted, ready = find(obj, "spec.replicas"), number(obj, "status.readyReplicas")
    if wanted is not None and ready < wanted:
        return Health("Progressing", f"Waiting for {wanted - ready} pods to be ready...")
    kind, rolling = find(obj, "spec.updateStrategy.type"), find(obj, "spec.updateStrategy.rollingUpdate")
    if kind == "RollingUpdate" and rolling is not None:
        return _partitioned(obj, wanted, find(rolling, "partition"))
    if kind == "OnDelete":
        return Health("Healthy", f"statefulset has {ready} ready pods")
    revision, updated = find(obj, "status.updateRevision"), number(obj, "status.updatedReplicas")
    if revision != find(obj, "status.currentRevision"):
        waits = f"waiting for statefulset rolling update to complete {updated} pods at revision {revision}..."
        return Health("Progressing", waits)
    current = number(obj, "status.currentReplicas")
    return Health("Healthy", f"statefulset rolling update complete {current} pods at revision {revision}...")


def _partitioned(obj: Object, wanted: Any, partition: Any) -> Health:
    updated = number(obj, "status.updatedReplicas")
    if wanted is not None and partition is not None and updated < wanted - partition:
        count = f"{updated} out of {wanted - partition} new pods have been updated..."
        return Health("Progressing", f"Waiting for partitioned roll out to finish: {count}")
    return Health("Healthy", f"partitioned roll out complete: {updated} new pods have been updated...")


def daemon_set(obj: Object) -> Health:
    if _unobserved(obj):
        return _rolling("observed daemon set generation less than desired generation")
    wanted = number(obj, "status.desiredNumberScheduled")
    updated, available = number(obj, "status.updatedNumberScheduled"), number(obj, "status.numberAvailable")
    if find(obj, "spec.updateStrategy.type") == "OnDelete":
        return Health("Healthy", f"daemon set {updated} out of {wanted} new pods have been updated")
    waits = f'Waiting for daemon set "{objects.name(obj)}" rollout to finish'
    if updated < wanted:
        return Health("Progressing", f"{waits}: {updated} out of {wanted} new pods have been updated...")
    if available < wanted:
        return Health("Progressing", f"{waits}: {available} of {wanted} updated pods are available...")
    return HEALTHY


def replica_set(obj: Object) -> Health:
    if _unobserved(obj):
        return _rolling("observed replica set generation less than desired generation")
    failure = condition(obj, "ReplicaFailure")
    if failure.get("status") == "True":
        return Health("Degraded", str(failure.get("message", "")))
    wanted, available = find(obj, "spec.replicas"), number(obj, "status.availableReplicas")
    if wanted is not None and available < wanted:
        return _rolling(f"{available} out of {wanted} new replicas are available...")
    return HEALTHY


def job(obj: Object) -> Health:
    ended = {each.get("type"): each for each in items(obj, "status.conditions")}
    if "Failed" in ended:
        return Health("Degraded", str(ended["Failed"].get("message", "")))
    if ended.get("Suspended", {}).get("status") == "True":
        return Health("Suspended", str(ended["Suspended"].get("message", "")))
    if ended.keys() & {"Complete", "Suspended"}:
        return Health("Healthy", str(ended.get("Complete", {}).get("message", "")))
    return Health("Progressing")


def cron_job(obj: Object) -> Health:
    """By its last run, where it says how that ended."""
    if find(obj, "spec.suspend"):
        return Health("Suspended", "CronJob is suspended")
    scheduled, succeeded = find(obj, "status.lastScheduleTime"), find(obj, "status.lastSuccessfulTime")
    if find(obj, "status.active"):
        return Health("Progressing", "CronJob has a run under way")
    if scheduled and not succeeded:
        return Health("Degraded", "CronJob has not completed its last execution successfully")
    if scheduled and succeeded and str(succeeded) < str(scheduled):
        return Health("Degraded", "CronJob has not completed its last execution successfully")
    return Health("Healthy", "CronJob has completed its last execution successfully" if scheduled else "")


# Pods


def _containers(pod: Object) -> list[Mapping[str, Any]]:
    return items(pod, "status.initContainerStatuses") + items(pod, "status.containerStatuses")


def _is_failure(reason: str) -> bool:
    return reason.startswith("Err") or reason.endswith(("Error", "BackOff"))


def pod(obj: Object) -> Health:
    policy = find(obj, "spec.restartPolicy", "Always")
    if policy == "Always":
        waiting = [find(each, "state.waiting", {}) for each in items(obj, "status.containerStatuses")]
        failing = [each for each in waiting if _is_failure(str(each.get("reason", "")))]
        if failing:
            return Health(
                "Degraded", ", ".join(str(each.get("message") or each["reason"]) for each in failing)
            )
    return _by_phase(obj, policy)


def _by_phase(obj: Object, policy: str) -> Health:
    phase, message = find(obj, "status.phase"), str(find(obj, "status.message", ""))
    if phase == "Running":
        return _running(obj, policy)
    if phase == "Failed":
        return Health("Degraded", message or next(filter(None, map(_end_of, _containers(obj))), ""))
    known: dict[Any, Status] = {"Pending": "Progressing", "Succeeded": "Healthy"}
    return Health(known.get(phase, "Unknown"), message)


def _end_of(container: Mapping[str, Any]) -> str:
    """Why a container ended, if it did not end well."""
    ended = find(container, "state.terminated", {})
    if ended.get("message") or ended.get("reason") == "OOMKilled":
        return str(ended.get("message") or ended["reason"])
    code = ended.get("exitCode")
    return f'container "{container.get("name")}" failed with exit code {code}' if code else ""


def _running(obj: Object, policy: str) -> Health:
    message = str(find(obj, "status.message", ""))
    annotations = find(obj, "metadata.annotations", {})
    if policy == "Always":
        if condition(obj, "Ready").get("status") == "True":
            return Health("Healthy", message)
        ended = any(find(each, "lastState.terminated") for each in items(obj, "status.containerStatuses"))
        return Health("Degraded" if ended else "Progressing", message)
    is_hook = any(hook in annotations for hook in HOOKS)
    if annotations.get(IGNORE_RESTART_POLICY) == "true" and not is_hook:
        return Health("Healthy", message)
    return Health("Progressing", message)  # one that ends by itself is healthy when it has


# Network, storage, scaling


def service(obj: Object) -> Health:
    if find(obj, "spec.type") == "LoadBalancer" and not items(obj, "status.loadBalancer.ingress"):
        return Health("Progressing", "Waiting for the load balancer")
    return HEALTHY


def ingress(obj: Object) -> Health:
    return HEALTHY if items(obj, "status.loadBalancer.ingress") else Health("Progressing")


def volume_claim(obj: Object) -> Health:
    known: dict[Any, Status] = {"Lost": "Degraded", "Pending": "Progressing", "Bound": "Healthy"}
    return Health(known.get(find(obj, "status.phase"), "Unknown"))


BLIND = ("FailedGetScale", "FailedUpdateScale", "InvalidSelector", "InvalidMetricSourceType")
ALPHA_CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions"


def autoscaler(obj: Object) -> Health:
    for each in items(obj, "status.conditions") or _alpha_conditions(obj):
        reason, message = str(each.get("reason", "")), str(each.get("message", ""))
        if reason in BLIND or (reason.startswith("FailedGet") and reason.endswith("Metric")):
            return Health("Degraded", message)
    for each in items(obj, "status.conditions") or _alpha_conditions(obj):
        if each.get("type") in ("AbleToScale", "ScalingLimited") and each.get("status") == "True":
            return Health("Healthy", str(each.get("message", "")))
    return Health("Progressing", "Waiting to Autoscale")


def _alpha_conditions(obj: Object) -> list[Mapping[str, Any]]:
    """autoscaling/v1 keeps its conditions as JSON in an annotation."""
    try:
        given = json.loads(find(obj, "metadata.annotations", {}).get(ALPHA_CONDITIONS) or "[]")
    except ValueError:
        return []
    return [each for each in given if isinstance(each, Mapping)] if isinstance(given, list) else []


def http_route(obj: Object) -> Health:
    """Accepted and resolved by every parent, at the present generation."""
    parents = items(obj, "status.parents")
    found = [_condition_of_route(each, obj) for parent in parents for each in items(parent, "conditions")]
    waiting = Health("Progressing", "Waiting for the gateway")
    return worst([each for each in found if each] or [HEALTHY]) if parents else waiting


def _condition_of_route(given: Mapping[str, Any], route: Object) -> Health | None:
    if given.get("type") not in ("Accepted", "ResolvedRefs", "Programmed"):
        return None
    if given.get("observedGeneration", 0) < number(route, "metadata.generation"):
        return Health("Progressing", "Waiting for the gateway")
    if given.get("status") == "True":
        return None
    message = str(given.get("message", ""))
    return Health("Progressing" if given.get("type") == "Programmed" else "Degraded", message)


def api_service(obj: Object) -> Health:
    available = condition(obj, "Available")
    if not available:
        return Health("Progressing", "Waiting to be processed")
    message = f"{available.get('reason')}: {available.get('message')}"
    return Health("Healthy" if available.get("status") == "True" else "Progressing", message)


def application(obj: Object) -> Health:
    """Argo CD's own verdict on what it deploys."""
    given = find(obj, "status.health.status")
    known: Status = next((each for each in ORDER if each == given), "Unknown")
    return Health(known, str(find(obj, "status.health.message", "")))


# Everything else

NO_STATUS = "Waiting for a status"
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
GOOD = (
    "Ready",
    "Available",
    "Healthy",
    "Succeeded",
    "Synced",
    "Established",
    "Accepted",
    "Programmed",
    "DashboardSynchronized",
)
WORKING = ("Reconciling", "Progressing", "Creating", "Pending", "Updating", "InProgress", "Installing")
GOOD_PHASES = frozenset(
    {
        "ready",
        "running",
        "active",
        "bound",
        "succeeded",
        "completed",
        "healthy",
        "available",
        "deployed",
        "ok",
    }
)
BAD_PHASES = frozenset({"failed", "error", "degraded", "unhealthy", "crashed", "lost", "invalid", "red"})


def by_conditions(obj: Object) -> Health:
    """One rule for all other kinds: Stalled, Reconciling, Ready and the like, then the phase."""
    if objects.kind(obj) in STATELESS:
        return HEALTHY
    status = obj.get("status")
    if not isinstance(status, Mapping) or not status:
        return Health("Progressing", NO_STATUS)
    observed = find(obj, "status.observedGeneration")
    if isinstance(observed, int) and observed < number(obj, "metadata.generation"):
        return UNOBSERVED
    if find(obj, "spec.suspend") is True or find(obj, "spec.paused") is True:
        return Health("Suspended")
    stalled = condition(obj, "Stalled")
    if stalled.get("status") == "True":
        return Health("Degraded", str(stalled.get("message", "")))
    return _by_readiness(obj) or _by_word(obj)


def _by_readiness(obj: Object) -> Health | None:
    for type_ in GOOD:
        given = condition(obj, type_)
        message = str(given.get("message", ""))
        seen = given.get("observedGeneration")
        if isinstance(seen, int) and seen < number(obj, "metadata.generation"):
            return UNOBSERVED
        if given.get("status") == "True":
            return Health("Healthy", message)
        if given:
            working = given.get("status") == "Unknown" or _is_working(obj, str(given.get("reason", "")))
            return Health("Progressing" if working else "Degraded", message)
    return None


def _is_working(obj: Object, reason: str) -> bool:
    if any(word.lower() in reason.lower() for word in WORKING):
        return True
    return any(condition(obj, type_).get("status") == "True" for type_ in ("Reconciling", "Progressing"))


def _by_word(obj: Object) -> Health:
    """What `status.phase` or `status.state` says, if it is a word we know."""
    word = str(find(obj, "status.phase") or find(obj, "status.state") or find(obj, "status.health") or "")
    if word.lower() in GOOD_PHASES:
        return Health("Healthy", word)
    if word.lower() in BAD_PHASES or word.lower().endswith(("failed", "error")):
        return Health("Degraded", str(find(obj, "status.message", word)))
    return Health("Progressing", word) if word else Health("Unknown", "nothing in its status says")


def disruption_budget(obj: Object) -> Health:
    """That nothing may be moved just now is no fault of the budget; that nobody can tell is one."""
    given = condition(obj, "DisruptionAllowed")
    reason = f"PodDisruptionBudget has {given.get('reason')}"
    failed = any(each.get("reason") == "SyncFailed" for each in items(obj, "status.conditions"))
    if failed:
        return Health("Degraded", "PodDisruptionBudget has SyncFailed")
    if given.get("status") == "True":
        return Health("Healthy", reason)
    return Health("Progressing", reason if given else "Waiting for a status")


Rule = Callable[[Object], Health]
RULES: dict[tuple[str, str], Rule] = {
    ("apps", "Deployment"): deployment,
    ("apps", "StatefulSet"): stateful_set,
    ("apps", "DaemonSet"): daemon_set,
    ("apps", "ReplicaSet"): replica_set,
    ("", "ReplicationController"): replica_set,
    ("batch", "Job"): job,
    ("batch", "CronJob"): cron_job,
    ("", "Pod"): pod,
    ("", "Service"): service,
    ("", "PersistentVolumeClaim"): volume_claim,
    ("networking.k8s.io", "Ingress"): ingress,
    ("extensions", "Ingress"): ingress,
    ("autoscaling", "HorizontalPodAutoscaler"): autoscaler,
    ("gateway.networking.k8s.io", "HTTPRoute"): http_route,
    ("gateway.networking.k8s.io", "GRPCRoute"): http_route,
    ("policy", "PodDisruptionBudget"): disruption_budget,
    ("apiregistration.k8s.io", "APIService"): api_service,
    ("argoproj.io", "Application"): application,
} | operators.RULES

"""Health of workloads: what rolls out, and what runs to an end."""

from typing import Any

from services.diagnosis import objects
from services.diagnosis.judgement import HEALTHY, Health
from services.diagnosis.objects import Object, condition, find, items, number


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
    """By its last run, once one has succeeded; until then nobody can tell."""
    if find(obj, "spec.suspend"):
        return Health("Suspended", "CronJob is suspended")
    if "status" not in obj:
        return Health("Progressing", "Waiting for a status")
    scheduled, succeeded = find(obj, "status.lastScheduleTime"), find(obj, "status.lastSuccessfulTime")
    if not scheduled:
        return Health("Healthy", "CronJob has not been scheduled yet")
    if not succeeded:
        return Health("Healthy", "CronJob has not completed a run yet")
    if find(obj, "status.active"):
        return Health("Healthy", "CronJob has a run under way")
    if str(succeeded) < str(scheduled):
        return Health("Degraded", "CronJob has not completed its last execution successfully")
    return Health("Healthy", "CronJob has completed its last execution successfully")

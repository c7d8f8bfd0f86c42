"""Health of what pods are reached, kept and scaled by."""

import json
from collections.abc import Mapping
from typing import Any

from services.diagnosis.judgement import HEALTHY, ORDER, Health, Status, worst
from services.diagnosis.objects import Object, condition, find, items


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
    """Accepted and resolved by every parent that has seen the present generation."""
    current = [each for each in items(obj, "status.parents") if _has_seen(each, obj)]
    found = [_refused(each) for parent in current for each in items(parent, "conditions")]
    waiting = Health("Progressing", "Waiting for the gateway")
    return worst([each for each in found if each] or [HEALTHY]) if current else waiting


def _has_seen(parent: Mapping[str, Any], route: Object) -> bool:
    generation = find(route, "metadata.generation")
    return generation is None or any(
        each.get("observedGeneration") == generation for each in items(parent, "conditions")
    )


def _refused(given: Mapping[str, Any]) -> Health | None:
    if given.get("type") not in ("Accepted", "ResolvedRefs", "Programmed") or given.get("status") == "True":
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

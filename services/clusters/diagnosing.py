"""Asking the diagnosis about watched objects."""

from collections.abc import Iterable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from services.clusters.models import Health, KubeEvent, KubeObject

# Kinds whose health says something to people.
JUDGED = {
    "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod", "Service", "Ingress",
    "PersistentVolumeClaim", "HorizontalPodAutoscaler",
}  # fmt: skip


def assess(obj: dict[str, Any], related: Sequence[dict[str, Any]] = ()) -> tuple[str, str]:
    """Health and its message; Unknown for what the diagnosis has no word for."""
    if obj.get("kind") not in JUDGED or find_spec("services.diagnosis.health") is None:
        return Health.UNKNOWN, ""
    verdict = import_module("services.diagnosis.health").assess(obj, related)
    known = str(verdict.status) if str(verdict.status) in Health.values else Health.UNKNOWN
    return known, verdict.message


def findings_of(
    rows: Iterable[KubeObject], events: Iterable[KubeEvent], logs: dict[Any, str] | None = None
) -> list[Any]:
    """What is wrong with these objects, by what they and their events say."""
    if find_spec("services.diagnosis.findings") is None:
        return []
    diagnose = import_module("services.diagnosis.findings").diagnose
    return list(diagnose([row.data for row in rows], [event.as_object() for event in events], logs))

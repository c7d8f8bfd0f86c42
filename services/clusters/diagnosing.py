"""Asking the diagnosis about watched objects."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from services.clusters.models import Health, KubeEvent, KubeObject
from services.diagnosis import health
from services.diagnosis.findings import Finding, diagnose

# Kinds whose health says something to people.
JUDGED = {
    "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod", "Service", "Ingress",
    "PersistentVolumeClaim", "HorizontalPodAutoscaler",
}  # fmt: skip


def assess(obj: dict[str, Any], related: Sequence[dict[str, Any]] = ()) -> tuple[str, str]:
    """Health and its message; Unknown for what the diagnosis has no word for."""
    if obj.get("kind") not in JUDGED:
        return Health.UNKNOWN, ""
    verdict = health.assess(obj, related)
    return verdict.status, verdict.message


def findings_of(
    rows: Iterable[KubeObject], events: Iterable[KubeEvent], logs: Mapping[str, str] | None = None
) -> list[Finding]:
    """What is wrong with these objects, by what they and their events say."""
    return diagnose([row.data for row in rows], [event.as_object() for event in events], logs, whole=False)

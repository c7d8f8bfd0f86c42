"""Asking the diagnosis about watched objects."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils import timezone

from services.clusters.models import Environment, Health, KubeEvent, KubeObject
from services.diagnosis import health
from services.diagnosis.findings import Finding, Picture, of
from services.diagnosis.objects import condition, reference

# Kinds whose health says something to people.
JUDGED = {
    "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod", "Service", "Ingress",
    "PersistentVolumeClaim", "HorizontalPodAutoscaler", "Node", "HTTPRoute", "GRPCRoute", "Certificate",
    "ExternalSecret", "Cluster",
}  # fmt: skip
# What stands around a service, and what of that is worth telling on its page.
AROUND = ("Node", "ResourceQuota", "NetworkPolicy", "IngressClass")
TOLD_OF_AROUND = {"node-not-ready", "quota-full", "quota-nearly-full"}


def assess(obj: dict[str, Any], related: Sequence[dict[str, Any]] = ()) -> tuple[str, str]:
    """Health and its message; Unknown for what the diagnosis has no word for."""
    if obj.get("kind") not in JUDGED:
        return Health.UNKNOWN, ""
    if obj.get("kind") == "Node":
        return _node(obj)
    verdict = health.assess(obj, related)
    return verdict.status, verdict.message


def _node(obj: dict[str, Any]) -> tuple[str, str]:
    """Argo CD has no word for nodes; one that does not say it is ready is not."""
    ready = condition(obj, "Ready")
    if ready.get("status") == "True":
        return Health.HEALTHY, ""
    return Health.DEGRADED, str(ready.get("message") or ready.get("reason") or "It does not answer.")


def findings_of(
    rows: Sequence[KubeObject],
    events: Iterable[KubeEvent],
    logs: Mapping[str, str] | None = None,
    *,
    around: Sequence[KubeObject] = (),
    throttled: Mapping[str, float] | None = None,
) -> list[Finding]:
    """What is wrong with these objects, by what they and their events say, and by what stands around them."""
    things, told = [row.data for row in rows], [event.as_object() for event in events]
    beside = [row.data for row in around]
    nodes = environment.cluster.nodes.get("all", 0) if (environment := _place(rows)) else 0
    picture = Picture([*things, *beside], told, logs or {}, False, throttled or {}, timezone.now(), nodes)
    foreign = {reference(each) for each in beside} | {"Platform"}
    mine = {str((row.spec.get("nodeName")) or "") for row in rows if row.kind == "Pod"}
    return [each for each in of(picture) if each.object not in foreign or _matters(each, mine)]


def _place(rows: Sequence[KubeObject]) -> Environment | None:
    return next((row.environment for row in rows if row.environment), None)


def _matters(finding: Finding, nodes: set[str]) -> bool:
    """Of what stands around: only a node that pods of it are on, and a quota that is full. A storm has a
    banner of its own."""
    if finding.id == "node-not-ready":
        return finding.object.rpartition("/")[2] in nodes
    return finding.id in TOLD_OF_AROUND

"""What is wrong with a whole cluster, told once: begun and ended by what the watcher sees, by nobody else."""

from datetime import timedelta
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from services.audit import actions as audit
from services.clusters.models import Cluster, Health, Incident, KubeObject
from services.diagnosis.findings.capacity import is_storm

STORM = "node-storm"
NAMED = 10
# Nodes that come and go are one incident, not many.
AGAIN = timedelta(minutes=10)
OPEN, OPEN_SECONDS = "clusters:incidents", 5


@transaction.atomic
def look_at_nodes(cluster: Cluster) -> None:
    """Count the nodes that do not answer; many of them begin an incident, few end it."""
    nodes = KubeObject.objects.filter(cluster=cluster, kind="Node", namespace="").order_by()
    counted = nodes.aggregate(all=Count("pk"), lost=Count("pk", filter=Q(health=Health.DEGRADED)))
    if counted == cluster.nodes:
        return
    cluster.nodes = counted
    Cluster.objects.filter(pk=cluster.pk).update(nodes=counted)
    names = sorted(nodes.filter(health=Health.DEGRADED).values_list("name", flat=True))
    if is_storm(counted["lost"], counted["all"]):
        _goes_on(cluster, f"{counted['lost']} of {counted['all']} nodes do not answer", names)
    else:
        _ends(cluster)
    cache.delete(OPEN)


def _goes_on(cluster: Cluster, title: str, names: list[str]) -> None:
    """The open incident, or the one of a moment ago opened again, or a new one; with what it touches now."""
    incident = (
        Incident.objects.select_for_update()
        .filter(Q(ended_at=None) | Q(ended_at__gte=timezone.now() - AGAIN), cluster=cluster, kind=STORM)
        .first()
    ) or Incident(cluster=cluster, kind=STORM)
    is_news = incident.pk is None or incident.ended_at is not None
    incident.title, incident.ended_at = title, None
    incident.details = {"nodes": names[:NAMED], "services": touched(cluster, names)}
    incident.save()
    if is_news:
        audit.record(by=None, action="incident.began", obj=cluster, summary=title)


def _ends(cluster: Cluster) -> None:
    for incident in Incident.objects.filter(cluster=cluster, kind=STORM, ended_at=None):
        incident.ended_at = timezone.now()
        incident.save(update_fields=["ended_at"])
        audit.record(by=None, action="incident.ended", obj=cluster, summary=incident.title)


def touched(cluster: Cluster, nodes: list[str]) -> int:
    """How many services have pods on these nodes."""
    pods = KubeObject.objects.filter(cluster=cluster, kind="Pod", data__spec__nodeName__in=nodes)
    return pods.exclude(entity_ref="").order_by().values("entity_ref").distinct().count()


def open_incidents() -> list[Any]:
    """Those that go on, the latest first; kept for some seconds, for every page asks."""
    return cache.get_or_set(OPEN, _open, OPEN_SECONDS) or []


def _open() -> list[Any]:
    return list(Incident.objects.filter(ended_at=None).select_related("cluster"))

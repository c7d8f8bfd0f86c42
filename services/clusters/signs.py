"""How old the picture of each cluster is, for /metrics."""

from collections.abc import Iterator

from django.utils import timezone

from portal.shell import registry
from portal.shell.registry import Gauge
from services.clusters.models import Cluster


def register() -> None:
    registry.metrics.add(gauges)


def gauges() -> Iterator[Gauge]:
    """Infinite for a cluster that was never heard of."""
    now = timezone.now()
    ages = {
        (name,): (now - at).total_seconds() if at else float("inf")
        for name, at in Cluster.objects.values_list("name", "heard_at")
    }
    yield Gauge("slipway_cluster_picture_age_seconds", "Age of what the watcher saw.", ages, ("cluster",))

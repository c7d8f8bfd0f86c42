"""What services use of what they ask for, and what that costs: written as it is measured, kept day by day."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from services.clusters.models import Cluster, Environment, KubeObject, Usage, UsageDay
from services.diagnosis.amounts import amount

Json = Mapping[str, Any]
Sample = dict[str, tuple[float, float]]  # by container: cores and bytes
GIB = 1024.0**3
MONTH = 30
KEPT = timedelta(days=400)
# What clouds and autoscalers call a node that may be taken away; a cluster's settings may say more.
SPOT = {
    "karpenter.sh/capacity-type": "spot",
    "eks.amazonaws.com/capacityType": "SPOT",
    "cloud.google.com/gke-spot": "true",
    "kubernetes.azure.com/scalesetpriority": "spot",
}
ASKED = ("environment_id", "entity_ref", "name", "data__spec__containers", "data__spec__nodeName")
SUMMED = ("pods", "cpu_asked", "cpu_used", "memory_asked", "memory_used", "spot_share", "cost")
PEAKS = ("cpu_peak", "memory_peak")


@dataclass
class Now:
    """A service in one environment at one moment."""

    pods: dict[str, Sample] = field(default_factory=dict)
    cpu_asked: float = 0.0
    memory_asked: float = 0.0
    on_spot: int = 0
    count: int = 0
    containers: dict[str, dict[str, float]] = field(default_factory=dict)

    @property
    def used(self) -> tuple[float, float]:
        samples = [each for pod in self.pods.values() for each in pod.values()]
        return sum(cpu for cpu, _ in samples), sum(memory for _, memory in samples)


def samples_of(items: Iterable[Json]) -> dict[tuple[str, str], Sample]:
    """By namespace and pod, what the metrics API says; what cannot be read is left out."""
    found: dict[tuple[str, str], Sample] = {}
    for item in items:
        metadata = item["metadata"]
        given = item.get("containers")
        found[str(metadata.get("namespace") or ""), str(metadata["name"])] = {
            str(each.get("name")): (cpu, memory)
            for each in (given if isinstance(given, list) else [])
            if isinstance(each, dict)
            and (cpu := amount((each.get("usage") or {}).get("cpu"))) is not None
            and (memory := amount((each.get("usage") or {}).get("memory"))) is not None
        }
    return found


@transaction.atomic
def record(cluster: Cluster, samples: Mapping[tuple[str, str], Sample], at: datetime | None = None) -> None:
    """Write what every service of the cluster asks for and uses now, and add it to the day's figures."""
    at = at or timezone.now()
    places = {each.pk: each for each in Environment.objects.filter(cluster=cluster)}
    found = _now(cluster, samples, places)
    measured = [
        Usage(environment=places[place], entity_ref=ref, pods=now.pods, at=at)
        for (place, ref), now in found.items()
        if now.pods
    ]
    Usage.objects.bulk_create(
        measured,
        update_conflicts=True,
        unique_fields=["entity_ref", "environment"],
        update_fields=["pods", "at"],
    )
    Usage.objects.filter(environment__in=places, at__lt=at - timedelta(minutes=10)).delete()
    _add_to_day(found, places, at.date())


def _now(
    cluster: Cluster, samples: Mapping[tuple[str, str], Sample], places: Mapping[int, Environment]
) -> dict[tuple[int, str], Now]:
    spot = spot_nodes(cluster)
    found: dict[tuple[int, str], Now] = defaultdict(Now)
    pods = KubeObject.objects.filter(cluster=cluster, kind="Pod", environment__in=places).exclude(
        entity_ref=""
    )
    running = pods.exclude(data__status__phase__in=["Succeeded", "Failed"])
    for place, ref, name, containers, node in running.values_list(*ASKED).iterator(chunk_size=500):
        now, used = found[place, ref], samples.get((places[place].namespace, name), {})
        now.count += 1
        now.on_spot += node in spot
        if used:
            now.pods[name] = used
        for each in containers or []:
            _ask(now, each, used.get(str(each.get("name"))))
    return found


def _ask(now: Now, container: Json, used: tuple[float, float] | None) -> None:
    """Adds what a container asks for; of several pods' containers of one name the largest counts."""
    asked = (container.get("resources") or {}).get("requests") or {}
    cpu, memory = amount(asked.get("cpu")) or 0.0, amount(asked.get("memory")) or 0.0
    now.cpu_asked, now.memory_asked = now.cpu_asked + cpu, now.memory_asked + memory
    known = now.containers.setdefault(str(container.get("name")), {"cpu_peak": 0.0, "memory_peak": 0.0})
    known |= {"cpu_asked": cpu, "memory_asked": memory}
    if used:
        known["cpu_peak"] = max(known["cpu_peak"], used[0])
        known["memory_peak"] = max(known["memory_peak"], used[1])


def spot_nodes(cluster: Cluster) -> set[str]:
    """Names of the nodes that may be taken away, by their labels."""
    labels = SPOT | dict(cluster.settings.get("spot_labels") or {})
    nodes = KubeObject.objects.filter(cluster=cluster, kind="Node").values_list(
        "name", "data__metadata__labels"
    )
    return {
        name
        for name, having in nodes
        if any((having or {}).get(key) == value for key, value in labels.items())
    }


def prices_of(environment: Environment) -> Json:
    """Of a core and of a GiB for a month: the environment's own, else those of its cluster."""
    return environment.settings.get("prices") or environment.cluster.settings.get("prices") or {}


def monthly(environment: Environment, cpu: float, memory: float) -> float:
    prices = prices_of(environment)
    return cpu * float(prices.get("cpu") or 0) + memory / GIB * float(prices.get("memory") or 0)


def _add_to_day(found: Mapping[tuple[int, str], Now], places: Mapping[int, Environment], day: date) -> None:
    """Means over the samples so far, and peaks; the day's cost is that of a day of what it asks for."""
    known = {
        (row.environment_id, row.entity_ref): row
        for row in UsageDay.objects.select_for_update().filter(environment__in=places, day=day)
    }
    rows = []
    for (place, ref), now in found.items():
        row = known.get((place, ref)) or UsageDay(environment_id=place, entity_ref=ref, day=day)
        _sample(row, now, monthly(places[place], now.cpu_asked, now.memory_asked) / MONTH)
        rows.append(row)
    fields = [*SUMMED, *PEAKS, "samples", "is_measured", "containers"]
    UsageDay.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["environment", "entity_ref", "day"], update_fields=fields
    )


def _sample(row: UsageDay, now: Now, cost: float) -> None:
    cpu, memory = now.used
    seen = (now.count, now.cpu_asked, cpu, now.memory_asked, memory, now.on_spot / max(1, now.count), cost)
    for name, value in zip(SUMMED, seen, strict=True):
        setattr(row, name, (getattr(row, name) * row.samples + value) / (row.samples + 1))
    row.cpu_peak, row.memory_peak = max(row.cpu_peak, cpu), max(row.memory_peak, memory)
    row.samples, row.is_measured = row.samples + 1, row.is_measured or bool(now.pods)
    for name, each in now.containers.items():
        before = row.containers.get(name, {})
        peaks = {peak: max(each[peak], before.get(peak, 0.0)) for peak in ("cpu_peak", "memory_peak")}
        row.containers[name] = each | peaks


def forget(before: date) -> int:
    """Days that are kept long enough."""
    return UsageDay.objects.filter(day__lt=before).delete()[0]

"""What the catalog may know of the picture: which clusters are watched, and what was seen in them."""

from collections.abc import Sequence

from django.db.models import Q

from services.catalog.sources.discovery import Seen
from services.catalog.sources.fetching import CannotFetch
from services.clusters.models import Cluster, Environment, KubeObject, Watch

KINDS = ("Deployment", "StatefulSet", "DaemonSet", "CronJob", "Service")


class Sightings:
    """The catalog's picture of clusters; reads PostgreSQL only."""

    def places(self) -> dict[str, list[str]]:
        """Every registered cluster with the namespaces of its environments, production first."""
        found: dict[str, list[str]] = {name: [] for name in Cluster.objects.values_list("name", flat=True)}
        ordered = Environment.objects.standing().order_by("-is_production", "position", "name")
        for name, namespace in ordered.values_list("cluster__name", "namespace"):
            found[name].append(namespace)
        return found

    def seen(self, cluster: str, namespaces: Sequence[str]) -> list[Seen]:
        """Workloads, services, and pods that something unwatched made; the order is that of the namespaces.

        Refuses (CannotFetch) a picture that is old or not whole: what is missing in it may still run.
        """
        row = Cluster.objects.get(name=cluster)
        _refuse_doubt(row)
        ours = Q(kind__in=KINDS) | Q(kind="Pod", owner_uid="", data__metadata__has_key="ownerReferences")
        rows = KubeObject.objects.filter(ours, cluster=row, namespace__in=namespaces).order_by("kind", "name")
        told = list(rows.values_list("namespace", "data", "entity_ref"))
        told.sort(key=lambda one: namespaces.index(one[0]))
        return [Seen(data, ref) for _, data, ref in told]


def _refuse_doubt(cluster: Cluster) -> None:
    if cluster.is_stale:
        raise CannotFetch(f"Nothing was heard of {cluster.name} lately, so nobody can say what runs there")
    known = {watch.kind: watch for watch in Watch.objects.filter(cluster=cluster, kind__in=KINDS)}
    for kind in KINDS:
        watch = known.get(kind)
        if watch is not None and (watch.problem or watch.listed_at is None):
            why = watch.problem or "they have not been listed yet"
            raise CannotFetch(f"The {kind}s of {cluster.name} cannot be seen: {why}")

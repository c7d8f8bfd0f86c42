"""The simulated cluster and the environments on it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from portal.demo import company, harbour
from portal.demo.cluster import metrics
from portal.demo.cluster.command import build, read_or_create_token
from portal.demo.cluster.discovery import GIT_VERSION
from portal.demo.cluster.state import State
from portal.demo.cluster.world import Pace
from services.accounts.models import User
from services.clusters import actions, incidents, usage
from services.clusters.models import Cluster
from services.clusters.watching.ingest import Ingest
from services.clusters.watching.kinds import ALL, Kind, served
from services.integrations.kube.kubeconfig import Credentials

MEASURED = 29


def seed() -> str:
    """The manifests lie where the cluster looks on its first start; later it remembers by itself."""
    home = Path(settings.STATE_DIR) / "cluster"
    if not (home / "manifests").is_dir():
        harbour.write(home / "manifests")
    cluster = _cluster(read_or_create_token(home / "token"))
    for position, place in enumerate(company.PLACES, start=1):
        actions.add_environment(
            by=None,
            cluster=cluster,
            name=place.name,
            namespace=place.namespace,
            title=place.title,
            is_production=place.is_production,
            position=position,
            settings=place.settings,
        )
    if not (home / "state.json").exists():
        _live_through_the_past(cluster, home)
    return f"the simulated cluster {cluster.name} with {cluster.environments.count()} environments"


def _live_through_the_past(cluster: Cluster, home: Path) -> None:
    """Let the cluster start here, once, and look at it as the watcher will: pages know it from the first on.

    What it has become is left on disk, where its own process goes on from.
    """
    state = State(home / "state.json")
    world = build(state, home / "manifests", Pace())
    state.close()
    ingest = Ingest(cluster)
    serves = {f"{kind.api_version}/{kind.kind}" for kind in world.store.kinds} | {
        f"{metrics.VERSION}/{metrics.KIND}"
    }
    ingest.take_all(
        {
            kind: [_shown(obj, kind) for obj in world.store.all(kind.api_version, kind.kind)]
            for kind in served(ALL, serves)
            if not kind.is_polled
        }
    )
    incidents.look_at_nodes(cluster)
    _measure_the_past(cluster, metrics.listing(world.store, "")["items"])
    cluster.heard_at = timezone.now()
    cluster.save(update_fields=["heard_at"])
    actions.saw_kinds(cluster, serves)
    actions.saw_version(cluster, GIT_VERSION)


def _measure_the_past(cluster: Cluster, items: list[dict[str, Any]]) -> None:
    """A month of days as the metrics server would have told them: it used a little less each day back."""
    measured, now = usage.samples_of(items), timezone.now()
    for days in range(MEASURED, -1, -1):
        less = 1 - 0.004 * days
        past = {
            pod: {name: (cpu * less, memory) for name, (cpu, memory) in each.items()}
            for pod, each in measured.items()
        }
        usage.record(cluster, past, now - timedelta(days=days))


def _shown(obj: dict[str, Any], kind: Kind) -> dict[str, Any]:
    if not kind.metadata_only:
        return obj
    return {name: obj[name] for name in ("apiVersion", "kind", "metadata")}


def _cluster(token: str) -> Cluster:
    """Registered once; another address or token is taken over, for both are of this installation."""
    wanted = Credentials(server=settings.SIMULATED_CLUSTER_URL, ca="", token=token)
    cluster = Cluster.objects.filter(name=company.CLUSTER).first()
    priya = User.objects.get(username="priya")
    if cluster is None:
        return actions.register_cluster(
            by=priya, name=company.CLUSTER, title="Harbour", credentials=wanted, is_simulated=True
        )
    if cluster.server != wanted.server:
        actions.replace_credentials(by=priya, cluster=cluster, credentials=wanted)
    return cluster

"""The simulated cluster and the environments on it."""

from pathlib import Path

from django.conf import settings

from portal.demo import company, harbour
from portal.demo.cluster.command import read_or_create_token
from services.accounts.models import User
from services.clusters import actions
from services.clusters.models import Cluster
from services.integrations.kube.kubeconfig import Credentials


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
    return f"the simulated cluster {cluster.name} with {cluster.environments.count()} environments"


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

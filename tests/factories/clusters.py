"""Clusters and environments for tests."""

from typing import Any

from services.clusters import sealing
from services.clusters.models import Cluster, Environment


def cluster_row(url: str = "http://127.0.0.1:9", token: str = "", **fields: Any) -> Cluster:
    defaults = {"title": "Harbour", "server": url, "token_sealed": sealing.seal(token) if token else ""}
    return Cluster.objects.get_or_create(name="harbour", defaults=defaults | {"is_simulated": True} | fields)[
        0
    ]


def environments(cluster: Cluster) -> tuple[Environment, Environment]:
    """Staging and production, as in the demo."""
    staging, _ = Environment.objects.get_or_create(
        name="staging",
        defaults={"title": "Staging", "cluster": cluster, "namespace": "shop-staging", "position": 1},
    )
    production, _ = Environment.objects.get_or_create(
        name="production",
        defaults={
            "title": "Production",
            "cluster": cluster,
            "namespace": "shop",
            "position": 2,
            "is_production": True,
        },
    )
    return staging, production

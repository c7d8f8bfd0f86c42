"""Dapr components: a state store or broker that applications reach through their sidecar."""

from services.catalog.derivation.kubernetes import Cluster
from services.catalog.derivation.model import Setting, Workload
from services.catalog.derivation.trees import listed, mapping, numbered, plain, text

SCOPED, UNSCOPED = 0.9, 0.55


def add_components(cluster: Cluster) -> None:
    """Tell each application with a sidecar the addresses of the components it may use."""
    apps = [w for w in cluster.workloads if w.annotations.get("dapr.io/enabled") == "true"]
    for file, manifest, line, base in cluster.components:
        scopes = {plain(each) for each in listed(manifest, "scopes")}
        for workload in apps:
            if not scopes or _app_id(workload) in scopes:
                for number, each in numbered(mapping(manifest, "spec"), "metadata"):
                    place = line((*base, "spec", "metadata", number))
                    trust = SCOPED if scopes else UNSCOPED
                    workload.settings.append(
                        Setting(text(each, "name"), text(each, "value"), file, place, trust)
                    )


def _app_id(workload: Workload) -> str:
    return workload.annotations.get("dapr.io/app-id") or workload.name

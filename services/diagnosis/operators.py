"""How objects of operators are that say it in words of their own."""

from collections.abc import Callable

from services.diagnosis.judgement import HEALTHY, UNOBSERVED, Health
from services.diagnosis.objects import Object, find, number

# What CloudNativePG says while it does what it was asked; whatever else it says is something for people.
WORKING = frozenset(
    {
        "Setting up primary",
        "Creating a new replica",
        "Upgrading cluster",
        "Cluster upgrade in progress",
        "Waiting for the instances to become active",
        "Promoting to primary cluster",
        "Switchover in progress",
        "Primary instance is being restarted in-place",
        "Primary instance is being restarted without a switchover",
        "Online upgrade in progress",
        "Applying configuration",
    }
)
# Annotations by which people stop the operator, or the database.
STOPPED = {"cnpg.io/hibernation": "on", "cnpg.io/reconciliationLoop": "disabled"}


def postgres(obj: Object) -> Health:
    """A CloudNativePG Cluster, by its phase: while it is set up it is not ready, and nothing is wrong."""
    notes = find(obj, "metadata.annotations", {})
    if any(notes.get(key) == value for key, value in STOPPED.items()):
        return Health("Suspended", "Stopped by an annotation")
    phase = str(find(obj, "status.phase", ""))
    if not phase or phase in WORKING:
        return Health("Progressing", phase or "Waiting for a status")
    if phase == "Waiting for user action":
        return Health("Suspended", phase)
    return Health("Healthy" if phase == "Cluster in healthy state" else "Degraded", phase)


def database(obj: Object) -> Health:
    """A CloudNativePG Database says in `status.applied` whether it was made."""
    applied = find(obj, "status.applied")
    if applied is None or number(obj, "status.observedGeneration") < number(obj, "metadata.generation"):
        return UNOBSERVED
    return HEALTHY if applied else Health("Degraded", str(find(obj, "status.message", "")))


def in_place(obj: Object) -> Health:
    """Read by others, who write nothing back: it is well when it is there."""
    return HEALTHY


# Whose controllers keep no status, or none that says how it went.
SILENT = (
    ("monitoring.coreos.com", "ServiceMonitor"),
    ("monitoring.coreos.com", "PodMonitor"),
    ("monitoring.coreos.com", "PrometheusRule"),
    ("postgresql.cnpg.io", "ScheduledBackup"),
    ("barmancloud.cnpg.io", "ObjectStore"),
    ("redis.redis.opstreelabs.in", "RedisReplication"),
    ("redis.redis.opstreelabs.in", "RedisSentinel"),
    ("externaldns.k8s.io", "DNSEndpoint"),
    ("autoscaling.k8s.io", "VerticalPodAutoscaler"),
)
RULES: dict[tuple[str, str], Callable[[Object], Health]] = {
    ("postgresql.cnpg.io", "Cluster"): postgres,
    ("postgresql.cnpg.io", "Database"): database,
    **dict.fromkeys(SILENT, in_place),
}

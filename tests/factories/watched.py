"""A service as the watcher left it: a Deployment, its pods, well or killed for memory."""

from typing import Any

from django.utils import timezone

from services.clusters.models import Cluster, Environment, KubeObject
from tests.factories.clusters import cluster_row, environments


def watched(name: str = "checkout", *, ready: int = 2, desired: int = 2, killed: int = 0) -> Environment:
    """`name` in production with so many pods ready; `killed` restarts of each for want of memory."""
    cluster = cluster_row()
    Cluster.objects.update(heard_at=timezone.now())
    _, production = environments(cluster)
    KubeObject.objects.filter(entity_ref=f"component:default/{name}").delete()
    status = {"replicas": desired, "readyReplicas": ready, "updatedReplicas": desired}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [_container(name)]}}
    _seen(
        production, "Deployment", name, uid=f"d-{name}", api="apps/v1",
        spec={"replicas": desired, "selector": {"matchLabels": {"app": name}}, "template": template},
        status=status, health="Healthy" if ready == desired else "Degraded", owner="", entity=name,
    )  # fmt: skip
    for number in range(desired):
        _pod(production, name, number, ready=number < ready, killed=killed)
    return production


def _container(name: str) -> dict[str, Any]:
    return {
        "name": "web",
        "image": f"registry.larkfield.shop/{name}:2.41.0",
        "resources": {"limits": {"memory": "128Mi"}},
        "env": [{"name": "DB_PASSWORD", "value": "hunter2-frozen"}],
    }


def _pod(environment: Environment, name: str, number: int, *, ready: bool, killed: int) -> None:
    state: dict[str, Any] = {"name": "web", "ready": ready, "restartCount": killed, "image": "x"}
    state["state"] = {"running": {}} if ready else {"waiting": {"reason": "CrashLoopBackOff"}}
    if killed:
        state["lastState"] = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
    _seen(
        environment, "Pod", f"{name}-{number}", uid=f"p-{name}-{number}", api="v1",
        spec={"containers": [_container(name)]},
        status={
            "phase": "Running",
            "containerStatuses": [state],
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        },
        health="Healthy" if ready else "Degraded", owner=f"d-{name}", entity=name,
    )  # fmt: skip


def _seen(
    environment: Environment,
    kind: str,
    name: str,
    *,
    uid: str,
    api: str,
    spec: Any,
    status: Any,
    health: str,
    owner: str,
    entity: str,
) -> None:
    metadata: dict[str, Any] = {"name": name, "namespace": environment.namespace, "uid": uid}
    if owner:
        metadata["ownerReferences"] = [{"kind": "Deployment", "uid": owner, "controller": True}]
    KubeObject.objects.create(
        cluster=environment.cluster, environment=environment, api_version=api, kind=kind, name=name, uid=uid,
        namespace=environment.namespace, owner_uid=owner, entity_ref=f"component:default/{entity}",
        health=health,
        data={"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec, "status": status},
    )  # fmt: skip

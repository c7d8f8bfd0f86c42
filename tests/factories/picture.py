"""Watched objects for tests of pages: a deployment, its set and its pods, well or in trouble."""

from typing import Any

from django.utils import timezone

from services.clusters import picture
from services.clusters.models import Environment, KubeObject
from tests.fakes.cluster import deployment

OOM = {"terminated": {"reason": "OOMKilled", "exitCode": 137, "finishedAt": "2026-11-20T09:00:00Z"}}


def heard(environment: Environment, at: Any = None) -> None:
    """The cluster was heard of now, or when said."""
    environment.cluster.heard_at = at or timezone.now()
    environment.cluster.save()


def _row(environment: Environment, obj: dict[str, Any], ref: str, **fields: Any) -> KubeObject:
    metadata = obj["metadata"] | {"uid": f"{obj['kind']}-{environment.name}-{obj['metadata']['name']}"}
    return KubeObject.objects.create(
        cluster=environment.cluster,
        environment=environment,
        api_version=obj["apiVersion"],
        kind=obj["kind"],
        namespace=environment.namespace,
        name=metadata["name"],
        uid=metadata["uid"],
        entity_ref=ref,
        data=obj | {"metadata": metadata},
        born_at=timezone.now(),
        changed_at=picture.changed_at(obj),
        **fields,
    )


def _pod(name: str, environment: Environment, container: dict[str, Any], *, well: bool) -> dict[str, Any]:
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}}
    status = {
        "name": container["name"],
        "image": container["image"],
        "ready": well,
        "restartCount": 0 if well else 4,
        "state": {"running": {"startedAt": "2026-11-20T09:00:00Z"}} if well else waiting,
        "lastState": {} if well else OOM,
    }
    conditions = [{"type": "Ready", "status": str(well)}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": environment.namespace},
        "spec": {"nodeName": "harbour-general-1", "containers": [container]},
        "status": {"phase": "Running", "containerStatuses": [status], "conditions": conditions},
    }


def running(ref: str, environment: Environment, *, pods: int = 2, well: bool = True) -> KubeObject:
    """A deployment of the entity's name with its pods, heard of just now."""
    name = ref.rpartition("/")[2]
    obj = deployment(name, environment.namespace, replicas=pods, limit="128Mi", entity=ref)
    obj["metadata"]["creationTimestamp"] = "2026-11-19T08:00:00Z"
    obj["status"] = {"readyReplicas": pods if well else 0, "replicas": pods, "updatedReplicas": pods}
    health = "Healthy" if well else "Degraded"
    top = _row(environment, obj, ref, health=health, health_message="" if well else "not enough pods")
    container = obj["spec"]["template"]["spec"]["containers"][0]
    for number in range(pods):
        pod = _pod(f"{name}-{environment.name}-{number}", environment, container, well=well)
        _row(environment, pod, ref, owner_uid=top.uid, health=health)
    heard(environment)
    return top

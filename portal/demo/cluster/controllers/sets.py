"""Stateful sets (one pod after the other, with their claims) and daemon sets (one pod a node)."""

from typing import Any

from portal.demo.cluster.controllers import parts
from portal.demo.cluster.world import World

Object = dict[str, Any]
HASH = "controller-revision-hash"


def _ordinal(pod: Object) -> int:
    return int(pod["metadata"]["name"].rpartition("-")[2])


def stateful_set(world: World, obj: Object) -> None:
    if obj["metadata"].get("deletionTimestamp"):
        return
    wanted = int(obj["spec"].get("replicas") or 0)
    digest = f"{obj['metadata']['name']}-{parts.hash_of(obj['spec']['template'])}"
    pods = {_ordinal(pod): pod for pod in world.store.owned(obj, "v1", "Pod")}
    _step(world, obj, pods, wanted, digest)
    living = parts.alive(world.store.owned(obj, "v1", "Pod"))
    updated = [pod for pod in living if pod["metadata"]["labels"].get(HASH) == digest]
    ready = sum(parts.is_ready(pod) for pod in living)
    done = len(updated) == wanted
    before = (obj.get("status") or {}).get("currentRevision", digest)
    world.status(
        obj,
        {
            "observedGeneration": obj["metadata"]["generation"],
            "replicas": len(living),
            "readyReplicas": ready,
            "availableReplicas": ready,
            "currentReplicas": len(updated) if done else len(living) - len(updated),
            "updatedReplicas": len(updated),
            "currentRevision": digest if done else before,
            "updateRevision": digest,
        },
    )


def _step(world: World, obj: Object, pods: dict[int, Object], wanted: int, digest: str) -> None:
    """The first thing to do, if any: fill a gap, take one too many, renew the highest that is old."""
    for number in range(wanted):
        pod = pods.get(number)
        if pod is None:
            return _add(world, obj, number, digest)
        if not parts.is_ready(pod) and pod["metadata"]["labels"].get(HASH) == digest:
            return None
    for number in sorted(pods, reverse=True):
        old = pods[number]["metadata"]["labels"].get(HASH) != digest
        if number >= wanted or old:
            return parts.delete_pod(world, pods[number])
    return None


def _add(world: World, obj: Object, number: int, digest: str) -> None:
    name = f"{obj['metadata']['name']}-{number}"
    _claims(world, obj, name)
    world.store.put(parts.pod_from(obj, obj["spec"]["template"], name, **{HASH: digest}))
    text = f"create Pod {name} in StatefulSet {obj['metadata']['name']} successful"
    world.event(obj, "SuccessfulCreate", text)


def _claims(world: World, obj: Object, pod: str) -> None:
    namespace = obj["metadata"]["namespace"]
    for template in obj["spec"].get("volumeClaimTemplates") or []:
        name = f"{template['metadata']['name']}-{pod}"
        if world.store.find("v1", "PersistentVolumeClaim", namespace, name):
            continue
        metadata = {"name": name, "namespace": namespace, "labels": template["metadata"].get("labels") or {}}
        world.store.put(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": metadata,
                "spec": template.get("spec") or {},
            }
        )


def daemon_set(world: World, obj: Object) -> None:
    digest = parts.hash_of(obj["spec"]["template"])
    pods = {pod["metadata"]["labels"].get("slipway.dev/node"): pod for pod in _pods(world, obj)}
    nodes = [str(node["metadata"]["name"]) for node in world.store.all("v1", "Node")]
    for node in nodes:
        pod = pods.get(node)
        if pod is None:
            _add_on(world, obj, node, digest)
        elif pod["metadata"]["labels"].get(HASH) != digest:
            parts.delete_pod(world, pod)
    living = parts.alive(_pods(world, obj))
    updated = [pod for pod in living if pod["metadata"]["labels"].get(HASH) == digest]
    ready = sum(parts.is_ready(pod) for pod in living)
    world.status(
        obj,
        {
            "observedGeneration": obj["metadata"]["generation"],
            "desiredNumberScheduled": len(nodes),
            "currentNumberScheduled": len(living),
            "updatedNumberScheduled": len(updated),
            "numberReady": ready,
            "numberAvailable": ready,
            "numberUnavailable": len(nodes) - ready,
            "numberMisscheduled": 0,
        },
    )


def _pods(world: World, obj: Object) -> list[Object]:
    return world.store.owned(obj, "v1", "Pod")


def _add_on(world: World, obj: Object, node: str, digest: str) -> None:
    name = f"{obj['metadata']['name']}-{parts.safe_word(world.serial(), 5)}"
    pod = parts.pod_from(obj, obj["spec"]["template"], name, **{HASH: digest, "slipway.dev/node": node})
    tolerant = pod["spec"] | {"tolerations": [{"operator": "Exists", "key": "workload"}], "nodeSelector": {}}
    world.store.put(pod | {"spec": tolerant})

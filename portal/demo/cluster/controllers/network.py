"""What happens to the objects around workloads: addresses, claims, scaling, namespaces, old events."""

import zlib
from typing import Any

from portal.demo.cluster.clock import seconds
from portal.demo.cluster.controllers import parts
from portal.demo.cluster.selectors import matches
from portal.demo.cluster.world import World

Object = dict[str, Any]
EVENT_LIFE = 3600.0


def _address(obj: Object) -> str:
    digest = zlib.crc32(obj["metadata"]["uid"].encode())
    return f"10.96.{digest >> 8 & 255}.{digest % 250 + 2}"


def service(world: World, obj: Object) -> None:
    spec = obj.get("spec") or {}
    if spec.get("type") != "ExternalName" and "clusterIP" not in spec:
        obj = world.store.put(obj | {"spec": spec | {"clusterIP": _address(obj)}})
    if spec.get("type") == "LoadBalancer" and world.waited(obj, "balancer", 3.0):
        world.status(obj, {"loadBalancer": {"ingress": [{"ip": _address(obj).replace("10.96", "203.0", 1)}]}})
    if spec.get("selector"):
        _endpoints(world, obj)


def _selected(world: World, obj: Object) -> list[Object]:
    namespace, wanted = obj["metadata"]["namespace"], {"matchLabels": obj["spec"]["selector"]}
    found = [
        pod
        for pod in parts.alive(world.store.all("v1", "Pod", namespace))
        if matches(wanted, pod["metadata"].get("labels") or {}) and (pod.get("status") or {}).get("podIP")
    ]
    return sorted(found, key=lambda pod: str(pod["metadata"]["name"]))


def _endpoints(world: World, obj: Object) -> None:
    metadata = obj["metadata"]
    name = f"{metadata['name']}-{parts.safe_word(zlib.crc32(metadata['uid'].encode()), 5)}"
    live = world.store.find("discovery.k8s.io/v1", "EndpointSlice", metadata["namespace"], name)
    base = live or parts.child(
        obj,
        "discovery.k8s.io/v1",
        "EndpointSlice",
        name,
        labels={"kubernetes.io/service-name": metadata["name"]},
    )
    endpoints = [
        {
            "addresses": [pod["status"]["podIP"]],
            "conditions": {"ready": parts.is_ready(pod), "serving": parts.is_ready(pod)},
            "targetRef": {"kind": "Pod", "name": pod["metadata"]["name"], "namespace": metadata["namespace"]},
        }
        for pod in _selected(world, obj)
    ]
    ports = [
        {
            "name": port.get("name", ""),
            "port": port.get("targetPort"),
            "protocol": port.get("protocol", "TCP"),
        }
        for port in obj["spec"].get("ports") or []
    ]
    world.store.put(base | {"addressType": "IPv4", "endpoints": endpoints, "ports": ports})


def claim(world: World, obj: Object) -> None:
    if (obj.get("status") or {}).get("phase") == "Bound" or not world.waited(obj, "bind", 0.5):
        return
    spec = obj.get("spec") or {}
    size = ((spec.get("resources") or {}).get("requests") or {}).get("storage", "1Gi")
    bound = {"phase": "Bound", "accessModes": spec.get("accessModes") or [], "capacity": {"storage": size}}
    world.status(obj, bound)


def autoscaler(world: World, obj: Object) -> None:
    target = obj["spec"].get("scaleTargetRef") or {}
    if target.get("kind") not in ("Deployment", "StatefulSet"):
        return
    found = world.store.find("apps/v1", target["kind"], obj["metadata"]["namespace"], target.get("name", ""))
    status = obj.get("status") or {}
    if found is None:
        why = f'unable to get the target\'s current scale: "{target.get("name")}" not found'
        failing = parts.condition(world, status, "AbleToScale", False, "FailedGetScale", why)
        world.status(obj, {"conditions": [failing]})
        world.again(obj, "again", 15.0)
        return
    least = int(obj["spec"].get("minReplicas") or 1)
    if found["spec"].get("replicas", 1) < least:
        found = world.store.put(found | {"spec": found["spec"] | {"replicas": least}})
    replicas = found["spec"].get("replicas", 1)
    conditions = [
        parts.condition(world, status, "AbleToScale", True, "ReadyForNewScale"),
        parts.condition(world, status, "ScalingActive", True, "ValidMetricFound"),
        parts.condition(world, status, "ScalingLimited", False, "DesiredWithinRange"),
    ]
    world.status(obj, {"currentReplicas": replicas, "desiredReplicas": replicas, "conditions": conditions})
    world.again(obj, "again", 15.0)


def disruption_budget(world: World, obj: Object) -> None:
    namespace, spec = obj["metadata"]["namespace"], obj.get("spec") or {}
    pods = [
        pod
        for pod in parts.alive(world.store.all("v1", "Pod", namespace))
        if matches(spec.get("selector"), pod["metadata"].get("labels") or {})
    ]
    healthy = sum(parts.is_ready(pod) for pod in pods)
    if "minAvailable" in spec:
        desired = parts.share(spec["minAvailable"], len(pods), up=True)
    else:
        desired = len(pods) - parts.share(spec.get("maxUnavailable", 1), len(pods), up=False)
    status = {
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "expectedPods": len(pods),
        "disruptionsAllowed": max(0, healthy - desired),
        "observedGeneration": obj["metadata"]["generation"],
    }
    world.status(obj, status)
    world.again(obj, "again", 10.0)


def ingress(world: World, obj: Object) -> None:
    if world.waited(obj, "address", 2.0):
        world.status(obj, {"loadBalancer": {"ingress": [{"ip": "203.0.113.10"}]}})


def namespace(world: World, obj: Object) -> None:
    """Active, or emptied and then gone."""
    if not obj["metadata"].get("deletionTimestamp"):
        world.status(obj, {"phase": "Active"})
        return
    obj = world.status(obj, {"phase": "Terminating"})
    name, left = obj["metadata"]["name"], False
    for kind in world.store.kinds:
        for other in world.store.all(kind.api_version, kind.kind, name) if kind.namespaced else []:
            left = True
            if kind.kind == "Event":
                world.store.drop(other)
            else:
                world.api.remove(kind, other)
    if not left and not obj["metadata"].get("finalizers"):
        world.store.drop(obj)
    elif left:
        world.again(obj, "again", 1.0)


def event(world: World, obj: Object) -> None:
    """Events live for an hour after they were last told."""
    age = world.clock.now() - seconds(obj.get("lastTimestamp") or obj["metadata"]["creationTimestamp"])
    if age >= EVENT_LIFE:
        world.store.drop(obj)
    else:
        world.again(obj, "expire", (EVENT_LIFE - age) * world.pace.speed + 1)

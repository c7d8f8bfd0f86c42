"""What operators would do with their objects: say after a moment that all is well, and leave a Secret."""

from collections.abc import Iterable
from typing import Any

from portal.demo.cluster.controllers import parts
from portal.demo.cluster.world import Reconciler, World

Object = dict[str, Any]
# Seconds until an operator is done, and the condition it then writes.
READY = {
    "ExternalSecret": (1.0, "Ready"),
    "VaultStaticSecret": (1.0, "Ready"),
    "SecretStore": (0.5, "Ready"),
    "Certificate": (2.0, "Ready"),
    "ScaledObject": (1.0, "Ready"),
    "GrafanaDashboard": (1.0, "DashboardSynchronized"),
    "Queue": (1.0, "Ready"),
    "User": (1.0, "Ready"),
    "Permission": (1.0, "Ready"),
}

# What CloudNativePG leaves in the Secret of an application.
APPLICATION = ("host", "port", "dbname", "username", "password", "uri", "jdbc-uri", "pgpass")
NOTHING = "c2ltdWxhdGVk"


def operated(world: World, obj: Object) -> None:
    delay, type_ = READY[obj["kind"]]
    if _is_done(obj) or not world.waited(obj, f"operator-{_generation(obj)}", delay):
        return
    status = obj.get("status") or {}
    ready = parts.condition(world, status, type_, True, "Succeeded")
    world.status(obj, {"observedGeneration": _generation(obj), "conditions": [ready]})
    wanted = _secret_of(obj)
    if wanted and world.store.find("v1", "Secret", obj["metadata"]["namespace"], wanted) is None:
        world.store.put(_secret(obj, wanted, "Opaque", _keys_of(obj)))


def _secret(owner: Object, name: str, type_: str, keys: Iterable[str]) -> Object:
    """With the keys that are read, and nothing worth keeping behind them."""
    return parts.child(owner, "v1", "Secret", name) | {"type": type_, "data": dict.fromkeys(keys, NOTHING)}


def _keys_of(obj: Object) -> list[str]:
    spec = obj.get("spec") or {}
    if obj["kind"] == "ExternalSecret":
        return [str(each.get("secretKey")) for each in spec.get("data") or []]
    return ["username", "password"]


def _secret_of(obj: Object) -> str:
    """The Secret an operator keeps for this object; empty for those that keep none."""
    spec, name = obj.get("spec") or {}, obj["metadata"]["name"]
    found = {
        "ExternalSecret": (spec.get("target") or {}).get("name", name),
        "VaultStaticSecret": (spec.get("destination") or {}).get("name", name),
        "User": f"{name}-user-credentials",
    }
    return str(found.get(obj["kind"], ""))


def postgres(world: World, obj: Object) -> None:
    """A CloudNativePG cluster: set up, then healthy, with the Secret of its application."""
    wanted = int((obj.get("spec") or {}).get("instances") or 1)
    status = obj.get("status") or {}
    if status.get("readyInstances") == wanted:
        return
    if not world.waited(obj, f"operator-{_generation(obj)}", 6.0):
        unready = parts.condition(world, status, "Ready", False, "ClusterIsNotReady", "Cluster Is Not Ready")
        waiting = {"phase": "Setting up primary", "instances": wanted, "conditions": [unready]}
        if status.get("phase") != waiting["phase"]:
            world.status(obj, waiting)
        return
    ready = parts.condition(world, status, "Ready", True, "ClusterIsReady", "Cluster is Ready")
    phase = {"phase": "Cluster in healthy state", "instances": wanted, "readyInstances": wanted}
    world.status(obj, phase | {"conditions": [ready]})
    name, namespace = f"{obj['metadata']['name']}-app", obj["metadata"]["namespace"]
    if world.store.find("v1", "Secret", namespace, name) is None:
        world.store.put(_secret(obj, name, "kubernetes.io/basic-auth", APPLICATION))


def database(world: World, obj: Object) -> None:
    if not _is_done(obj) and world.waited(obj, f"operator-{_generation(obj)}", 1.0):
        world.status(obj, {"applied": True, "observedGeneration": _generation(obj)})


def route(world: World, obj: Object) -> None:
    """Accepted by each gateway it names."""
    status = obj.get("status") or {}
    if _is_done(obj) or not world.waited(obj, f"operator-{_generation(obj)}", 1.0):
        return
    seen = {"observedGeneration": _generation(obj)}
    conditions = [
        parts.condition(world, status, type_, True, type_) | seen for type_ in ("Accepted", "ResolvedRefs")
    ]
    parents = [
        {"parentRef": each, "controllerName": "simulated", "conditions": conditions}
        for each in (obj.get("spec") or {}).get("parentRefs") or []
    ]
    world.status(obj, seen | {"parents": parents})


def _generation(obj: Object) -> int:
    return int(obj["metadata"].get("generation") or 1)


def _is_done(obj: Object) -> bool:
    return (obj.get("status") or {}).get("observedGeneration") == _generation(obj)


RECONCILERS: dict[str, Reconciler] = {
    **dict.fromkeys(READY, operated),
    "Cluster": postgres,
    "Database": database,
    "HTTPRoute": route,
}

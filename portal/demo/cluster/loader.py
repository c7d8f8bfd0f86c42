"""The cluster's first contents: nodes, namespaces, and a tree of manifests that have been there for a while.

`slipway.dev/simulate-age: 6d` on an object says how long ago it was applied; the cluster lives a minute
and a half after each such moment, so that what runs has started and what fails has failed.
"""

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from portal.demo.cluster.api import Target
from portal.demo.cluster.behaviour import PREFIX
from portal.demo.cluster.kinds import BY_KIND
from portal.demo.cluster.quantities import duration
from portal.demo.cluster.rbac import RBAC
from portal.demo.cluster.world import World

Object = dict[str, Any]
YOUNGEST = 600.0
LIVED = 90.0
NODES = {
    "harbour-general-1": {},
    "harbour-general-2": {},
    "harbour-general-3": {},
    "harbour-batch-1": {"workload": "batch"},
}
SYSTEM = ("default", "kube-system")
MANAGER = "slipway"


def read(folder: Path) -> list[Object]:
    """Every object in the YAML files below `folder`; one without a namespace gets its folder's name."""
    found: list[Object] = []
    for path in sorted([*folder.rglob("*.yaml"), *folder.rglob("*.yml")]):
        top = path.relative_to(folder).parts[0]
        for document in yaml.load_all(path.read_text(), Loader=yaml.CSafeLoader):
            if isinstance(document, dict) and (document.get("apiVersion"), document.get("kind")) in BY_KIND:
                if BY_KIND[document["apiVersion"], document["kind"]].namespaced:
                    document["metadata"].setdefault("namespace", top)
                found.append(document)
    return found


def _age(obj: Object) -> float:
    notes = obj["metadata"].get("annotations") or {}
    return max(YOUNGEST, duration(notes.get(f"{PREFIX}age"), YOUNGEST))


def _namespace(name: str) -> Object:
    labels = {"kubernetes.io/metadata.name": name}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def _node(name: str, labels: dict[str, str]) -> Object:
    room = {"cpu": "8", "memory": "32Gi", "pods": "110"}
    taints = [{"key": k, "value": v, "effect": "NoSchedule"} for k, v in labels.items()]
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels | {"kubernetes.io/hostname": name}},
        "spec": {"taints": taints},
        "status": {"allocatable": room, "capacity": room, "conditions": [ready]},
    }


def _administrator() -> Object:
    everything = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    metadata = {"name": "cluster-admin"}
    return {"apiVersion": RBAC, "kind": "ClusterRole", "metadata": metadata, "rules": [everything]}


def prepare(world: World, namespaces: Iterable[str] = ()) -> None:
    """Nodes, namespaces and the administrator's role, if they are not there."""
    wanted = [_node(name, labels) for name, labels in NODES.items()]
    wanted += [_namespace(name) for name in (*SYSTEM, *namespaces)]
    for obj in [*wanted, _administrator()]:
        if not world.store.find(obj["apiVersion"], obj["kind"], "", obj["metadata"]["name"]):
            world.store.put(obj)


def apply(world: World, obj: Object) -> Object:
    kind = BY_KIND[obj["apiVersion"], obj["kind"]]
    target = Target(kind, obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
    return world.api.apply(target, obj, {"fieldManager": MANAGER, "force": "true"})


def load(world: World, objects: list[Object]) -> None:
    """Apply `objects` in the order of their ages and live through the moments after each."""
    now = world.clock.now()
    ordered = sorted(objects, key=_age, reverse=True)
    world.clock.fixed = now - (_age(ordered[0]) if ordered else YOUNGEST) - 86400
    prepare(world, sorted({o["metadata"]["namespace"] for o in ordered if "namespace" in o["metadata"]}))
    for age, group in groupby(ordered, key=_age):
        world.clock.fixed = max(now - age, world.clock.now())
        for obj in group:
            apply(world, obj)
        world.advance(LIVED)
    world.clock.fixed = None
    world.settle()

"""Which node a pod goes to, or why none takes it."""

import zlib
from typing import Any

from portal.demo.cluster.quantities import number
from portal.demo.cluster.world import World

Object = dict[str, Any]


def _requests(pod: Object, resource: str) -> float:
    return sum(
        number(((c.get("resources") or {}).get("requests") or {}).get(resource, ""))
        for c in pod["spec"]["containers"]
    )


def _refusal(pod: Object, node: Object) -> str:
    """Why this node does not take the pod; empty when it does."""
    labels = node["metadata"].get("labels") or {}
    if any(labels.get(k) != v for k, v in (pod["spec"].get("nodeSelector") or {}).items()):
        return "node(s) didn't match Pod's node affinity/selector"
    room = (node.get("status") or {}).get("allocatable") or {}
    for resource in ("cpu", "memory"):
        if _requests(pod, resource) > number(room.get(resource, "0")):
            return f"Insufficient {resource}"
    tolerated = {t.get("key") for t in pod["spec"].get("tolerations") or []}
    for taint in (node.get("spec") or {}).get("taints") or []:
        if taint["key"] not in tolerated:
            return f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}"
    return ""


def choose(world: World, pod: Object) -> tuple[str, str]:
    """A node's name, or an empty one and the scheduler's sentence."""
    nodes = sorted(world.store.all("v1", "Node"), key=lambda node: str(node["metadata"]["name"]))
    refusals = [(_refusal(pod, node), str(node["metadata"]["name"])) for node in nodes]
    fitting = [name for why, name in refusals if not why]
    if fitting:
        return fitting[zlib.crc32(pod["metadata"]["name"].encode()) % len(fitting)], ""
    reasons = [why for why, _ in refusals]
    listed = ", ".join(f"{reasons.count(why)} {why}" for why in sorted(set(reasons)))
    return "", f"0/{len(nodes)} nodes are available: {listed or 'no nodes'}."

"""What pods use, as the metrics server tells it under `metrics.k8s.io`: measured now, kept nowhere.

Memory is what `slipway.dev/simulate-memory` says, else some of what is asked for; CPU is a share of what is
asked for, another for each pod, that rises and falls with the hours of the day.
"""

import math
import zlib
from typing import Any

from portal.demo.cluster.behaviour import PREFIX
from portal.demo.cluster.quantities import number
from portal.demo.cluster.store import Store

Object = dict[str, Any]
VERSION = "metrics.k8s.io/v1beta1"
ROOT = f"/apis/{VERSION}"
KIND, PLURAL = "PodMetrics", "pods"
DAY = 86_400
LEAST_CPU, LEAST_MEMORY = 0.002, 24 * 2**20


def namespace_of(path: str) -> str | None:
    """The namespace whose pods are asked for, "" for all; None for any other address."""
    if path == f"{ROOT}/{PLURAL}":
        return ""
    steps = path.removeprefix(f"{ROOT}/").split("/")
    return steps[1] if path.startswith(ROOT) and steps[::2] == ["namespaces", PLURAL] else None


def listing(store: Store, namespace: str) -> Object:
    pods = [
        pod for pod in store.all("v1", "Pod", namespace) if pod.get("status", {}).get("phase") == "Running"
    ]
    items = [_measured(pod, store.clock.now(), store.clock.stamp()) for pod in pods]
    return {"kind": f"{KIND}List", "apiVersion": VERSION, "metadata": {}, "items": items}


def _measured(pod: Object, now: float, stamp: str) -> Object:
    metadata = {key: pod["metadata"].get(key) for key in ("name", "namespace", "labels")}
    containers = [
        {"name": each["name"], "usage": _usage(pod, each, now)}
        for each in pod["spec"].get("containers") or []
    ]
    return {"metadata": metadata, "timestamp": stamp, "window": "30s", "containers": containers}


def _usage(pod: Object, container: Object, now: float) -> Object:
    asked = (container.get("resources") or {}).get("requests") or {}
    share = _share(f"{pod['metadata']['name']}/{container['name']}")
    tide = 1 + 0.4 * math.sin(2 * math.pi * (now % DAY) / DAY - 2)
    cpu = max(LEAST_CPU, number(asked.get("cpu", "")) * share * tide)
    notes = pod["metadata"].get("annotations") or {}
    said = notes.get(f"{PREFIX}memory.{container['name']}") or notes.get(f"{PREFIX}memory") or ""
    memory = number(said) or max(LEAST_MEMORY, number(asked.get("memory", "")) * (0.4 + share))
    return {"cpu": f"{round(cpu * 1e9)}n", "memory": f"{round(memory / 1024)}Ki"}


def _share(name: str) -> float:
    """From a tenth to two thirds, the same for a name each time."""
    return 0.1 + (zlib.crc32(name.encode()) % 1000) / 1000 * 0.56

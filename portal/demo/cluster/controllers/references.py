"""Secrets and config maps a pod names: what is missing, in the words of a kubelet."""

from collections.abc import Iterator
from typing import Any

from portal.demo.cluster.world import World

Object = dict[str, Any]
WORDS = {"Secret": "secret", "ConfigMap": "configmap"}


def _missing(world: World, kind: str, namespace: str, ref: Object, key: str = "") -> str:
    name = ref.get("name") or ref.get("secretName") or ""
    if ref.get("optional"):
        return ""
    found = world.store.find("v1", kind, namespace, name)
    if found is None:
        return f'{WORDS[kind]} "{name}" not found'
    data = (found.get("data") or {}) | (found.get("stringData") or {}) | (found.get("binaryData") or {})
    if key and key not in data:
        return f"couldn't find key {key} in {kind} {namespace}/{name}"
    return ""


def _env(container: Object) -> Iterator[tuple[str, Object, str]]:
    for source in container.get("envFrom") or []:
        if "secretRef" in source:
            yield "Secret", source["secretRef"], ""
        if "configMapRef" in source:
            yield "ConfigMap", source["configMapRef"], ""
    for variable in container.get("env") or []:
        source = variable.get("valueFrom") or {}
        if "secretKeyRef" in source:
            yield "Secret", source["secretKeyRef"], source["secretKeyRef"].get("key", "")
        if "configMapKeyRef" in source:
            yield "ConfigMap", source["configMapKeyRef"], source["configMapKeyRef"].get("key", "")


def config_trouble(world: World, pod: Object, container: Object) -> str:
    """Why a container's environment cannot be made; empty when it can."""
    namespace = pod["metadata"]["namespace"]
    found = (_missing(world, kind, namespace, ref, key) for kind, ref, key in _env(container))
    return next((trouble for trouble in found if trouble), "")


def mount_trouble(world: World, pod: Object) -> str:
    """Why a volume cannot be mounted; empty when all can."""
    namespace = pod["metadata"]["namespace"]
    for volume in pod["spec"].get("volumes") or []:
        trouble = ""
        if "secret" in volume:
            trouble = _missing(world, "Secret", namespace, volume["secret"])
        elif "configMap" in volume:
            trouble = _missing(world, "ConfigMap", namespace, volume["configMap"])
        if trouble:
            return f'MountVolume.SetUp failed for volume "{volume["name"]}" : {trouble}'
    return ""

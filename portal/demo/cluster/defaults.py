"""What an API server fills in, for the kinds whose controllers run here."""

import base64
import copy
from typing import Any

from portal.demo.cluster.kinds import Kind

Object = dict[str, Any]
ABSENT = {"labels", "annotations", "finalizers", "ownerReferences"}
DATA_KINDS = {"ConfigMap", "Secret"}
POD_TEMPLATES = {"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job"}


def _section(obj: Object, *keys: str) -> Object:
    here = obj
    for key in keys:
        here = here.setdefault(key, {})
    return here


def template_of(obj: Object) -> Object | None:
    """The pod template of a workload, wherever its kind keeps it."""
    spec = obj.get("spec") or {}
    if obj["kind"] in POD_TEMPLATES:
        return spec.get("template")
    if obj["kind"] == "CronJob":
        return ((spec.get("jobTemplate") or {}).get("spec") or {}).get("template")
    return None


def _default_pod(spec: Object, restart: str) -> None:
    spec.setdefault("restartPolicy", restart)
    spec.setdefault("terminationGracePeriodSeconds", 30)
    for container in spec.get("containers") or []:
        tagged = ":" in container.get("image", "").rpartition("/")[2]
        container.setdefault("imagePullPolicy", "IfNotPresent" if tagged else "Always")
        for port in container.get("ports") or []:
            port.setdefault("protocol", "TCP")


def _deployment(spec: Object) -> None:
    for key, value in (("replicas", 1), ("revisionHistoryLimit", 10), ("progressDeadlineSeconds", 600)):
        spec.setdefault(key, value)
    strategy = spec.setdefault("strategy", {"type": "RollingUpdate"})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxSurge", "25%")
        rolling.setdefault("maxUnavailable", "25%")


def _service(spec: Object) -> None:
    spec.setdefault("type", "ClusterIP")
    for port in spec.get("ports") or []:
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))


def _job(spec: Object) -> None:
    for key, value in (("backoffLimit", 6), ("completions", 1), ("parallelism", 1)):
        spec.setdefault(key, value)


def _replicas(spec: Object) -> None:
    spec.setdefault("replicas", 1)


SPEC_DEFAULTS = {
    "Deployment": _deployment,
    "Service": _service,
    "Job": _job,
    "StatefulSet": _replicas,
    "ReplicaSet": _replicas,
}


def _secret(obj: Object) -> Object:
    """What was written as text is kept in base64."""
    plain = {k: base64.b64encode(str(v).encode()).decode() for k, v in (obj.get("stringData") or {}).items()}
    full = {"type": "Opaque"} | {key: value for key, value in obj.items() if key != "stringData"}
    return full | {"data": (obj.get("data") or {}) | plain}


def trimmed(kind: Kind, obj: Object) -> Object:
    """`obj` without the maps and lists that an API server takes for absent when they are empty."""
    metadata = {key: value for key, value in obj["metadata"].items() if value or key not in ABSENT}
    empty = {"data", "binaryData", "stringData"} if kind.builtin and kind.kind in DATA_KINDS else set()
    kept = {key: value for key, value in obj.items() if value or key not in empty}
    return kept | {"metadata": metadata}


def with_defaults(kind: Kind, obj: Object) -> Object:
    """A copy with the server's defaults; custom resources stay as they are."""
    if kind.builtin and kind.kind == "Secret":
        return trimmed(kind, _secret(obj))
    if not kind.builtin or not isinstance(obj.get("spec"), dict):
        return obj
    full = copy.deepcopy(obj)
    if fill := SPEC_DEFAULTS.get(kind.kind):
        fill(full["spec"])
    template = template_of(full)
    if template is not None:
        _default_pod(_section(template, "spec"), "Never" if kind.kind in ("Job", "CronJob") else "Always")
    if kind.kind == "Pod":
        _default_pod(full["spec"], "Always")
    return full

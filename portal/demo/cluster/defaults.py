"""What an API server fills in and what it refuses, for the kinds whose controllers run here."""

import copy
import re
from collections.abc import Iterator
from typing import Any

from portal.demo.cluster.kinds import Kind
from portal.demo.cluster.selectors import matches

Object = dict[str, Any]
Problem = tuple[str, str]
_NAME = re.compile(r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$")
_IMAGE = re.compile(r"^[\w.\-/:@]+$")
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


def with_defaults(kind: Kind, obj: Object) -> Object:
    """A copy with the server's defaults; custom resources stay as they are."""
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


def _containers(template: Object) -> Iterator[Problem]:
    containers = (template.get("spec") or {}).get("containers")
    if not isinstance(containers, list) or not containers:
        yield "spec.template.spec.containers", "Required value"
        return
    for index, container in enumerate(containers):
        at = f"spec.template.spec.containers[{index}]"
        if not isinstance(container, dict) or not container.get("name"):
            yield f"{at}.name", "Required value"
        elif not _IMAGE.match(str(container.get("image") or "")):
            yield f"{at}.image", "Required value"


def _selector(obj: Object, template: Object) -> Iterator[Problem]:
    selector = obj["spec"].get("selector")
    if not selector:
        yield "spec.selector", "Required value"
    elif not matches(selector, (template.get("metadata") or {}).get("labels") or {}):
        yield "spec.template.metadata.labels", "Invalid value: `selector` does not match template `labels`"


def problems(kind: Kind, obj: Object, live: Object | None) -> list[Problem]:
    """Pairs of field and sentence; empty when the object is valid."""
    found: list[Problem] = []
    if not _NAME.match(obj["metadata"]["name"]):
        found.append(("metadata.name", f"Invalid value: {obj['metadata']['name']!r}: not a DNS-1123 name"))
    template = template_of(obj) if kind.builtin else None
    if kind.kind in POD_TEMPLATES and kind.builtin and template is None:
        found.append(("spec.template", "Required value"))
    if template is not None:
        found += _containers(template)
    if template is not None and kind.kind in ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"):
        found += _selector(obj, template)
    if live and kind.kind == "Deployment" and obj["spec"].get("selector") != live["spec"].get("selector"):
        found.append(("spec.selector", "Invalid value: field is immutable"))
    return found

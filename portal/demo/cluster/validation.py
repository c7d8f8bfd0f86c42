"""What an API server refuses in an object it could read, for the kinds whose controllers run here."""

import re
from collections.abc import Iterator
from typing import Any

from portal.demo.cluster import custom
from portal.demo.cluster.defaults import POD_TEMPLATES, template_of
from portal.demo.cluster.kinds import Kind
from portal.demo.cluster.selectors import matches
from portal.demo.cluster.status import Problem

Object = dict[str, Any]
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
# Names that may hold more: `system:masters` is a role binding.
_PATH_NAME = re.compile(r"[^/%]+")
_IMAGE = re.compile(r"[\w.\-/:@]+")
_PART = r"([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]"
_QUALIFIED = re.compile(rf"({_LABEL}(\.{_LABEL})*/)?{_PART}")
_VALUE = re.compile(rf"({_PART})?")
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
DATA_LIMIT = 1024 * 1024
STANDARD_FINALIZERS = {"foregroundDeletion", "orphan", "kubernetes"}


def problems(kind: Kind, obj: Object, live: Object | None) -> list[Problem]:
    """Empty when the object is valid."""
    found = [*_metadata(kind, obj["metadata"], live)]
    if not kind.builtin:
        return found
    if kind.kind in ("ConfigMap", "Secret"):
        found += _data(obj)
    if kind.kind == "CustomResourceDefinition":
        found += custom.definition_problems(obj)
    if kind.kind == "Event":
        found += _event(obj)
    return [*found, *_workload(kind, obj, live)]


def _metadata(kind: Kind, metadata: Object, live: Object | None) -> Iterator[Problem]:
    name = metadata["name"]
    allowed = _PATH_NAME if kind.group == "rbac.authorization.k8s.io" else _NAME
    if not name:
        yield "metadata.name", "Required value: name or generateName is required"
    elif len(name) > 253 or not allowed.fullmatch(name):
        yield "metadata.name", f'Invalid value: "{name[:80]}": not a lowercase RFC 1123 subdomain'
    for key, value in (metadata.get("labels") or {}).items():
        if not _QUALIFIED.fullmatch(key):
            yield "metadata.labels", f'Invalid value: "{key}": not a qualified name'
        elif not (len(str(value)) <= 63 and _VALUE.fullmatch(str(value))):
            yield "metadata.labels", f'Invalid value: "{value}": not a valid label'
    yield from _finalizers(metadata.get("finalizers") or [], live["metadata"] if live else {})


def _finalizers(wanted: list[str], live: Object) -> Iterator[Problem]:
    for index, name in enumerate(wanted):
        if "/" not in name and name not in STANDARD_FINALIZERS:
            said = f'Invalid value: "{name}": name is neither a standard finalizer name nor fully qualified'
            yield f"metadata.finalizers[{index}]", said
    new = [name for name in wanted if name not in (live.get("finalizers") or [])]
    if new and live.get("deletionTimestamp"):
        said = "Forbidden: no new finalizers can be added if the object is being deleted"
        yield "metadata.finalizers", f"{said}, found new finalizers {new}"


def _data(obj: Object) -> Iterator[Problem]:
    data = (obj.get("data") or {}) | (obj.get("binaryData") or {})
    for key in data:
        if not _KEY.fullmatch(key):
            yield (
                f"data[{key}]",
                f'Invalid value: "{key}": a valid config key consists of alphanumerics, - _ .',
            )
    if sum(len(str(value)) for value in data.values()) > DATA_LIMIT:
        yield "[]", f"Too long: must have at most {DATA_LIMIT} bytes"


def _event(obj: Object) -> Iterator[Problem]:
    named = (obj.get("involvedObject") or {}).get("namespace", "")
    if named and named != obj["metadata"].get("namespace"):
        yield "involvedObject.namespace", f'Invalid value: "{named}": does not match event.namespace'


def _workload(kind: Kind, obj: Object, live: Object | None) -> Iterator[Problem]:
    template = template_of(obj)
    if kind.kind in POD_TEMPLATES and template is None:
        yield "spec.template", "Required value"
    if template is not None:
        yield from _containers(template)
    if template is None or kind.kind not in ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"):
        return
    yield from _running(obj, template)
    if live and kind.kind == "Deployment" and obj["spec"].get("selector") != live["spec"].get("selector"):
        yield "spec.selector", "Invalid value: field is immutable"


def _containers(template: Object) -> Iterator[Problem]:
    containers = (template.get("spec") or {}).get("containers")
    if not isinstance(containers, list) or not containers:
        yield "spec.template.spec.containers", "Required value"
        return
    for index, container in enumerate(containers):
        at = f"spec.template.spec.containers[{index}]"
        if not isinstance(container, dict) or not container.get("name"):
            yield f"{at}.name", "Required value"
        elif not _IMAGE.fullmatch(str(container.get("image") or "")):
            yield f"{at}.image", "Required value"
        else:
            yield from _ports(container, at)


def _ports(container: Object, at: str) -> Iterator[Problem]:
    for index, port in enumerate(container.get("ports") or []):
        number = port.get("containerPort")
        if not isinstance(number, int) or not 0 < number < 65536:
            said = f"Invalid value: {number}: must be between 1 and 65535, inclusive"
            yield f"{at}.ports[{index}].containerPort", said


def _running(obj: Object, template: Object) -> Iterator[Problem]:
    """What holds for pods that are to run for good."""
    selector, replicas = obj["spec"].get("selector"), obj["spec"].get("replicas", 1)
    restart = (template.get("spec") or {}).get("restartPolicy", "Always")
    if isinstance(replicas, int) and replicas < 0:
        yield "spec.replicas", f"Invalid value: {replicas}: must be greater than or equal to 0"
    if restart != "Always":
        said = f'Unsupported value: "{restart}": supported values: "Always"'
        yield "spec.template.spec.restartPolicy", said
    if not selector:
        yield "spec.selector", "Required value"
    if not matches(selector, (template.get("metadata") or {}).get("labels") or {}):
        yield "spec.template.metadata.labels", "Invalid value: `selector` does not match template `labels`"

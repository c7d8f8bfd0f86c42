"""Finding one's way in Kubernetes objects: where the pods are, what a selector selects."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from services.manifests import pointers
from services.manifests.pointers import Path

Object = Mapping[str, Any]

TEMPLATED: Path = ("spec", "template", "spec")
POD_SPECS: dict[str, Path] = {
    "Pod": ("spec",),
    "PodTemplate": ("template", "spec"),
    "Deployment": TEMPLATED,
    "StatefulSet": TEMPLATED,
    "DaemonSet": TEMPLATED,
    "ReplicaSet": TEMPLATED,
    "ReplicationController": TEMPLATED,
    "Job": TEMPLATED,
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}
LONG_RUNNING = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")
CONTAINER_LISTS = ("containers", "initContainers", "ephemeralContainers")


def kind(obj: Object) -> str:
    return str(obj.get("kind", ""))


def group(obj: Object) -> str:
    return str(obj.get("apiVersion", "")).rpartition("/")[0]


def name(obj: Object) -> str:
    return str(pointers.find(obj, ("metadata", "name"), ""))


def namespace(obj: Object) -> str:
    return str(pointers.find(obj, ("metadata", "namespace")) or "")


def labels(obj: Object) -> Mapping[str, Any]:
    return pointers.mapping(obj, ("metadata", "labels"))


def pod_path(obj: Object) -> Path | None:
    """Where this object keeps the spec of its pods, if it has pods."""
    path = POD_SPECS.get(kind(obj))
    return path if path and isinstance(pointers.find(obj, path), pointers.MAPPINGS) else None


def pod_spec(obj: Object) -> Mapping[str, Any]:
    path = pod_path(obj)
    return pointers.mapping(obj, path) if path else {}


def pod_labels(obj: Object) -> Mapping[str, Any]:
    """The labels its pods carry."""
    path = pod_path(obj)
    return pointers.mapping(obj, (*path[:-1], "metadata", "labels")) if path else {}


def containers(obj: Object, *lists: str) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Each container with its place; `lists` narrows to `containers` alone or whatever is named."""
    path = pod_path(obj)
    if path is None:
        return
    for which in lists or CONTAINER_LISTS:
        yield from entries(obj, (*path, which))


def entries(obj: Object, path: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The mappings in the list at the path, each with its place."""
    found = pointers.find(obj, path)
    for index, item in enumerate(found if isinstance(found, list) else []):
        if isinstance(item, pointers.MAPPINGS):
            yield (*path, index), item


def walk(data: Any, pattern: Sequence[str], at: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value at a pattern such as ("spec", "ports", "*", "protocol"); `*` is each entry."""
    if not pattern:
        yield at, data
        return
    step, rest = pattern[0], pattern[1:]
    for key, value in _steps(data, step):
        yield from walk(value, rest, (*at, key))


def _steps(data: Any, step: str) -> Iterator[tuple[str | int, Any]]:
    if isinstance(data, pointers.MAPPINGS):
        if step == "*":
            yield from data.items()
        elif step in data:
            yield step, data[step]
    elif isinstance(data, list) and step == "*":
        yield from enumerate(data)


def selects(selector: Any, having: Mapping[str, Any]) -> bool:
    """Whether a LabelSelector selects these labels; an absent selector selects nothing, an empty one all."""
    if not isinstance(selector, Mapping):
        return False
    wanted = pointers.mapping(selector, ("matchLabels",))
    if any(having.get(key) != value for key, value in wanted.items()):
        return False
    return all(_expression_holds(each, having) for _, each in entries(selector, ("matchExpressions",)))


def _expression_holds(expression: Mapping[str, Any], having: Mapping[str, Any]) -> bool:
    key, operator = str(expression.get("key")), expression.get("operator")
    given = expression.get("values")
    values = given if isinstance(given, list) else []
    if operator == "In":
        return having.get(key) in values
    if operator == "NotIn":
        return having.get(key) not in values
    return (key in having) == (operator == "Exists")

"""Amounts: spelling, units that are surely a slip, and requests above their limits."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from services.manifests import pointers, quantities
from services.manifests.objects import Object, containers, kind, pod_path, walk
from services.manifests.pointers import Path
from services.manifests.problems import Problem, Rule

BAD_QUANTITY = Rule(
    "bad-quantity",
    "An amount Kubernetes cannot read",
    "Amounts are a number with a unit such as 250m (CPU), 128Mi or 2Gi (memory); anything else is refused.",
    {"": "block"},
)
ODD_QUANTITY = Rule(
    "odd-quantity",
    "An amount that is surely not meant",
    "A memory limit in thousandths of a byte, or a CPU request of millions of cores, is accepted by the API"
    " and then no pod starts.",
    {"": "warn"},
    (5, 6),
)
OVER_LIMIT = Rule(
    "request-over-limit",
    "A request above its limit",
    "The API refuses a container that asks for more than it may use.",
    {"": "block"},
    (2,),
)

AMOUNTS: dict[str, tuple[str, ...]] = {
    "PersistentVolumeClaim": ("spec.resources.requests.*", "spec.resources.limits.*"),
    "PersistentVolume": ("spec.capacity.*",),
    "StatefulSet": ("spec.volumeClaimTemplates.*.spec.resources.requests.*",),
    "ResourceQuota": ("spec.hard.*",),
    "LimitRange": tuple(
        f"spec.limits.*.{field}.*"
        for field in ("default", "defaultRequest", "max", "min", "maxLimitRequestRatio")
    ),
    "HorizontalPodAutoscaler": (
        "spec.metrics.*.resource.target.averageValue",
        "spec.metrics.*.pods.target.averageValue",
        "spec.metrics.*.external.target.averageValue",
        "spec.metrics.*.external.target.value",
    ),
}
SPELLINGS = {
    "kb": "k",
    "mb": "M",
    "gb": "G",
    "tb": "T",
    "kib": "Ki",
    "mib": "Mi",
    "gib": "Gi",
    "tib": "Ti",
    "ki": "Ki",
    "mi": "Mi",
    "gi": "Gi",
    "ti": "Ti",
    "g": "G",
    "b": "",
    "": "",
}
_LOOSE = re.compile(r"\s*([0-9]*[.,]?[0-9]+)\s*([A-Za-z]*)\s*\Z")


def amounts(obj: Object) -> Iterator[Problem]:
    for pattern in AMOUNTS.get(kind(obj), ()):
        for path, value in walk(obj, pattern.split(".")):
            yield from _readable(path, value)
    pod = pod_path(obj)
    for path, value in (
        walk(pointers.find(obj, pod), ("volumes", "*", "emptyDir", "sizeLimit")) if pod else ()
    ):
        yield from _readable((*(pod or ()), *path), value)


def container_amounts(obj: Object) -> Iterator[Problem]:
    for path, container in containers(obj):
        resources = container.get("resources")
        for which in ("requests", "limits") if isinstance(resources, Mapping) else ():
            for at, value in walk(resources, (which, "*")):
                place = (*path, "resources", *at)
                yield from _readable(place, value)
                yield from _odd(place, str(at[-1]), value)


def requests_within_limits(obj: Object) -> Iterator[Problem]:
    for path, container in containers(obj):
        requests = _mapping(pointers.find(container, ("resources", "requests")))
        limits = _mapping(pointers.find(container, ("resources", "limits")))
        for name in sorted(requests.keys() & limits.keys()):
            request, limit = _number(requests[name]), _number(limits[name])
            if request is not None and limit is not None and request > limit:
                yield _over(path, name, requests[name], limits[name])


def _over(path: Path, name: str, request: Any, limit: Any) -> Problem:
    place = (*path, "resources", "requests", name)
    message = f"{name} request {request} is above the limit {limit}"
    return Problem(OVER_LIMIT, place, message, {place: limit}, f"Request {limit}, the limit")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> Decimal | None:
    return quantities.parse(value) if quantities.is_quantity(value) else None


def _readable(path: Path, value: Any) -> Iterator[Problem]:
    if value is None or not isinstance(value, str | int | float) or quantities.is_quantity(value):
        return
    message = f"{pointers.text(path)}: {value!r} is not an amount such as 250m, 128Mi or 2Gi"
    better = spelt(str(value))
    if better is None:
        yield Problem(BAD_QUANTITY, path, message)
    else:
        yield Problem(BAD_QUANTITY, path, message, {path: better}, f"Write {better}")


def spelt(value: str) -> str | None:
    """What was meant by `12Gb`, `512 mb` or `1,5Gi`; None where that is a guess."""
    match = _LOOSE.match(value)
    unit = SPELLINGS.get(match[2].lower()) if match else None
    better = f"{match[1].replace(',', '.')}{unit}" if match and unit is not None else ""
    return better if quantities.is_quantity(better) else None


def _odd(path: Path, name: str, value: Any) -> Iterator[Problem]:
    number = _number(value)
    if number is None or number <= 0:
        return
    where = pointers.text(path)
    if name == "memory" and number < 1024:
        text = str(value).rstrip("m")
        message = f"{where}: {value} is {number.normalize():f} bytes of memory; {text}Mi is meant?"
        yield Problem(ODD_QUANTITY, path, message, {path: f"{text}Mi"}, f"Write {text}Mi")
    if name == "cpu" and number > 1024:
        text = re.sub(r"[A-Za-z]+\Z", "", str(value))
        message = f"{where}: {value} is {number:f} cores; {text}m (thousandths of a core) is meant?"
        yield Problem(ODD_QUANTITY, path, message, {path: f"{text}m"}, f"Write {text}m")


CHECKS = (amounts,)
OF_PODS = (container_amounts, requests_within_limits)

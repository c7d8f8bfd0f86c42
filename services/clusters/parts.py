"""What stands around the workloads of a service: who scales it, keeps it, reaches it, gives it room."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from services.clusters.models import KubeObject

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """One object in one line."""

    kind: str
    name: str
    says: str
    health: str
    message: str


def _autoscaler(spec: Json, status: Json) -> str:
    bounds = f"{spec.get('minReplicas', 1)} to {spec.get('maxReplicas', '?')} replicas"
    by = ", ".join(filter(None, (_metric(each, status) for each in spec.get("metrics") or [])))
    return f"{status.get('currentReplicas', 0)} of {bounds}{f', by {by}' if by else ''}"


def _metric(metric: Json, status: Json) -> str:
    source = metric.get("resource") or {}
    name, wanted = source.get("name"), (source.get("target") or {}).get("averageUtilization")
    if not name:
        return str(metric.get("type") or "").lower()
    now = next((_used(each) for each in status.get("currentMetrics") or [] if _named(each) == name), None)
    return f"{name} {now if now is not None else '?'} % of {wanted} %"


def _named(metric: Json) -> str:
    return str((metric.get("resource") or {}).get("name") or "")


def _used(metric: Json) -> Any:
    return ((metric.get("resource") or {}).get("current") or {}).get("averageUtilization")


def _budget(spec: Json, status: Json) -> str:
    healthy, wanted = status.get("currentHealthy", 0), status.get("desiredHealthy", 0)
    return f"{status.get('disruptionsAllowed', 0)} may be away now; {healthy} healthy, {wanted} must be"


def _service(spec: Json, status: Json) -> str:
    ports = ", ".join(f"{each.get('port')} to {each.get('targetPort')}" for each in spec.get("ports") or [])
    return f"{spec.get('type') or 'ClusterIP'}{f', port {ports}' if ports else ''}"


def _ingress(spec: Json, status: Json) -> str:
    hosts = [str(each.get("host") or "any host") for each in spec.get("rules") or []]
    return ", ".join(dict.fromkeys(hosts)) or "no host"


def _claim(spec: Json, status: Json) -> str:
    having = (status.get("capacity") or {}).get("storage")
    asked = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    return f"{having or asked or '?'} of {spec.get('storageClassName') or 'the default class'}"


def _quota(spec: Json, status: Json) -> str:
    used, hard = status.get("used") or {}, status.get("hard") or {}
    return ", ".join(f"{key} {used.get(key, 0)} of {most}" for key, most in sorted(hard.items()))


SAYS: dict[str, Callable[[Json, Json], str]] = {
    "HorizontalPodAutoscaler": _autoscaler,
    "PodDisruptionBudget": _budget,
    "Service": _service,
    "Ingress": _ingress,
    "PersistentVolumeClaim": _claim,
    "ResourceQuota": _quota,
}
TITLES = {
    "HorizontalPodAutoscaler": "Autoscaler",
    "PodDisruptionBudget": "Budget",
    "PersistentVolumeClaim": "Volume",
    "ResourceQuota": "Quota",
}


def parts_of(rows: Iterable[KubeObject]) -> list[Part]:
    """In the order of the kinds above, each by name."""
    known = [row for row in rows if row.kind in SAYS]
    known.sort(key=lambda row: (list(SAYS).index(row.kind), row.name))
    return [_part(row) for row in known]


def _part(row: KubeObject) -> Part:
    says = SAYS[row.kind](row.spec, row.status)
    return Part(TITLES.get(row.kind, row.kind), row.name, says, row.health, row.health_message)


def resources_of(spec: Json) -> str:
    """What a container asks for and may use at most."""
    given = spec.get("resources") or {}
    asks, most = _amounts(given.get("requests")), _amounts(given.get("limits"))
    said = [f"asks for {asks}" if asks else "asks for nothing", f"at most {most}" if most else "no limit"]
    return ", ".join(said)


def _amounts(given: Any) -> str:
    names = {"cpu": "CPU", "memory": "memory"}
    return " and ".join(f"{amount} {names.get(key, key)}" for key, amount in sorted((given or {}).items()))

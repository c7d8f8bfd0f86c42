"""The manifests of the demo company, made from `company/workloads.yaml`.

`tree()` is what the deploy repository holds.
"""

from collections.abc import Iterator
from typing import Any

from portal.demo import company
from portal.demo.company import Place
from portal.demo.history import plan
from services.manifests import emit

Manifest = dict[str, Any]


def tree() -> dict[str, str]:
    """Path in the deploy repository -> text, one object per file."""
    files = {}
    for place in company.PLACES:
        for name in company.workloads():
            files.update(service_files(name, place))
        files.update(_shared_files(place))
    return files


def service_files(name: str, place: Place, row: Manifest | None = None) -> dict[str, str]:
    """The files of one service in one environment; `row` is its entry at another time."""
    folder = f"apps/{company.workloads()[name]['team']}/{name}/{place.name}"
    return {f"{folder}/{_file_name(doc)}": dump(doc) for doc in objects_of(name, place, row)}


def dump(doc: Manifest) -> str:
    return emit.dump([doc])


def objects_of(name: str, place: Place, row: Manifest | None = None) -> list[Manifest]:
    """Deployment, Service, disruption budget, autoscaler and Ingress, as far as the service has them."""
    row = settings_of(name, place, row)
    made = [_deployment(name, row, place), _service(name, row, place), _ingress(name, row, place)]
    if place.is_production:
        made += [_budget(name, row, place), _autoscaler(name, row, place)]
    return [doc for doc in made if doc is not None]


def settings_of(name: str, place: Place, row: Manifest | None = None) -> Manifest:
    """The entry of a service with what is different in this environment folded in."""
    row = dict(row or company.workloads()[name])
    different = row.pop("staging", {}) if not place.is_production else {}
    row.pop("staging", None)
    secrets = {**row.get("secrets", {}), **different.get("secrets", {})}
    return {**row, **different, "secrets": secrets}


def _shared_files(place: Place) -> dict[str, str]:
    files = {}
    for name, docs in company.shared_manifests(place).items():
        team = docs[0]["metadata"]["labels"]["slipway.dev/team"]
        for doc in docs:
            files[f"apps/{team}/{name}/{place.name}/{_file_name(doc)}"] = dump(doc)
    return files


def _file_name(doc: Manifest) -> str:
    return f"{doc['kind'].lower()}.yaml"


def _labels(name: str, row: Manifest) -> dict[str, str]:
    labels = {"app.kubernetes.io/instance": name, "app.kubernetes.io/name": name}
    if "onboarded" in row:
        labels["app.kubernetes.io/managed-by"] = "slipway"
    return dict(sorted({**labels, "slipway.dev/team": row["team"]}.items()))


def _metadata(name: str, row: Manifest, place: Place, *, changes: bool = False) -> Manifest:
    """`changes`: later requests touched this object too, so it names the last of them."""
    every = {"slipway.dev/entity": f"component:default/{name}"}
    if "onboarded" in row:
        requests = plan.live_numbers(name)
        last = row.get("request") or f"R-{requests[-1]}"
        every["slipway.dev/request"] = last if changes else f"R-{requests[0]}"
    return {
        "name": name,
        "namespace": place.namespace,
        "labels": _labels(name, row),
        "annotations": dict(sorted(every.items())),
    }


def _deployment(name: str, row: Manifest, place: Place) -> Manifest:
    replicas = {} if place.is_production and "autoscale" in row else {"replicas": _replicas(row, place)}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(name, row, place, changes=True),
        "spec": {
            **replicas,
            "revisionHistoryLimit": 5,
            "progressDeadlineSeconds": 600,
            "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {
                "metadata": {
                    "labels": _labels(name, row),
                    "annotations": _simulated(row),
                },
                "spec": _pod(name, row, place),
            },
        },
    }


def _simulated(row: Manifest) -> dict[str, str]:
    """How the program behaves in the simulated cluster; a real one ignores it."""
    notes = {"slipway.dev/simulate-memory": f"{row['uses']}Mi"}
    return notes | ({"slipway.dev/simulate-readiness": row["readiness"]} if "readiness" in row else {})


def _replicas(row: Manifest, place: Place) -> int:
    return int(row["replicas"][1 if place.is_production else 0])


def _pod(name: str, row: Manifest, place: Place) -> Manifest:
    return {
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "topologySpreadConstraints": [
            _spread(name, key) for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
        ],
        "dnsConfig": {"options": [{"name": "ndots", "value": "2"}]},
        "containers": [_container(name, row, place)],
    }


def _spread(name: str, key: str) -> Manifest:
    return {
        "maxSkew": 1,
        "topologyKey": key,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"app.kubernetes.io/name": name}},
        "matchLabelKeys": ["pod-template-hash"],
    }


def _container(name: str, row: Manifest, place: Place) -> Manifest:
    ports = {"ports": [{"name": "http", "containerPort": row["port"]}]} if "port" in row else {}
    return {
        "name": name,
        "image": f"{company.REGISTRY}/{name}:{row['version']}",
        "imagePullPolicy": "IfNotPresent",
        **ports,
        "env": list(_environment(row, place)),
        "resources": _resources(row, place),
        **_probes(row),
        "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def _environment(row: Manifest, place: Place) -> Iterator[Manifest]:
    for key, value in sorted(row.get("config", {}).items()):
        yield {"name": key, "value": value.format(ns=place.namespace, zone=place.zone)}
    for key, reference in sorted(row["secrets"].items()):
        secret, _, secret_key = reference.partition("/")
        yield {"name": key, "valueFrom": {"secretKeyRef": {"name": secret, "key": secret_key}}}


def _resources(row: Manifest, place: Place) -> Manifest:
    request, limit = row["memory"]
    if not place.is_production:
        return {
            "requests": {"cpu": "10m", "memory": "64Mi"},
            "limits": {"memory": f"{max(256, request * 4)}Mi"},
        }
    return {
        "requests": {"cpu": f"{row['cpu']}m", "memory": f"{request}Mi"},
        "limits": {"memory": f"{limit}Mi"},
    }


def _probes(row: Manifest) -> Manifest:
    def check(path: str, command: str) -> Manifest:
        if "port" in row:
            return {"httpGet": {"path": path, "port": "http"}}
        return {"exec": {"command": ["/app/health", command]}}

    return {
        "startupProbe": {**check("/readyz", "ready"), "periodSeconds": 5, "failureThreshold": 24},
        "readinessProbe": {**check("/readyz", "ready"), "periodSeconds": 10},
        "livenessProbe": {**check("/livez", "alive"), "periodSeconds": 20},
    }


def _service(name: str, row: Manifest, place: Place) -> Manifest | None:
    if "port" not in row:
        return None
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(name, row, place),
        "spec": {
            "selector": {"app.kubernetes.io/name": name},
            "ports": [{"name": "http", "port": 80, "targetPort": "http"}],
        },
    }


def _ingress(name: str, row: Manifest, place: Place) -> Manifest | None:
    if "host" not in row:
        return None
    host = f"{row['host']}.{place.zone}"
    backend = {"service": {"name": name, "port": {"name": "http"}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": _metadata(name, row, place),
        "spec": {
            "ingressClassName": "public",
            "tls": [{"hosts": [host], "secretName": f"{name}-tls"}],
            "rules": [
                {
                    "host": host,
                    "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]},
                }
            ],
        },
    }


def _budget(name: str, row: Manifest, place: Place) -> Manifest:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": _metadata(name, row, place),
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
        },
    }


def _autoscaler(name: str, row: Manifest, place: Place) -> Manifest | None:
    if "autoscale" not in row:
        return None
    target = {"type": "Utilization", "averageUtilization": 70}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": _metadata(name, row, place),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": max(3, _replicas(row, place)),
            "maxReplicas": row["autoscale"],
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        },
    }

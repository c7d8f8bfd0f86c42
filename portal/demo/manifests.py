"""The manifests of the demo company: what the deploy repository holds below `apps/`.

Services that came through Slipway are rendered by the blueprint they came with. The others were written by
hand before, and are made here from `company/workloads.yaml`; the queue and the cache are files of their own.
"""

from typing import Any

from portal.demo import company, forms
from portal.demo.company import Place
from portal.demo.history.plan import stuck_request
from services.manifests import emit
from services.onboarding.blueprints.model import Evaluation

Manifest = dict[str, Any]


def tree() -> dict[str, str]:
    """Path in the deploy repository -> text, one object per file."""
    files = {}
    for name in company.workloads():
        files.update(files_of(name))
    for place in company.PLACES:
        files.update(_shared_files(place))
    return files


def files_of(name: str) -> dict[str, str]:
    """What one service has in the repository today, in all environments."""
    if name == stuck_request().service:
        return rendered(forms.evaluation_of(stuck_request().number))
    if "onboarded" in company.workloads()[name]:
        return {**rendered(forms.today(name)), **trial_in_staging(name)}
    return {path: text for place in company.PLACES for path, text in _written_by_hand(name, place).items()}


def rendered(evaluation: Evaluation) -> dict[str, str]:
    """The files of a form, without the descriptor: teams have written more into theirs since."""
    return {path: text for path, text in evaluation.files.items() if not path.startswith("catalog/")}


def trial_in_staging(name: str) -> dict[str, str]:
    """The Deployment of a version that is tried in staging and known to no form yet."""
    row = company.workloads()[name]
    if "staging" not in row:
        return {}
    path = f"apps/{row['team']}/{name}/staging/deployment.yaml"
    text = forms.today(name).files[path]
    doc = emit.load_all(text)[0].data
    container = doc["spec"]["template"]["spec"]["containers"][0]
    container["image"] = f"{company.REGISTRY}/{name}:{row['staging']['version']}"
    container["env"] += _secrets(row["staging"].get("secrets", {}))
    comment = "\n".join(line.removeprefix("# ") for line in text.splitlines() if line.startswith("# "))
    return {path: emit.dump([doc], comment)}


def dump(doc: Manifest) -> str:
    return emit.dump([doc])


def _written_by_hand(name: str, place: Place) -> dict[str, str]:
    """Deployment, Service, disruption budget, autoscaler and Ingress, as far as the service has them."""
    row = company.workloads()[name]
    made = [_deployment(name, row, place), _service(name, row, place), _ingress(name, row, place)]
    if place.is_production:
        made += [_budget(name, row, place), _autoscaler(name, row, place)]
    folder = f"apps/{row['team']}/{name}/{place.name}"
    return {f"{folder}/{_file_name(doc)}": dump(doc) for doc in made if doc is not None}


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
    return {
        "app.kubernetes.io/instance": name,
        "app.kubernetes.io/name": name,
        "slipway.dev/team": row["team"],
    }


def _metadata(name: str, row: Manifest, place: Place) -> Manifest:
    return {
        "name": name,
        "namespace": place.namespace,
        "labels": _labels(name, row),
        "annotations": {"slipway.dev/entity": f"component:default/{name}"},
    }


def _deployment(name: str, row: Manifest, place: Place) -> Manifest:
    replicas = {} if place.is_production and "autoscale" in row else {"replicas": _replicas(row, place)}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(name, row, place),
        "spec": {
            **replicas,
            "revisionHistoryLimit": 5,
            "progressDeadlineSeconds": 600,
            "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {
                "metadata": {"labels": _labels(name, row)},
                "spec": _pod(name, row, place),
            },
        },
    }


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
    return {
        "name": name,
        "image": f"{company.REGISTRY}/{name}:{row['version']}",
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"name": "http", "containerPort": row["port"]}],
        "env": _environment(row),
        "resources": _resources(row, place),
        **_probes(),
        "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def _environment(row: Manifest) -> list[Manifest]:
    plain = [{"name": key, "value": value} for key, value in sorted(row.get("config", {}).items())]
    return plain + _secrets(row.get("secrets", {}))


def _secrets(references: dict[str, str]) -> list[Manifest]:
    return [_secret(key, reference) for key, reference in sorted(references.items())]


def _secret(key: str, reference: str) -> Manifest:
    secret, _, secret_key = reference.partition("/")
    return {"name": key, "valueFrom": {"secretKeyRef": {"name": secret, "key": secret_key}}}


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


def _probes() -> Manifest:
    def check(path: str) -> Manifest:
        return {"httpGet": {"path": path, "port": "http"}}

    return {
        "startupProbe": {**check("/readyz"), "periodSeconds": 5, "failureThreshold": 24},
        "readinessProbe": {**check("/readyz"), "periodSeconds": 10},
        "livenessProbe": {**check("/livez"), "periodSeconds": 20},
    }


def _service(name: str, row: Manifest, place: Place) -> Manifest:
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

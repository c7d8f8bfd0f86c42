"""What stands around a preview: its namespace with limits, who may speak to it, and its settings."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Any

from services.clusters.models import Environment
from services.manifests import objects, pointers
from services.manifests.copying import Item, Missing
from services.manifests.quantities import NotAQuantity, parse
from services.onboarding.models import Request

PART = "space"
Json = dict[str, Any]


def domain_of(base: Environment) -> str:
    """Below which hosts of previews are: `preview_domain` of the environment, else `preview.` and its own."""
    settings = base.settings
    own = settings.get("public_domain") or settings.get("domain")
    return str(settings.get("preview_domain") or (f"preview.{own}" if own else ""))


def settings_of(base: Environment) -> Json:
    """Those of the environment it is a copy of, never those of production's strictness."""
    kept = {name: value for name, value in base.settings.items() if name != "is_production"}
    domain = domain_of(base)
    return kept | ({"public_domain": domain, "domain": domain} if domain else {})


def around(items: Iterable[Item], base: Environment, namespace: str) -> list[Item]:
    """Namespace, quota and network policy. A quota keeps a runaway from being everybody's (row 9)."""
    datas = [item.data for item in items]
    made = [_namespace(base, namespace), _quota(datas), _default_limits(), *_network(base, namespace)]
    return [Item(PART, each) for each in made]


def placed(items: Iterable[Item], namespace: str, marks: Json, labels: Json) -> list[Item]:
    """What was made for a preview, in its namespace and with its marks."""
    items = list(items)
    for item in items:
        about = item.data["metadata"]
        if item.data["kind"] != "Namespace":
            about["namespace"] = namespace
        about["labels"] = {**about.get("labels", {}), **labels}
        about["annotations"] = dict(marks)
    return items


def secrets(missing: Iterable[Missing], base: Environment) -> list[Item]:
    """Where the environment keeps secrets for previews, what asks for one gets that, never the original's.

    `preview_secrets`: `name` and `kind` of the store, and the `path` below which there is one for each name.
    """
    store = base.settings.get("preview_secrets")
    if not isinstance(store, Mapping) or not store.get("path"):
        return []
    return [Item(each.needed_by[0], _secret(each, store)) for each in missing if each.kind == "Secret"]


def _secret(wanted: Missing, store: Mapping[str, Any]) -> Json:
    key = f"{store['path']}/{wanted.name}"
    named = [{"secretKey": each, "remoteRef": {"key": key, "property": each}} for each in wanted.keys]
    spec: Json = {
        "refreshInterval": "1h",
        "secretStoreRef": {
            "name": str(store.get("name") or "default"),
            "kind": str(store.get("kind") or "ClusterSecretStore"),
        },
        "target": {"name": wanted.name, "creationPolicy": "Owner"},
        **({"data": named} if named else {"dataFrom": [{"extract": {"key": key}}]}),
    }  # fmt: skip
    about = {"name": wanted.name}
    return {"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": about, "spec": spec}


def _namespace(base: Environment, namespace: str) -> Json:
    level = str(base.settings.get("preview_pod_security") or "baseline")
    labels = {
        "pod-security.kubernetes.io/enforce": level,
        "pod-security.kubernetes.io/enforce-version": "latest",
        "pod-security.kubernetes.io/warn": "restricted",
    }
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}}


def _quota(datas: Sequence[Mapping[str, Any]]) -> Json:
    """Twice what the set reserves: enough for a rollout, too little for a mistake."""
    hard = {
        "requests.cpu": _plain(max(Decimal(2), 2 * _total(datas, "cpu"))),
        "requests.memory": f"{_whole(max(Decimal(4 * 2**30), 2 * _total(datas, 'memory')), 2**30)}Gi",
        "services.loadbalancers": "0",
        "services.nodeports": "0",
        "persistentvolumeclaims": "30",
        "pods": str(max(20, 4 * len(datas))),
    }
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "preview"},
        "spec": {"hard": hard},
    }


def _total(datas: Iterable[Mapping[str, Any]], resource: str) -> Decimal:
    found = Decimal(0)
    for data in datas:
        for _, container in objects.containers(data, "containers"):
            said = pointers.find(container, ("resources", "requests", resource))
            try:
                found += parse(str(said)) if said is not None else Decimal(0)
            except NotAQuantity:
                continue
    return found


def _whole(value: Decimal, unit: int) -> int:
    return int((value / unit).to_integral_value(ROUND_CEILING))


def _plain(value: Decimal) -> str:
    return str(_whole(value, 1))


def _default_limits() -> Json:
    """A quota refuses pods that say nothing; these say it for them."""
    limits = [{"type": "Container", "defaultRequest": {"cpu": "50m", "memory": "128Mi"}}]
    about = {"name": "preview"}
    return {"apiVersion": "v1", "kind": "LimitRange", "metadata": about, "spec": {"limits": limits}}


def _network(base: Environment, namespace: str) -> list[Json]:
    """Only the set itself and the gateway speak to it. Where no gateway is known, hosts would be cut off."""
    gateway = base.settings.get("gateway") or {}
    where = gateway.get("namespace") if isinstance(gateway, Mapping) else None
    if not where:
        return []
    peers = [
        {"podSelector": {}},
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": str(where)}}},
    ]
    spec = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": peers}]}
    return [
        {
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "preview"},
            "spec": spec,
        }
    ]  # fmt: skip


def needs_of(items: Iterable[Item], base: Environment, team: str) -> list[Json]:
    """Who says yes: what reads the secrets of production is not one person's to start."""
    reads = any("secret" in item.data.get("kind", "").lower() for item in items)
    if not (base.is_production and reads):
        return []
    return [
        {
            "key": "preview", "who": ["lead", "platform"], "team": team, "count": 1,
            "reason": f"It reads secrets of {base}",
        }
    ]  # fmt: skip


def mark(request: Request | None) -> str:
    return request.ref if request else "R-0"

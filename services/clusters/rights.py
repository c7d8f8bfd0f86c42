"""What the portal needs to be allowed in a cluster, as a role to apply; what a token lacks, or has beyond."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

WATCH = ("get", "list", "watch")
WRITE = ("create", "patch", "delete")
NAME = "slipway"


@dataclass(frozen=True)
class Need:
    """`resources` of one group, and what the portal does to them."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    why: str
    is_wide: bool = False
    is_optional: bool = False


NEEDS = (
    Need(
        "",
        ("pods", "services", "events", "configmaps", "secrets", "persistentvolumeclaims", "resourcequotas"),
        WATCH,
        "to show what runs; of secrets the names alone are read",
    ),
    Need("", ("pods/log",), ("get",), "to show logs to owners"),
    Need("apps", ("deployments", "statefulsets", "daemonsets", "replicasets"), WATCH, "to show what runs"),
    Need("batch", ("jobs", "cronjobs"), WATCH, "to show what runs"),
    Need("discovery.k8s.io", ("endpointslices",), WATCH, "to say whether requests arrive"),
    Need("networking.k8s.io", ("ingresses",), WATCH, "to say whether requests arrive"),
    Need("autoscaling", ("horizontalpodautoscalers",), WATCH, "to show who scales"),
    Need("policy", ("poddisruptionbudgets",), WATCH, "to show what may be moved"),
    Need("", ("nodes",), WATCH, "to tell that many nodes are away", is_wide=True),
    Need("networking.k8s.io", ("ingressclasses",), WATCH, "to say which classes there are", is_wide=True),
    Need("networking.k8s.io", ("networkpolicies",), WATCH, "to say who may call whom", is_optional=True),
    Need(
        "gateway.networking.k8s.io", ("httproutes", "grpcroutes"), WATCH, "to show routes", is_optional=True
    ),
    Need("cert-manager.io", ("certificates",), WATCH, "to show certificates", is_optional=True),
    Need(
        "external-secrets.io", ("externalsecrets",), WATCH, "to say why secrets do not come", is_optional=True
    ),
    Need("postgresql.cnpg.io", ("clusters",), WATCH, "to show databases", is_optional=True),
    Need("metrics.k8s.io", ("pods",), ("get", "list"), "to show what is used", is_optional=True),
    Need("apps", ("deployments", "statefulsets", "daemonsets"), WRITE, "to apply and act"),
    Need("batch", ("jobs", "cronjobs"), WRITE, "to apply, and to run one now"),
    Need("", ("services", "configmaps", "persistentvolumeclaims"), WRITE, "to apply what git says"),
    Need("networking.k8s.io", ("ingresses", "networkpolicies"), WRITE, "to apply what git says"),
    Need("autoscaling", ("horizontalpodautoscalers",), WRITE, "to apply what git says"),
    Need("policy", ("poddisruptionbudgets",), WRITE, "to apply what git says"),
)
# Where another tool brings what is in git, in the namespace of that tool.
TOOLS = {
    "argocd": (
        Need("argoproj.io", ("applications",), (*WATCH, "patch"), "to follow Argo CD, and have it look now"),
    ),
    "flux": (
        Need("kustomize.toolkit.fluxcd.io", ("kustomizations",), (*WATCH, "patch"), "to follow Flux"),
        Need("source.toolkit.fluxcd.io", ("gitrepositories",), (*WATCH, "patch"), "to have Flux look now"),
    ),
}
# What nobody should hand to a portal: with these a token becomes another, or all of them.
DANGEROUS = (
    ("escalate", "rbac.authorization.k8s.io", "roles"),
    ("bind", "rbac.authorization.k8s.io", "roles"),
    ("impersonate", "", "users"),
    ("create", "", "serviceaccounts/token"),
    ("create", "", "pods/exec"),
    ("create", "", "nodes/proxy"),
    ("create", "rbac.authorization.k8s.io", "clusterrolebindings"),
)

Rules = Iterable[Mapping[str, Any]]


def lacking(rules: Rules, needs: Iterable[Need] = NEEDS) -> list[str]:
    """`watch pods: to show what runs`, for everything needed that the rules do not give."""
    held = list(rules)
    return [
        f"{', '.join(verbs)} {resource}{f' of {need.group}' if need.group else ''}: {need.why}"
        for need in needs
        if not need.is_wide and not need.is_optional
        for resource in need.resources
        if (verbs := [each for each in need.verbs if not allows(held, each, need.group, resource)])
    ]


def beyond(rules: Rules) -> list[str]:
    """What a portal should not be able to do; everything is said in one word."""
    held = list(rules)
    if any(allows([rule], "*", "*", "*") for rule in held):
        return ["everything, everywhere in this namespace"]
    return [
        f"{verb} {resource}" for verb, group, resource in DANGEROUS if allows(held, verb, group, resource)
    ]


def allows(rules: Rules, verb: str, group: str, resource: str) -> bool:
    """Whether one of the rules gives it for every name."""
    return any(
        _among(verb, rule.get("verbs"))
        and _among(group, rule.get("apiGroups"))
        and _among(resource, rule.get("resources"))
        and not rule.get("resourceNames")
        for rule in rules
    )


def _among(word: str, words: Any) -> bool:
    return isinstance(words, list) and (word in words or "*" in words)


def role(namespaces: Iterable[str], tools: Iterable[tuple[str, str]] = ()) -> str:
    """Service account, roles and bindings to apply: for these namespaces, and no more.

    `tools` are those that bring what is in git, each with the namespace it is in.
    """
    account = {"kind": "ServiceAccount", "name": NAME, "namespace": NAME}
    documents = [_object("v1", "Namespace", NAME), _object("v1", "ServiceAccount", NAME, NAME)]
    documents += [_cluster_role(), _binding("ClusterRoleBinding", "ClusterRole", "", account)]
    needs: list[tuple[str, tuple[Need, ...]]] = [(namespace, NEEDS) for namespace in namespaces]
    needs += [(namespace, TOOLS[tool]) for tool, namespace in dict.fromkeys(tools)]
    for namespace, some in needs:
        documents.append(_object(RBAC, "Role", NAME, namespace) | {"rules": list(_rules(some))})
        documents.append(_binding("RoleBinding", "Role", namespace, account))
    return yaml.safe_dump_all(documents, sort_keys=False, default_flow_style=None, width=100)


RBAC = "rbac.authorization.k8s.io/v1"


def _object(api_version: str, kind: str, name: str, namespace: str = "") -> dict[str, Any]:
    place = {"namespace": namespace} if namespace else {}
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name} | place}


def _cluster_role() -> dict[str, Any]:
    """The names of namespaces, by which a connection is checked, and what belongs to none."""
    rules = [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "list"]}]
    rules += [_rule(need) for need in NEEDS if need.is_wide]
    return _object(RBAC, "ClusterRole", NAME) | {"rules": rules}


def _binding(kind: str, role_kind: str, namespace: str, account: dict[str, str]) -> dict[str, Any]:
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": role_kind, "name": NAME}
    return _object(RBAC, kind, NAME, namespace) | {"roleRef": ref, "subjects": [account]}


def _rules(needs: Iterable[Need]) -> Iterator[dict[str, Any]]:
    yield from (_rule(need) for need in needs if not need.is_wide)


def _rule(need: Need) -> dict[str, Any]:
    return {"apiGroups": [need.group], "resources": list(need.resources), "verbs": list(need.verbs)}

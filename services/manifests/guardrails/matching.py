"""Whether a policy concerns an object: Kubernetes' matchConstraints."""

from collections.abc import Mapping
from typing import Any

from services.manifests.objects import Object, group, kind, labels, name, selects

PLURALS = {
    "Ingress": "ingresses",
    "IngressClass": "ingressclasses",
    "NetworkPolicy": "networkpolicies",
    "StorageClass": "storageclasses",
    "PriorityClass": "priorityclasses",
    "RuntimeClass": "runtimeclasses",
    "Endpoints": "endpoints",
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "Gateway": "gateways",
}
CLUSTER_WIDE = frozenset(
    {
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "IngressClass",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "RuntimeClass",
        "StorageClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
    }
)


def plural(kind_: str) -> str:
    """The resource name of a kind, by the rule that all but a few follow."""
    if kind_ in PLURALS:
        return PLURALS[kind_]
    lower = kind_.lower()
    if lower.endswith("y") and lower[-2:-1] not in "aeiou":
        return f"{lower[:-1]}ies"
    return f"{lower}es" if lower.endswith(("s", "x", "ch", "sh")) else f"{lower}s"


def matches(constraints: Mapping[str, Any], obj: Object, namespace: Mapping[str, Any] | None) -> bool:
    """`namespace` is the Namespace object the object is in, as far as known."""
    narrowed = constraints.get("narrowed") or {}
    return (
        _named(constraints, obj)
        and _admits(constraints, obj, namespace)
        and (not narrowed.get("resourceRules") or _named(narrowed, obj))
        and _admits(narrowed, obj, namespace)
    )


def _named(constraints: Mapping[str, Any], obj: Object) -> bool:
    return any(_rule_matches(rule, obj) for rule in constraints.get("resourceRules") or [])


def _admits(constraints: Mapping[str, Any], obj: Object, namespace: Mapping[str, Any] | None) -> bool:
    if any(_rule_matches(rule, obj) for rule in constraints.get("excludeResourceRules") or []):
        return False
    wanted = constraints.get("objectSelector")
    if wanted and not selects(wanted, labels(obj)):
        return False
    of_namespace = constraints.get("namespaceSelector")
    return not of_namespace or namespace is None or selects(of_namespace, labels(namespace))


def _rule_matches(rule: Mapping[str, Any], obj: Object) -> bool:
    version = str(obj.get("apiVersion", "")).rpartition("/")[2]
    return (
        _in(group(obj), rule.get("apiGroups"))
        and _in(version, rule.get("apiVersions"))
        and _in(plural(kind(obj)), rule.get("resources"))
        and not {"CREATE", "UPDATE", "*"}.isdisjoint(rule.get("operations") or ())
        and _in_scope(rule.get("scope", "*"), obj)
        and (not rule.get("resourceNames") or name(obj) in rule["resourceNames"])
    )


def _in(value: str, allowed: Any) -> bool:
    return isinstance(allowed, list) and (value in allowed or "*" in allowed or "*/*" in allowed)


def _in_scope(scope: str, obj: Object) -> bool:
    return scope == "*" or (scope == "Cluster") == (kind(obj) in CLUSTER_WIDE)

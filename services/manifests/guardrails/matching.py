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


# The same objects under names they had before; `matchPolicy: Equivalent`, the default, covers them as well.
FORMER_GROUPS = {
    ("extensions", "Deployment"): "apps",
    ("extensions", "DaemonSet"): "apps",
    ("extensions", "ReplicaSet"): "apps",
    ("extensions", "Ingress"): "networking.k8s.io",
    ("extensions", "NetworkPolicy"): "networking.k8s.io",
}


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
    exact = constraints.get("matchPolicy") == "Exact"
    return any(_rule_matches(rule, obj, exact) for rule in constraints.get("resourceRules") or [])


def _admits(constraints: Mapping[str, Any], obj: Object, namespace: Mapping[str, Any] | None) -> bool:
    if any(_rule_matches(rule, obj, True) for rule in constraints.get("excludeResourceRules") or []):
        return False
    wanted = constraints.get("objectSelector")
    if wanted and not selects(wanted, labels(obj)):
        return False
    of_namespace = constraints.get("namespaceSelector")
    return not of_namespace or namespace is None or selects(of_namespace, labels(namespace))


def only_names_kinds(constraints: Mapping[str, Any]) -> bool:
    """Whether `names_kind` says all there is to say, as in most policies."""
    rules = constraints.get("resourceRules") or []
    plain = all(rule.keys() <= {"apiGroups", "apiVersions", "operations", "resources"} for rule in rules)
    seen = all(not {"CREATE", "UPDATE", "*"}.isdisjoint(rule.get("operations") or ()) for rule in rules)
    narrowing = ("narrowed", "objectSelector", "namespaceSelector", "excludeResourceRules")
    return plain and seen and not any(constraints.get(key) for key in narrowing)


def names_kind(constraints: Mapping[str, Any], obj: Object) -> bool:
    """Whether any rule names the kind of the object, whatever else they ask."""
    exact = constraints.get("matchPolicy") == "Exact"
    return any(_is_named(rule, obj, exact) for rule in constraints.get("resourceRules") or [])


def _is_named(rule: Mapping[str, Any], obj: Object, exact: bool) -> bool:
    version = str(obj.get("apiVersion", "")).rpartition("/")[2]
    former = group(obj) if exact else FORMER_GROUPS.get((group(obj), kind(obj)), group(obj))
    return (
        _in(former, rule.get("apiGroups"))
        and (not exact or _in(version, rule.get("apiVersions")))
        and _in(plural(kind(obj)), rule.get("resources"))
    )


def _rule_matches(rule: Mapping[str, Any], obj: Object, exact: bool) -> bool:
    return (
        _is_named(rule, obj, exact)
        and not {"CREATE", "UPDATE", "*"}.isdisjoint(rule.get("operations") or ())
        and _in_scope(rule.get("scope", "*"), obj)
        and (not rule.get("resourceNames") or name(obj) in rule["resourceNames"])
    )


def _in(value: str, allowed: Any) -> bool:
    return isinstance(allowed, list) and (value in allowed or "*" in allowed or "*/*" in allowed)


def _in_scope(scope: str, obj: Object) -> bool:
    return scope == "*" or (scope == "Cluster") == (kind(obj) in CLUSTER_WIDE)

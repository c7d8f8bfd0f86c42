"""Guardrails for the cluster itself: the same policies, with bindings that say where they deny or warn."""

from collections.abc import Iterator, Mapping
from typing import Any

from services.manifests.guardrails import Guardrails
from services.manifests.guardrails.policy import PREFIX, Policy, expressions

API = "admissionregistration.k8s.io/v1"
ENVIRONMENT = f"{PREFIX}environment"
ACTIONS = {"block": ["Deny"], "warn": ["Warn"], "info": ["Audit"]}
PARAMETERS = "slipway-guardrails"


def documents(guardrails: Guardrails, namespace: str = "slipway") -> Iterator[Mapping[str, Any]]:
    """The settings as a config map, then each policy that Kubernetes can evaluate with its bindings.

    Namespaces say what they are with the label slipway.dev/environment.
    """
    portable = [each for each in guardrails.policies if is_portable(each)]
    yield _parameters(portable, namespace)
    for policy in portable:
        yield policy.source
        yield from _bindings(policy, namespace)


def is_portable(policy: Policy) -> bool:
    """Whether it uses nothing that only we know."""
    return all(expression.portable for expression in expressions(policy))


def _parameters(policies: list[Policy], namespace: str) -> Mapping[str, Any]:
    data: dict[str, str] = {}
    for policy in policies:
        data.update((policy.params or {}).get("data", {}))
    metadata = {"name": PARAMETERS, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(sorted(data.items()))}


def _bindings(policy: Policy, namespace: str) -> Iterator[Mapping[str, Any]]:
    named = sorted(each for each in policy.rule.severities if each)
    for environment in named:
        if not policy.is_off(environment):
            yield _binding(policy, environment, {ENVIRONMENT: environment}, [], namespace)
    if not policy.is_off(""):
        others = [{"key": ENVIRONMENT, "operator": "NotIn", "values": named}] if named else []
        yield _binding(policy, "", {}, others, namespace)


def _binding(
    policy: Policy, environment: str, labels: Mapping[str, str], others: list[Any], namespace: str
) -> Mapping[str, Any]:
    spec: dict[str, Any] = {
        "policyName": policy.id,
        "validationActions": ACTIONS[policy.rule.severity(environment)],
    }
    if policy.source["spec"].get("paramKind"):
        parameters = {"name": PARAMETERS, "namespace": namespace, "parameterNotFoundAction": "Deny"}
        spec["paramRef"] = parameters
    selector = {"matchLabels": labels} if labels else {"matchExpressions": others} if others else None
    if selector:
        spec["matchResources"] = {"namespaceSelector": selector}
    name = f"{policy.id}-{environment}" if environment else policy.id
    return {
        "apiVersion": API,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": spec,
    }

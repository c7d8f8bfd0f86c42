"""Who may do what: role bindings read from the store, and the answers to "may I?"."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from portal.demo.cluster.status import ApiError
from portal.demo.cluster.store import Store

Object = dict[str, Any]
RBAC = "rbac.authorization.k8s.io/v1"
ANONYMOUS = "system:anonymous"
# Everybody who is somebody may ask what there is, and what they may do.
REVIEW_RULE = {
    "verbs": ["create"],
    "apiGroups": ["authorization.k8s.io"],
    "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
}
EVERYTHING = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}


@dataclass(frozen=True)
class User:
    """`is_admin` is a member of `system:masters`: no rule is asked."""

    name: str
    is_admin: bool = False


@dataclass(frozen=True)
class Asked:
    """One thing to be allowed; `resource` may name a part of one (`pods/log`)."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""


def check(store: Store, user: User, asked: Asked) -> None:
    """Refuses with 403, in the API's words."""
    if allowed(store, user, asked):
        return
    resource, part = asked.resource.partition("/")[0], asked.name and f' "{asked.name}"'
    full = f"{resource}.{asked.group}" if asked.group else resource
    where = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
    raise ApiError(
        403,
        f'{full}{part} is forbidden: User "{user.name}" cannot {asked.verb} resource "{asked.resource}" '
        f'in API group "{asked.group}" {where}',
        details={"name": asked.name, "group": asked.group, "kind": resource},
    )


def allowed(store: Store, user: User, asked: Asked) -> bool:
    return any(_covers(rule, asked) for rule in rules(store, user, asked.namespace))


def _covers(rule: Object, asked: Asked) -> bool:
    names = rule.get("resourceNames") or []
    return (
        _among(asked.verb, rule.get("verbs"))
        and _among(asked.group, rule.get("apiGroups"))
        and _among(asked.resource, rule.get("resources"))
        and (not names or asked.name in names)
    )


def _among(word: str, words: list[str] | None) -> bool:
    return word in (words or []) or "*" in (words or [])


def rules(store: Store, user: User, namespace: str) -> Iterator[Object]:
    """Every rule that holds for the user in the namespace; empty: at the cluster scope."""
    if user.is_admin:
        yield EVERYTHING
    if user.name != ANONYMOUS:
        yield REVIEW_RULE
    bindings = store.all(RBAC, "ClusterRoleBinding")
    bindings += store.all(RBAC, "RoleBinding", namespace) if namespace else []
    for binding in bindings:
        if any(_is_subject(subject, user) for subject in binding.get("subjects") or []):
            yield from _granted(store, binding, binding["metadata"].get("namespace", ""))


def _is_subject(subject: Object, user: User) -> bool:
    group = "system:unauthenticated" if user.name == ANONYMOUS else "system:authenticated"
    wanted = {"User": user.name, "Group": group}
    return bool(subject.get("name")) and wanted.get(subject.get("kind", "")) == subject["name"]


def _granted(store: Store, binding: Object, namespace: str) -> list[Object]:
    ref = binding.get("roleRef") or {}
    if ref.get("kind") not in ("Role", "ClusterRole"):
        return []
    role = store.find(RBAC, ref["kind"], namespace if ref["kind"] == "Role" else "", ref.get("name", ""))
    return (role or {}).get("rules") or []


def check_escalation(store: Store, user: User, obj: Object, namespace: str) -> None:
    """Nobody grants what they do not hold themselves, there."""
    if obj.get("kind") in ("Role", "ClusterRole"):
        granted = obj.get("rules") or []
    elif obj.get("kind") in ("RoleBinding", "ClusterRoleBinding"):
        granted = _granted(store, obj, namespace) or [EVERYTHING]  # a role that is not there may come to be
    else:
        return
    held = list(rules(store, user, namespace))
    wanted = [asked for rule in granted for asked in _each(rule)]
    if not all(any(_covers(rule, asked) for rule in held) for asked in wanted):
        raise ApiError(
            403,
            f'{obj["kind"].lower()}s.rbac.authorization.k8s.io "{obj["metadata"].get("name", "")}" is '
            f'forbidden: user "{user.name}" is attempting to grant RBAC permissions not currently held',
        )


def _each(rule: Object) -> Iterator[Asked]:
    for verb in rule.get("verbs") or []:
        for group in rule.get("apiGroups") or []:
            for resource in rule.get("resources") or []:
                yield Asked(verb, group, resource)


def review(store: Store, user: User, kind: str, body: Object) -> Object:
    """A SelfSubjectAccessReview or SelfSubjectRulesReview with its status."""
    spec = body.get("spec") or {}
    if kind == "SelfSubjectRulesReview":
        found = list(rules(store, user, spec.get("namespace", "")))
        status: Object = {"resourceRules": found, "nonResourceRules": [], "incomplete": False}
    else:
        wanted = spec.get("resourceAttributes") or {}
        resource = "/".join(part for part in (wanted.get("resource"), wanted.get("subresource")) if part)
        asked = Asked(
            wanted.get("verb", ""),
            wanted.get("group", ""),
            resource,
            wanted.get("namespace", ""),
            wanted.get("name", ""),
        )
        status = {"allowed": allowed(store, user, asked)}
    return {"kind": kind, "apiVersion": "authorization.k8s.io/v1", "metadata": {}, "spec": spec} | {
        "status": status
    }

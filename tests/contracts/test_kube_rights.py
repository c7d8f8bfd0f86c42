"""Who may do what: one user without rights, and what a test grants."""

import time
from typing import Any

import pytest

from services.integrations.kube import errors
from services.integrations.kube.objects import Ref
from tests.contracts.conftest import config_map, deployments, maps
from tests.contracts.peers import APPLY, MERGE, Answer, Peer
from tests.fakes.cluster import deployment, eventually

RBAC = "rbac.authorization.k8s.io"
REVIEWS = "/apis/authorization.k8s.io/v1"
RIGHTS = f"/apis/{RBAC}/v1/namespaces"


def ask(peer: Peer, method: str, path: str, *args: Any, **params: str) -> Answer:
    return peer.ask(method, path, *args, token=peer.portal, **params)


def grant(peer: Peer, namespace: str, rules: list[dict[str, Any]], name: str = "tested") -> None:
    """A Role with a binding to `portal`; a real API server needs a moment to notice."""
    meta = {"name": name}
    role = {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": meta, "rules": rules}
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": meta,
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": name},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": "portal"}],
    }
    assert peer.ask("POST", f"{RIGHTS}/{namespace}/roles", role).code == 201
    assert peer.ask("POST", f"{RIGHTS}/{namespace}/rolebindings", binding).code == 201
    rule = rules[0]
    eventually(lambda: may(peer, namespace, rule["verbs"][0], rule["resources"][0], rule["apiGroups"][0]))


def may(peer: Peer, namespace: str, verb: str, resource: str, group: str = "") -> bool:
    plural, _, part = resource.partition("/")
    wanted = {"namespace": namespace, "verb": verb, "resource": plural, "group": group, "subresource": part}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": wanted},
    }
    answer = ask(peer, "POST", f"{REVIEWS}/selfsubjectaccessreviews", review)
    assert answer.code == 201
    return bool(answer.body["status"]["allowed"])


REFUSED: list[tuple[str, str, str, Any, str, str]] = [
    ("GET", "configmaps", "list", None, "", "configmaps is"),
    ("GET", "configmaps?watch=1", "watch", None, "", "configmaps is"),
    ("GET", "configmaps/a", "get", None, "", 'configmaps "a" is'),
    ("POST", "configmaps", "create", config_map("", "a"), "application/json", "configmaps is"),
    ("PUT", "configmaps/a", "update", config_map("", "a"), "application/json", 'configmaps "a" is'),
    ("PATCH", "configmaps/a", "patch", {"data": {}}, MERGE, 'configmaps "a" is'),
    ("DELETE", "configmaps/a", "delete", None, "", 'configmaps "a" is'),
    ("DELETE", "configmaps", "deletecollection", None, "", "configmaps is"),
]


@pytest.mark.parametrize(
    ("method", "below", "verb", "body", "kind", "start"), REFUSED, ids=[row[2] for row in REFUSED]
)
def test_without_rights_every_verb_is_refused_by_name(
    peer: Peer, place: str, method: str, below: str, verb: str, body: Any, kind: str, start: str
) -> None:
    path, _, query = below.partition("?")
    params = {"watch": "1"} if query else {}
    answer = ask(peer, method, f"/api/v1/namespaces/{place}/{path}", body, kind, **params)
    assert answer.told == (403, "Forbidden")
    assert answer.body["message"] == (
        f'{start} forbidden: User "portal" cannot {verb} resource "configmaps" in API group "" '
        f'in the namespace "{place}"'
    )


def test_groups_cluster_scope_and_parts_are_named_too(peer: Peer, place: str) -> None:
    told = [
        ask(peer, "GET", "/api/v1/namespaces").body["message"],
        ask(peer, "GET", deployments(place, "web")).body["message"],
        ask(peer, "GET", f"/api/v1/namespaces/{place}/pods/x/log").body["message"],
    ]
    assert told == [
        'namespaces is forbidden: User "portal" cannot list resource "namespaces" in API group "" at the '
        "cluster scope",
        'deployments.apps "web" is forbidden: User "portal" cannot get resource "deployments" in API group '
        f'"apps" in the namespace "{place}"',
        'pods "x" is forbidden: User "portal" cannot get resource "pods/log" in API group "" in the '
        f'namespace "{place}"',
    ]


def test_the_client_tells_a_refusal_for_good(peer: Peer, place: str) -> None:
    with peer.client(peer.portal) as kube:
        assert kube.version().startswith("v1.")
        with pytest.raises(errors.Forbidden, match="cannot patch") as told:
            kube.apply(config_map(place, "a"))
        assert (told.value.permanent, told.value.outcome_unknown) == (True, False)
        with pytest.raises(errors.Forbidden, match="cannot get"):
            kube.logs(place, "x", "app")
        with pytest.raises(errors.Forbidden, match="cannot watch"):
            list(kube.watch("v1", "Pod", place, timeout_seconds=1))


@pytest.mark.parametrize("path", ["/version", "/api", "/api/v1/namespaces", "/apis/apps/v1/deployments"])
def test_a_token_nobody_has_is_refused_everywhere(peer: Peer, path: str) -> None:
    assert peer.ask("GET", path, token="nobody's").told == (401, "Unauthorized")
    with peer.client("nobody's") as kube, pytest.raises(errors.Unauthorised):
        kube.version()


@pytest.mark.parametrize(
    ("path", "code"), [("/version", 200), ("/livez", 200), ("/readyz", 200), ("/api/v1/namespaces", 403)]
)
def test_without_a_token_one_is_anonymous(peer: Peer, path: str, code: int) -> None:
    answer = peer.ask("GET", path, token="")
    assert answer.code == code
    if code == 403:
        assert 'User "system:anonymous" cannot list' in answer.body["message"]


@pytest.mark.parametrize("path", ["/api", "/apis", "/api/v1", "/apis/apps/v1", "/version"])
def test_everybody_who_is_somebody_may_ask_what_there_is(peer: Peer, path: str) -> None:
    assert ask(peer, "GET", path).code == 200


def test_what_is_granted_is_allowed_and_nothing_else(peer: Peer, namespace: str) -> None:
    grant(peer, namespace, [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "create"]}])
    assert ask(peer, "POST", maps(namespace), config_map(namespace, "a")).code == 201
    assert ask(peer, "GET", maps(namespace, "a")).code == 200
    for answer in (
        ask(peer, "GET", maps(namespace)),
        ask(peer, "DELETE", maps(namespace, "a")),
        ask(peer, "PATCH", maps(namespace, "b"), config_map(namespace, "b"), APPLY, fieldManager="one"),
        ask(peer, "GET", f"/api/v1/namespaces/{namespace}/secrets"),
        ask(peer, "GET", maps("default")),
    ):
        assert answer.told == (403, "Forbidden")


def test_a_right_may_be_for_one_object_or_for_a_part_of_one(peer: Peer, namespace: str) -> None:
    grant(
        peer,
        namespace,
        [
            {"apiGroups": ["apps"], "resources": ["deployments/scale"], "verbs": ["patch"]},
            {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["mine"], "verbs": ["get"]},
        ],
    )
    peer.ask("POST", deployments(namespace), deployment("web", namespace))
    replicas = {"spec": {"replicas": 3}}
    assert ask(peer, "PATCH", f"{deployments(namespace, 'web')}/scale", replicas, MERGE).code == 200
    assert ask(peer, "PATCH", deployments(namespace, "web"), replicas, MERGE).code == 403
    assert ask(peer, "GET", maps(namespace, "mine")).code == 404
    assert ask(peer, "GET", maps(namespace, "yours")).code == 403


def test_nobody_grants_what_they_do_not_hold(peer: Peer, namespace: str) -> None:
    verbs = ["get", "create", "update", "patch"]
    grant(
        peer,
        namespace,
        [{"apiGroups": [RBAC], "resources": ["roles", "rolebindings"], "verbs": verbs}],
        "keys",
    )
    grant(peer, namespace, [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}], "reader")

    def role(name: str, resource: str, verb: str) -> dict[str, Any]:
        rule = {"apiGroups": [""], "resources": [resource], "verbs": [verb]}
        return {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": {"name": name}, "rules": [rule]}

    address = f"{RIGHTS}/{namespace}/roles"
    assert ask(peer, "POST", address, role("fine", "configmaps", "get")).code == 201
    refused = [
        ask(peer, "POST", address, role("more", "secrets", "get")),
        ask(peer, "POST", address, role("all", "configmaps", "*")),
        ask(peer, "PUT", f"{address}/fine", role("fine", "secrets", "get")),
        ask(peer, "PATCH", f"{address}/fine", {"rules": role("fine", "secrets", "get")["rules"]}, MERGE),
        ask(peer, "PATCH", f"{address}/mine", role("mine", "secrets", "get"), APPLY, fieldManager="one"),
        ask(peer, "POST", f"{RIGHTS}/{namespace}/rolebindings", _bound_to("cluster-admin")),
    ]
    assert [answer.told for answer in refused] == [(403, "Forbidden")] * 6
    assert ask(peer, "POST", f"{RIGHTS}/{namespace}/rolebindings", _bound_to("fine", "Role")).code == 201


def _bound_to(name: str, kind: str = "ClusterRole") -> dict[str, Any]:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": f"to-{name}"},
        "roleRef": {"apiGroup": RBAC, "kind": kind, "name": name},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": "portal"}],
    }


def test_rights_end_with_their_binding(peer: Peer, namespace: str) -> None:
    grant(peer, namespace, [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}])
    assert peer.ask("DELETE", f"{RIGHTS}/{namespace}/rolebindings/tested").code == 200
    end = time.monotonic() + 5
    while time.monotonic() < end and ask(peer, "GET", maps(namespace)).code != 403:
        time.sleep(0.02)
    assert ask(peer, "GET", maps(namespace)).code == 403


def test_one_can_ask_what_one_may_do(peer: Peer, namespace: str) -> None:
    rule = {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]}
    grant(peer, namespace, [rule])
    assert may(peer, namespace, "get", "pods/log")
    assert not may(peer, namespace, "get", "pods")
    assert not may(peer, "default", "get", "pods/log")
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    answer = ask(peer, "POST", f"{REVIEWS}/selfsubjectrulesreviews", review).body["status"]
    assert [found for found in answer["resourceRules"] if found["resources"] == ["pods/log"]] == [rule]
    with peer.client(peer.portal) as kube:
        assert rule in kube.rules(namespace)
    mine = peer.ask("POST", f"{REVIEWS}/selfsubjectrulesreviews", review).body["status"]["resourceRules"]
    assert {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]} in mine
    assert peer.ask("POST", f"{REVIEWS}/selfsubjectrulesreviews", review, token="").code == 403


def test_rights_by_the_group_everybody_is_in(peer: Peer, namespace: str) -> None:
    grant(peer, namespace, [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}])
    binding = _bound_to("tested", "Role") | {
        "metadata": {"name": "all"},
        "subjects": [{"apiGroup": RBAC, "kind": "Group", "name": "system:unauthenticated"}],
    }
    assert peer.ask("GET", maps(namespace), token="").code == 403
    peer.ask("POST", f"{RIGHTS}/{namespace}/rolebindings", binding)
    eventually(lambda: peer.ask("GET", maps(namespace), token="").code == 200)


def test_a_ref_is_refused_before_anything_is_known_about_it(peer: Peer, place: str) -> None:
    """Whether it exists is not told to who may not see it."""
    with peer.client(peer.portal) as kube:
        for name in ("none", "kube-root-ca.crt"):
            with pytest.raises(errors.Forbidden):
                kube.get(Ref("v1", "ConfigMap", name, place))

"""What a token may do: asked of the cluster itself, held against what the portal needs."""

from typing import Any

import pytest
import yaml
from django.test import Client
from django.urls import reverse

from services.clusters import actions, rights
from services.clusters.models import Cluster as ClusterRow
from services.integrations.kube.objects import Ref
from tests.factories.clusters import cluster_row, environments
from tests.factories.people import platform_engineer
from tests.fakes.cluster import PORTAL_TOKEN, TOKEN, Cluster

ROLE = next(each for each in yaml.safe_load_all(rights.role(["shop"])) if each["kind"] == "Role")["rules"]
ALL = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]


def test_the_role_we_show_is_enough_and_no_more() -> None:
    assert rights.lacking(ROLE) == []
    assert rights.beyond(ROLE) == []
    assert not any("*" in each for rule in ROLE for each in rule.values())


OPTIONAL = {need.group for need in rights.NEEDS if need.is_optional} - {"networking.k8s.io"}
NEEDED = [
    rule for rule in ROLE if rule["apiGroups"][0] not in OPTIONAL and rule["resources"] != ["networkpolicies"]
]


@pytest.mark.parametrize("rule", NEEDED)
def test_without_any_of_its_rules_something_is_lacking(rule: dict[str, Any]) -> None:
    assert rights.lacking([each for each in ROLE if each != rule])


def test_without_what_only_some_clusters_serve_nothing_is_lacking() -> None:
    assert rights.lacking(NEEDED) == []
    assert len(NEEDED) < len(ROLE)


def test_what_is_of_no_namespace_stands_in_the_role_of_the_cluster() -> None:
    wide = next(each for each in yaml.safe_load_all(rights.role([])) if each["kind"] == "ClusterRole")[
        "rules"
    ]
    assert [rule["resources"] for rule in wide] == [["namespaces"], ["nodes"], ["ingressclasses"]]
    assert not any("nodes" in rule["resources"] for rule in ROLE)


def test_names_of_resources_are_no_right_to_all() -> None:
    named = [{**rule, "resourceNames": ["web"]} for rule in ROLE]
    assert len(rights.lacking(named)) == len(rights.lacking([]))


def test_what_goes_beyond_is_told() -> None:
    exec_ = {"verbs": ["create"], "apiGroups": [""], "resources": ["pods/exec"]}
    assert rights.beyond([*ROLE, exec_]) == ["create pods/exec"]
    assert rights.beyond(ALL) == ["everything, everywhere in this namespace"]


@pytest.mark.django_db
def test_checking_a_connection_asks_for_the_rights(client: Client, cluster: Cluster) -> None:
    row = cluster_row(cluster.url, TOKEN)
    environments(row)
    assert actions.check_connection(row).rights["production"]["beyond"] == rights.beyond(ALL)
    client.force_login(platform_engineer())
    text = client.get(reverse("clusters:cluster_detail", args=[row.name])).content.decode()
    assert "More than it needs" in text
    assert "kind: RoleBinding" in text


def _shown(kube: Any, namespaces: list[str], *tools: tuple[str, str]) -> None:
    for document in yaml.safe_load_all(rights.role(namespaces, tools)):
        for subject in document.get("subjects") or ():
            subject |= {"kind": "User", "name": "portal"}
            subject.pop("namespace")
        if kube.find(Ref.of(document)) is None:
            kube.create(document)


@pytest.mark.django_db
def test_with_the_role_applied_a_token_lacks_nothing(cluster: Cluster) -> None:
    row = cluster_row(cluster.url, PORTAL_TOKEN)
    environments(row)
    assert actions.check_connection(row).state == ClusterRow.State.REFUSED
    with cluster.client() as kube:
        _shown(kube, ["shop", "shop-staging"])
    assert actions.check_connection(row).rights == {
        name: {"lacks": [], "beyond": []} for name in ("production", "staging")
    }


@pytest.mark.django_db
def test_what_argo_and_flux_need_is_in_the_role_where_they_deliver(cluster: Cluster) -> None:
    row = cluster_row(cluster.url, PORTAL_TOKEN)
    for place, tool in zip(environments(row), ("argocd", "flux"), strict=True):
        place.settings = {"delivery": {"by": tool}}
        place.save()
    tools = (("argocd", "argocd"), ("flux", "flux-system"))
    with cluster.client() as kube:
        for _, namespace in tools:
            kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        _shown(kube, ["shop", "shop-staging"])
        found = actions.check_connection(row).rights
        assert "follow Argo CD" in found["Argo CD"]["lacks"][0]
        assert "follow Flux" in found["Flux"]["lacks"][0]
        _shown(kube, [], *tools)
    assert not any(each["lacks"] for each in actions.check_connection(row).rights.values())

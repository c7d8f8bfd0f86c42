"""What stands around services: nodes that go away are one incident; what else is told on a service's page."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from services.audit.models import Event
from services.catalog.models import Entity
from services.clusters import diagnosing, incidents, queries
from services.clusters.models import Cluster, Environment, Incident, KubeObject
from tests.factories import picture
from tests.factories.clusters import cluster_row, environments
from tests.factories.people import member, platform_engineer

REF = "component:default/web"
pytestmark = pytest.mark.django_db


@pytest.fixture
def places() -> tuple[Environment, Environment]:
    return environments(cluster_row())


def node(cluster: Cluster, name: str, ready: str = "True") -> KubeObject:
    data: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "status": {"conditions": [{"type": "Ready", "status": ready, "message": "Kubelet stopped posting"}]},
    }
    health, message = diagnosing.assess(data)
    fields = {"uid": f"node-{name}", "data": data, "health": health, "health_message": message}
    found, _ = KubeObject.objects.update_or_create(
        cluster=cluster, api_version="v1", kind="Node", namespace="", name=name, defaults=fields
    )
    return found


def lost(cluster: Cluster, count: int, of: int = 4) -> None:
    for number in range(of):
        node(cluster, f"n{number}", "Unknown" if number < count else "True")
    incidents.look_at_nodes(cluster)


def test_many_nodes_are_one_incident_that_ends_by_itself(places: Any) -> None:
    cluster = places[0].cluster
    lost(cluster, 1)
    assert not Incident.objects.exists()
    lost(cluster, 2)
    lost(cluster, 3)
    (incident,) = incidents.open_incidents()
    assert (incident.title, incident.details["nodes"]) == ("3 of 4 nodes do not answer", ["n0", "n1", "n2"])
    lost(cluster, 0)
    assert incidents.open_incidents() == []
    assert list(Event.objects.order_by("pk").values_list("action", flat=True)) == [
        "incident.began",
        "incident.ended",
    ]


def test_nodes_that_come_and_go_are_the_same_incident(places: Any) -> None:
    cluster = places[0].cluster
    for count in (2, 0, 2):
        lost(cluster, count)
    assert Incident.objects.get().ended_at is None
    lost(cluster, 0)
    Incident.objects.update(ended_at=timezone.now() - timedelta(minutes=11))
    lost(cluster, 2)
    assert Incident.objects.count() == 2


def test_an_incident_says_how_many_services_it_touches(places: Any) -> None:
    cluster = places[1].cluster
    for ref in (REF, "component:default/other"):
        picture.running(ref, places[1])
    KubeObject.objects.filter(kind="Pod").update(data={"spec": {"nodeName": "n0"}})
    lost(cluster, 2)
    assert Incident.objects.get().details["services"] == 2


@pytest.mark.parametrize(
    "address", ["/", "/catalog/component/default/web/live/", "/help/ask/", "/incidents/"]
)
def test_everybody_is_told_where_they_look_first(client: Client, places: Any, address: str) -> None:
    Entity.objects.create(kind="Component", namespace="default", name="web", ref=REF)
    lost(places[0].cluster, 2)
    client.force_login(platform_engineer())
    assert "Harbour: 2 of 4 nodes do not answer" in client.get(address).content.decode()
    lost(places[0].cluster, 0)
    assert "do not answer" not in client.get(address).content.decode()


def test_who_does_not_run_clusters_gets_no_way_to_them(client: Client, places: Any) -> None:
    lost(places[0].cluster, 2)
    client.force_login(member("jonas", "discovery"))
    page = client.get("/").content.decode()
    assert "no ticket is needed" in page
    assert "/clusters/harbour/" not in page


def on(name: str) -> None:
    """Put every pod there."""
    for pod in KubeObject.objects.filter(kind="Pod"):
        pod.data["spec"]["nodeName"] = name
        pod.save()


def ids() -> list[str]:
    (state,) = queries.live_state(REF)
    return [finding.id for finding in state.findings]


def test_a_service_is_told_of_its_own_nodes_and_of_no_others(places: Any) -> None:
    picture.running(REF, places[1])
    on("n3")
    lost(places[1].cluster, 1)
    assert ids() == []
    on("n0")
    assert ids() == ["node-not-ready"]
    lost(places[1].cluster, 2)  # a storm has a banner
    assert ids() == []


def test_quotas_of_the_environment_are_told_and_policies_are_not(places: Any) -> None:
    picture.running(REF, places[1])
    full = {"hard": {"pods": "3"}, "used": {"pods": "3"}}
    held = {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["x"]}}
    for kind, data in (("ResourceQuota", {"status": full}), ("NetworkPolicy", held)):
        named = {"kind": kind, "apiVersion": "v1", "metadata": {"name": "all", "namespace": "shop"}}
        for place in places:
            KubeObject.objects.create(
                cluster=place.cluster, environment=place, api_version="v1", kind=kind, name="all",
                namespace=place.namespace, uid=f"{kind}-{place.pk}", data=named | data,
            )  # fmt: skip
    assert ids() == ["quota-full"]

"""What services use, cost and waste: measured, kept by day, shown with what would fit better."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from services.catalog.models import Entity
from services.clusters import costs, links, queries, usage
from services.clusters.models import Environment, KubeObject, Usage, UsageDay
from services.clusters.watching.kinds import METRICS, WATCHED
from services.clusters.watching.loop import Watcher
from tests.clusters.test_incidents import node
from tests.clusters.test_watching import FAST, leave, turn_until
from tests.factories import picture
from tests.factories.clusters import cluster_row, environments
from tests.factories.people import member
from tests.fakes.cluster import TOKEN, Cluster, deployment

REF = "component:default/web"
MEBI = 2.0**20
PRICES = {"cpu": 20.0, "memory": 4.0, "currency": "EUR"}
pytestmark = pytest.mark.django_db


@pytest.fixture
def places() -> tuple[Environment, Environment]:
    found = environments(cluster_row())
    Environment.objects.update(settings={"prices": PRICES})
    Entity.objects.create(
        kind="Component", namespace="default", name="web", ref=REF, owner_ref="group:default/shop"
    )
    picture.running(REF, found[1])
    return found


def samples(cpu: float, memory: float) -> dict[tuple[str, str], usage.Sample]:
    """Of both pods in production, each: cores and MiB."""
    return {("shop", f"web-production-{n}"): {"app": (cpu, memory * MEBI)} for n in range(2)}


def test_what_the_metrics_api_says_is_read_and_the_rest_left_out() -> None:
    fine = {"name": "app", "usage": {"cpu": "250m", "memory": "64Mi"}}
    odd = [{"name": "x", "usage": {"cpu": "much"}}, "text", {"name": "y"}]
    items = [
        {"metadata": {"name": "a", "namespace": "shop"}, "containers": [fine, *odd]},
        {"metadata": {"name": "b"}, "containers": "none"},
    ]
    assert usage.samples_of(items) == {("shop", "a"): {"app": (0.25, 64 * MEBI)}, ("", "b"): {}}


def test_each_look_adds_to_its_day(places: Any) -> None:
    at = timezone.now()
    usage.record(places[0].cluster, samples(0.02, 40), at)
    usage.record(places[0].cluster, samples(0.04, 20), at)
    row = UsageDay.objects.get()
    assert (row.samples, row.pods, row.is_measured) == (2, 2, True)
    assert row.cpu_used == pytest.approx(0.06)
    assert (row.cpu_peak, row.memory_peak) == (0.08, 80 * MEBI)
    assert row.cpu_asked == pytest.approx(0.1)
    assert row.containers["app"]["memory_peak"] == 40 * MEBI
    assert row.cost == pytest.approx((0.1 * 20 + 128 / 1024 * 4) / 30)
    usage.record(places[0].cluster, samples(0.01, 10), at + timedelta(days=1))
    assert UsageDay.objects.count() == 2
    assert str(row).startswith(REF)


def test_without_metrics_what_is_asked_for_is_known_all_the_same(places: Any) -> None:
    usage.record(places[0].cluster, {})
    row = UsageDay.objects.get()
    assert (row.is_measured, row.cpu_asked) == (False, pytest.approx(0.1))
    assert not Usage.objects.exists()
    (line,) = costs.lines()
    assert (line.waste, line.cpu_text) == (0.0, "asks for 100m")


def test_days_are_kept_for_long_and_not_for_ever(places: Any) -> None:
    usage.record(places[0].cluster, {}, timezone.now() - timedelta(days=401))
    usage.record(places[0].cluster, {})
    assert usage.forget((timezone.now() - usage.KEPT).date()) == 1


def test_spot_is_told_by_the_labels_of_nodes(places: Any) -> None:
    cluster = places[0].cluster
    for name, label in (("harbour-general-1", "SPOT"), ("other", "ON_DEMAND")):
        row = node(cluster, name)
        row.data["metadata"]["labels"] = {"eks.amazonaws.com/capacityType": label}
        row.save()
    assert usage.spot_nodes(cluster) == {"harbour-general-1"}
    usage.record(cluster, {})
    (line,) = costs.lines()
    assert line.spot == "100 %"
    cluster.settings = {"spot_labels": {"pool": "cheap"}, "prices": PRICES}
    row.data["metadata"]["labels"] = {"pool": "cheap"}
    row.save()
    assert "other" in usage.spot_nodes(cluster)


def measured(cpu: float, memory: float, times: int = 3) -> None:
    cluster = Environment.objects.get(name="production").cluster
    for _ in range(times):
        usage.record(cluster, samples(cpu, memory))


@pytest.mark.parametrize(
    ("cpu", "memory", "expected"),
    [
        (0.005, 50, [("cpu", "10m")]),
        (0.03, 10, [("memory", "32Mi")]),
        (0.03, 50, []),
        (0.03, 63, [("memory", "80Mi")]),
        (0.001, 2, [("cpu", "10m"), ("memory", "32Mi")]),
    ],
)
def test_what_would_fit_better(
    places: Any, cpu: float, memory: float, expected: list[tuple[str, str]]
) -> None:
    measured(cpu, memory)
    found = costs.proposals(REF)
    assert sorted((each.what, each.better) for each in found) == expected
    assert all(each.fix == {"field": f"{each.what}_request", "value": each.better} for each in found)
    assert all(each.is_less == (each.better != "80Mi") for each in found)


def test_one_look_is_no_ground_for_a_proposal(places: Any) -> None:
    measured(0.001, 2, times=2)
    assert costs.proposals(REF) == []


def test_sums_by_team_and_environment_and_how_full_everything_is(places: Any) -> None:
    picture.running("component:default/other", places[0])
    measured(0.005, 10)
    found = costs.lines()
    assert [each.name for each in found] == ["web", "other"]  # what wastes most first
    assert {(each.name, each.services) for each in costs.totals(found, "owner")} == {
        ("shop", 1),
        ("nobody", 1),
    }
    assert {each.name for each in costs.totals(found, "environment")} == {"Production", "Staging"}
    assert max(each.share for each in costs.totals(found, "owner")) > 0
    node(places[0].cluster, "n1")
    KubeObject.objects.filter(kind="Node").update(
        data={"status": {"allocatable": {"cpu": "1", "memory": "1Gi"}}}
    )
    assert [(each.name, each.percent) for each in costs.pools(found)] == [("CPU", 20), ("Memory", 25)]
    assert [each.name for each in costs.lines(owner="shop", environment="production")] == ["web"]
    quota = {"hard": {"pods": "10", "odd": "x"}, "used": {"pods": "9"}}
    KubeObject.objects.create(
        cluster=places[0].cluster, environment=places[0], api_version="v1", kind="ResourceQuota", name="q",
        namespace="shop-staging", uid="q", data={"status": quota},
    )  # fmt: skip
    (full,) = costs.quotas()
    assert (full.percent, full.tone, full.says) == (90, "warn", "9 of 10")


def test_people_see_it_and_take_it_with_them(
    client: Client, places: Any, django_assert_max_num_queries: Any
) -> None:
    measured(0.005, 10)
    client.force_login(member("jonas", "discovery"))
    client.get("/resources/")
    with django_assert_max_num_queries(12):
        text = client.get("/resources/").content.decode()
    assert "?tab=resources" in text
    assert "EUR" in text
    rows = list(csv.DictReader(io.StringIO(client.get("/resources/?format=csv").content.decode("utf-8-sig"))))
    assert (rows[0]["service"], rows[0]["environment"], rows[0]["cores asked"]) == (
        "web",
        "production",
        "0.1",
    )
    assert "web" not in client.get("/resources/?environment=staging").content.decode().split("By team")[0]
    Environment.objects.get(name="production").cluster.save()
    tab = client.get("/catalog/component/default/web/?tab=resources").content.decode()
    assert "CPU 50m to" in tab
    live = client.get("/catalog/component/default/web/live/").content.decode()
    assert "uses 5m CPU and 10Mi memory" in live


def test_nothing_measured_says_so(client: Client) -> None:
    client.force_login(member("jonas", "discovery"))
    assert "Nothing was measured yet" in client.get("/resources/").content.decode()


def test_links_lead_to_the_service_in_its_place(places: Any) -> None:
    cluster = places[0].cluster
    cluster.settings = {
        "links": {
            "Grafana": "https://grafana.example/d/x?ns={namespace}&s={service}&t={team}",
            "Bad": "javascript:x",
        }
    }
    cluster.save()
    entity = Entity.objects.get()
    entity.name = "web & co"
    ((_, found),) = links.of(entity, [Environment.objects.select_related("cluster").get(name="production")])
    assert [each.url for each in found] == ["https://grafana.example/d/x?ns=shop&s=web%20%26%20co&t=shop"]
    assert links.of(entity, []) == []


def test_the_watcher_measures_what_the_simulated_cluster_uses(cluster: Cluster) -> None:
    environments(cluster_row(cluster.url, TOKEN))
    kinds = tuple(kind for kind in WATCHED if kind.kind in ("Deployment", "ReplicaSet", "Pod"))
    watcher = Watcher(FAST, (*kinds, METRICS))
    try:
        with cluster.client() as kube:
            said = {"slipway.dev/simulate-memory": "48Mi"}
            kube.apply(deployment("web", entity=REF, annotations=said))
        turn_until(
            watcher, lambda: KubeObject.objects.filter(kind="Pod", data__status__phase="Running").count() == 2
        )
        for watched in watcher.watched.values():
            watched.ingest.cluster.refresh_from_db()
            for stream in watched.streams:
                stream.forget()
        turn_until(watcher, lambda: Usage.objects.filter(entity_ref=REF).exists())
    finally:
        leave(watcher, cluster)
    used = next(iter(Usage.objects.get().pods.values()))
    assert used["app"][1] == 48 * MEBI
    (state,) = queries.live_state(REF, measured=True)
    assert "uses" in state.workloads[0].pods[0].containers[0].uses

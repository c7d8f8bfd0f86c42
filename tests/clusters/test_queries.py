"""What higher apps read: health in one query, the frozen snapshot, clients, redaction."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from services.clusters import actions, queries, redaction, sealing
from services.clusters.actions import NameTaken, NotAllowed
from services.clusters.models import Environment, KubeEvent
from services.clusters.picture import news_of
from services.integrations.kube import errors
from services.integrations.kube.kubeconfig import Credentials
from tests.factories import picture
from tests.factories.clusters import cluster_row, environments
from tests.factories.people import member, platform_engineer
from tests.fakes.cluster import TOKEN, Cluster, deployment

REF = "component:default/web"
pytestmark = pytest.mark.django_db


@pytest.fixture
def places() -> tuple[Environment, Environment]:
    return environments(cluster_row())


def test_health_of_many_in_one_query(places: Any, django_assert_num_queries: Any) -> None:
    picture.running(REF, places[0])
    picture.running(REF, places[1], well=False)
    picture.running("component:default/other", places[1])
    with django_assert_num_queries(1):
        found = queries.health_by_entity([REF, "component:default/other", "component:default/nowhere"])
    assert found == {
        REF: {"staging": "Healthy", "production": "Degraded"},
        "component:default/other": {"production": "Healthy"},
    }
    assert queries.refs_with("Degraded") == {REF}


def test_health_of_what_was_not_heard_lately_is_unknown(places: Any) -> None:
    picture.running(REF, places[0])
    picture.heard(places[0], timezone.now() - timedelta(minutes=5))
    assert queries.health_by_entity([REF]) == {REF: {"staging": "Unknown"}}
    (state,) = queries.live_state(REF)
    assert (state.stale, state.health, state.shown_health) == (True, "Healthy", "Unknown")


def test_live_state_counts_and_diagnoses(places: Any, django_assert_num_queries: Any) -> None:
    picture.running(REF, places[1], pods=3, well=False)
    with django_assert_num_queries(2):
        (state,) = queries.live_state(REF.upper())
    assert (state.ready, state.desired, state.restarts, state.version) == (0, 3, 12, "1.4.2")
    assert {finding.id for finding in state.findings} >= {"oom-killed"}
    assert state.workloads[0].pods[0].word == "CrashLoopBackOff"


def test_a_snapshot_holds_no_secret(places: Any) -> None:
    top = picture.running(REF, places[1])
    secret = [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "URL", "value": "redis://u:hunter2@r/0"}]
    top.data = redaction.pruned(deployment("web", env=secret))
    top.save()
    frozen = queries.snapshot(REF)
    assert "hunter2" not in str(frozen)
    assert {o["kind"] for o in frozen["production"]["objects"]} == {"Deployment", "Pod"}
    assert "redis://u:•••@r/0" in str(frozen)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("password=hunter2 next", "next"),
        ('{"api_key": "hunter2", "a": 1}', '"a": 1'),
        ("Authorization: Bearer hunter2hunter2", "Authorization"),
        ("postgresql://app:hunter2@db:5432/app", "@db:5432/app"),
        ("ghp_hunter2hunter2hunter2hunter2", ""),
        ("-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----\nafter", "after"),
        ("-----BEGIN PRIVATE KEY-----\nhunter2", ""),
        ("GET /tokens took 12ms", "took 12ms"),
    ],
)
def test_text_is_redacted_and_the_rest_stays(text: str, left: str) -> None:
    assert "hunter2" not in redaction.redact_text(text)
    assert left in redaction.redact_text(text)


def test_references_to_secrets_stay_readable() -> None:
    env = [{"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}]
    kept = redaction.pruned(deployment("web", env=env))
    assert kept["spec"]["template"]["spec"]["containers"][0]["env"] == env


def test_tokens_are_sealed_and_a_changed_key_is_told(settings: Any) -> None:
    row = cluster_row("http://127.0.0.1:9", "abc")
    assert "abc" not in row.token_sealed
    assert sealing.unseal(row.token_sealed) == "abc"
    settings.SECRET_KEY = "another"
    with pytest.raises(errors.Unauthorised, match="entered again"):
        queries.client_for(row)


def test_registering_is_for_the_platform_and_once() -> None:
    given = Credentials(server="https://kube.example", ca="", token="t")
    with pytest.raises(NotAllowed):
        actions.register_cluster(by=member("mira", "checkout"), name="bay", credentials=given)
    made = actions.register_cluster(by=platform_engineer(), name="bay", credentials=given)
    with pytest.raises(NameTaken):
        actions.register_cluster(by=platform_engineer(), name="bay", credentials=given)
    with pytest.raises(NotAllowed):
        actions.add_environment(by=member("mira", "checkout"), cluster=made, name="a", namespace="a")
    first = actions.add_environment(by=None, cluster=made, name="a", namespace="a")
    assert actions.add_environment(by=None, cluster=made, name="a", namespace="other") == first


def test_objects_are_applied_in_order_and_again_without_effect(cluster: Cluster) -> None:
    _, production = environments(cluster_row(cluster.url, TOKEN))
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "s", "namespace": "shop"}}
    first = actions.apply_objects(production, [settings, deployment("web")])
    again = actions.apply_objects(production, [settings, deployment("web")])
    assert [obj["kind"] for obj in first] == ["ConfigMap", "Deployment"]
    assert first[0]["metadata"]["resourceVersion"] == again[0]["metadata"]["resourceVersion"]
    assert first[1]["metadata"]["generation"] == again[1]["metadata"]["generation"]


def test_the_same_event_of_several_pods_is_told_once(places: Any) -> None:
    now = timezone.now()
    said = [("web-1", "BackOff", True), ("web-2", "BackOff", True), ("web-1", "Started", False)]
    for number, (name, reason, is_warning) in enumerate(said):
        KubeEvent.objects.create(
            cluster=places[0].cluster, environment=places[0], uid=str(number), involved_kind="Pod",
            involved_name=name, reason=reason, message=f"{reason} of {name}", is_warning=is_warning, count=3,
            first_at=now, last_at=now,
        )  # fmt: skip
    first, second = news_of(KubeEvent.objects.all())
    assert (first.reason, first.count, first.names) == ("BackOff", 6, ["web-1", "web-2"])
    assert first.message == "BackOff of …"
    assert (second.reason, second.message) == ("Started", "Started of web-1")

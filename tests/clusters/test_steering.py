"""What people do to what runs: asked once, done once, by those who may, within bounds."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from services.audit.models import Event
from services.catalog.models import Entity
from services.clusters import changes, steering
from services.clusters.models import Environment, KubeObject
from services.clusters.picture import REQUEST, REVISION
from services.effects.models import Effect
from services.integrations.kube.objects import Ref
from tests.effects_driver import run_due_effects
from tests.factories import picture
from tests.factories.clusters import cluster_row, environments
from tests.factories.people import member
from tests.fakes.cluster import TOKEN, Cluster, deployment

REF = "component:default/web"
pytestmark = pytest.mark.django_db
CRON: dict[str, Any] = {
    "apiVersion": "batch/v1",
    "kind": "CronJob",
    "metadata": {"name": "tidy", "namespace": "shop"},
    "spec": {
        "schedule": "0 3 * * *",
        "jobTemplate": {
            "spec": {
                "template": {
                    "spec": {"restartPolicy": "Never", "containers": [{"name": "tidy", "image": "tidy:1"}]}
                }
            }
        },
    },
}


@pytest.fixture
def web() -> Entity:
    return Entity.objects.create(
        ref=REF, kind="Component", name="web", type="service", owner_ref="group:default/checkout"
    )


@pytest.fixture
def mira(client: Client) -> Client:
    client.force_login(member("mira", "checkout"))
    return client


def seen(environment: Environment, obj: dict[str, Any], **fields: Any) -> KubeObject:
    return KubeObject.objects.create(
        cluster=environment.cluster, environment=environment, api_version=obj["apiVersion"], kind=obj["kind"],
        namespace="shop", name=obj["metadata"]["name"], uid=obj["metadata"]["name"] + obj["kind"],
        entity_ref=REF, data=obj, born_at=timezone.now(), **fields,
    )  # fmt: skip


def ask(client: Client, deed: str, workload: str = "Deployment.web", **posted: Any) -> Any:
    args = ["component", "default", "web", "production", workload, deed]
    return client.post(reverse("clusters:workload_steer", args=args), posted, follow=True)


@pytest.fixture
def really(cluster: Cluster, web: Entity) -> Any:
    """A deployment and a cron job that are there, and in the picture."""
    _, production = environments(cluster_row(cluster.url, TOKEN))
    with cluster.client() as kube:
        live = kube.apply(deployment("web", replicas=1, entity=REF))
        cron = kube.apply(CRON)
        seen(production, live)
        seen(production, cron)
        yield kube


DEPLOYMENT = Ref("apps/v1", "Deployment", "web", "shop")


def test_a_restart_is_done_once_and_noted(mira: Client, really: Any) -> None:
    before = really.get(DEPLOYMENT)["metadata"]["generation"]
    assert "asked for" in ask(mira, "restart").content.decode()
    ask(mira, "restart")
    assert Effect.objects.filter(kind=steering.STEER).count() == 1
    run_due_effects()
    once = really.get(DEPLOYMENT)
    assert steering.RESTARTED in once["spec"]["template"]["metadata"]["annotations"]
    payload = Effect.objects.get(kind=steering.STEER).payload
    steering.carry_out(payload)
    assert really.get(DEPLOYMENT)["metadata"]["generation"] == once["metadata"]["generation"] == before + 1
    event = Event.objects.filter(action="workload.restart").latest("pk")
    assert (event.actor, event.summary) == ("mira", "Restarted Deployment web in production")


def test_pausing_scaling_and_resuming(mira: Client, really: Any) -> None:
    ask(mira, "scale", replicas_wanted=3)
    ask(mira, "pause")
    run_due_effects()
    spec = really.get(DEPLOYMENT)["spec"]
    assert (spec["replicas"], spec["paused"]) == (3, True)
    ask(mira, "resume")
    run_due_effects()
    assert not really.get(DEPLOYMENT)["spec"].get("paused")


def test_a_cron_job_runs_now_once(mira: Client, really: Any) -> None:
    ask(mira, "run", "CronJob.tidy")
    run_due_effects()
    payload = Effect.objects.get(kind=steering.STEER).payload
    steering.carry_out(payload)
    jobs = [job["metadata"] for job in really.list("batch/v1", "Job", "shop").items]
    assert [job["annotations"][steering.BY_HAND] for job in jobs] == ["manual"]
    assert jobs[0]["ownerReferences"][0]["name"] == "tidy"
    ask(mira, "pause", "CronJob.tidy")
    run_due_effects()
    assert really.get(Ref("batch/v1", "CronJob", "tidy", "shop"))["spec"]["suspend"] is True


@pytest.fixture
def production(web: Entity) -> Environment:
    _, production = environments(cluster_row())
    picture.running(REF, production)
    return production


@pytest.mark.parametrize(
    ("deed", "posted", "said"),
    [
        ("scale", {"replicas_wanted": "0"}, "Between 1 and 20"),
        ("scale", {"replicas_wanted": "21"}, "Between 1 and 20"),
        ("scale", {"replicas_wanted": "many"}, "Between 1 and 20"),
        ("run", {}, "A Deployment cannot be told to run"),
    ],
)
def test_bounds(mira: Client, production: Environment, deed: str, posted: Any, said: str) -> None:
    assert said in ask(mira, deed, **posted).content.decode()
    assert not Effect.objects.filter(kind=steering.STEER).exists()


def test_an_autoscaler_decides_instead(mira: Client, production: Environment) -> None:
    target = {"scaleTargetRef": {"kind": "Deployment", "name": "web"}}
    scaler = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "most"}}
    seen(production, scaler | {"spec": target})
    assert "The autoscaler most decides" in ask(mira, "scale", replicas_wanted=3).content.decode()


def test_only_those_who_answer_for_it_act(client: Client, production: Environment) -> None:
    client.force_login(member("jonas", "discovery"))
    assert ask(client, "restart").status_code == 404
    text = client.get(reverse("clusters:entity_live", args=["component", "default", "web"])).content.decode()
    assert "Restart<" not in text
    assert not Effect.objects.filter(kind=steering.STEER).exists()


def test_what_did_not_work_is_told_and_tried_again_when_asked_again(
    mira: Client, production: Environment
) -> None:
    ask(mira, "restart")
    Effect.objects.update(state="needs_attention", last_error="no way")
    text = mira.get(reverse("clusters:entity_live", args=["component", "default", "web"])).content.decode()
    assert "Did not work" in text
    assert "no way" in text
    ask(mira, "restart")
    assert Effect.objects.get(kind=steering.STEER).state == "due"


# What changed, and what is around


def test_what_changed_just_before_the_trouble_stands_out(production: Environment) -> None:
    began = timezone.now() - timedelta(hours=1)
    sets = [
        KubeObject(
            kind="ReplicaSet", name=f"web-{n}", owner_uid="d", born_at=began - timedelta(minutes=minutes),
            data={
                "metadata": {
                    "annotations": {REVISION: str(n), REQUEST: "R-1"},
                    "ownerReferences": [{"kind": "Deployment", "name": "web"}],
                },
                "spec": {"template": {"spec": {"containers": [{"image": f"web:{n}"}]}}},
            },
        )
        for n, minutes in ((7, 5), (6, 600), (5, 60 * 24 * 8))
    ]  # fmt: skip
    deed = Event(at=began + timedelta(minutes=10), action="workload.restart", summary="Restarted it",
                 actor="mira", details={"environment": "production"})  # fmt: skip
    elsewhere = Event(at=began, action="workload.restart", details={"environment": "staging"})
    found = changes.changes_of(sets, [deed, elsewhere], "production", began)
    assert [(each.what, each.is_near) for each in found] == [
        ("Restarted it", False),
        ("Rollout 7 of web: web:7", True),
        ("Rollout 6 of web: web:6", False),
    ]
    assert (found[0].who, found[1].request) == ("mira", "R-1")


def test_the_live_tab_shows_what_is_around(mira: Client, production: Environment) -> None:
    for kind, spec, status in (
        ("HorizontalPodAutoscaler", {"minReplicas": 2, "maxReplicas": 5, "metrics": [
            {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 80}}},
            {"type": "External"}]}, {"currentReplicas": 3, "currentMetrics": [
            {"resource": {"name": "cpu", "current": {"averageUtilization": 41}}}]}),
        ("PodDisruptionBudget", {}, {"disruptionsAllowed": 1, "currentHealthy": 3, "desiredHealthy": 2}),
        ("Service", {"ports": [{"port": 80, "targetPort": "http"}]}, {}),
        ("Ingress", {"rules": [{"host": "web.larkfield.shop"}]}, {}),
        ("PersistentVolumeClaim", {"storageClassName": "fast"}, {"capacity": {"storage": "5Gi"}}),
        ("ResourceQuota", {}, {"hard": {"pods": "10"}, "used": {"pods": "4"}}),
    ):  # fmt: skip
        seen(production, {"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}, "spec": spec,
                          "status": status})  # fmt: skip
    text = mira.get(reverse("clusters:entity_live", args=["component", "default", "web"])).content.decode()
    around = [
        "3 of 2 to 5 replicas, by cpu 41 % of 80 %, external",
        "1 may be away now",
        "port 80 to http",
        "web.larkfield.shop",
        "5Gi of fast",
        "pods 4 of 10",
        "at most 128Mi memory",
    ]
    assert [each for each in around if each not in text] == []

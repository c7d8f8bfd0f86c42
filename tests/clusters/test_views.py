"""Clusters for the platform; environments, findings, live state and logs on the service's page."""

from datetime import timedelta
from typing import Any

import pytest
import yaml
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from services.audit.models import Event
from services.catalog.models import Entity
from services.clusters import fixes
from services.clusters.models import Cluster as ClusterRow
from services.clusters.models import Environment, KubeEvent
from tests.factories import picture
from tests.factories.clusters import cluster_row, environments
from tests.factories.people import member, platform_engineer
from tests.fakes.cluster import TOKEN, Cluster, deployment, eventually

REF = "component:default/web"
pytestmark = pytest.mark.django_db


def kubeconfig(server: str, token: str = TOKEN) -> str:
    return yaml.safe_dump(
        {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "users": [{"name": "u", "user": {"token": token}}],
        }
    )


@pytest.fixture
def platform(client: Client) -> Client:
    client.force_login(platform_engineer())
    return client


@pytest.fixture
def developer(client: Client) -> Client:
    client.force_login(member("mira", "checkout"))
    return client


@pytest.fixture
def web() -> Entity:
    return Entity.objects.create(
        ref=REF, kind="Component", name="web", type="service", owner_ref="group:default/checkout"
    )


@pytest.fixture
def places() -> tuple[Environment, Environment]:
    return environments(cluster_row())


def page(client: Client, entity: Entity, tab: str = "") -> str:
    return client.get(entity.get_absolute_url() + (f"?tab={tab}" if tab else "")).content.decode()


# clusters


def test_cluster_list_says_how_each_is(platform: Client, django_assert_max_num_queries: Any) -> None:
    assert "No cluster yet" in platform.get(reverse("clusters:cluster_list")).content.decode()
    for name in ("alpha", "beta", "gamma"):
        row = ClusterRow.objects.create(name=name, title=name, server="https://x.example", is_simulated=True)
        Environment.objects.create(name=f"{name}-prod", cluster=row, namespace="shop")
    with django_assert_max_num_queries(20):
        text = platform.get(reverse("clusters:cluster_list")).content.decode()
    assert text.count("Simulated") == 3
    assert "never" in text


def test_clusters_are_for_the_platform(developer: Client) -> None:
    cluster_row()
    for name in ("cluster_list", "cluster_new"):
        assert developer.get(reverse(f"clusters:{name}")).status_code == 403
    for name in ("cluster_check", "cluster_credentials", "environment_new"):
        assert developer.post(reverse(f"clusters:{name}", args=["harbour"])).status_code == 403
    assert developer.get(reverse("clusters:cluster_detail", args=["harbour"])).status_code == 403


def test_registering_connects_and_seals_the_token(platform: Client, cluster: Cluster) -> None:
    data = {"name": "bay", "title": "Bay", "kubeconfig": kubeconfig(cluster.url)}
    answer = platform.post(reverse("clusters:cluster_new"), data, follow=True)
    row = ClusterRow.objects.get(name="bay")
    assert (row.state, row.version) == (ClusterRow.State.CONNECTED, "v1.33.2+simulated")
    assert TOKEN not in row.token_sealed + answer.content.decode()
    assert "answers: Kubernetes v1.33.2" in answer.content.decode()
    assert Event.objects.filter(action="cluster.registered", object_id=str(row.pk)).exists()


def test_registering_a_bad_kubeconfig_says_why_and_shows_it_never_again(platform: Client) -> None:
    bad = kubeconfig("http://kube.example", token="very-secret")
    answer = platform.post(reverse("clusters:cluster_new"), {"name": "bay", "kubeconfig": bad})
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "must be an https address" in text
    assert "very-secret" not in text
    assert not ClusterRow.objects.exists()


def test_a_taken_name_is_refused(platform: Client) -> None:
    cluster_row()
    data = {"name": "harbour", "kubeconfig": kubeconfig("https://kube.example")}
    answer = platform.post(reverse("clusters:cluster_new"), data)
    assert "There is a cluster harbour already" in answer.content.decode()


def test_checking_tells_what_is_wrong(platform: Client, cluster: Cluster) -> None:
    row = cluster_row(cluster.url, "wrong")
    url = reverse("clusters:cluster_check", args=["harbour"])
    platform.post(url)
    row.refresh_from_db()
    assert row.state == ClusterRow.State.REFUSED
    cluster.stop()
    assert "cannot be reached" in platform.post(url, follow=True).content.decode()
    row.refresh_from_db()
    assert row.state == ClusterRow.State.UNREACHABLE
    cluster.start()


def test_replacing_the_token_connects_again(platform: Client, cluster: Cluster) -> None:
    row = cluster_row(cluster.url, "wrong")
    url = reverse("clusters:cluster_credentials", args=["harbour"])
    assert platform.post(url, {"kubeconfig": "- nonsense"}).status_code == 422
    platform.post(url, {"kubeconfig": kubeconfig(cluster.url)})
    row.refresh_from_db()
    assert row.state == ClusterRow.State.CONNECTED


def test_environments_are_added_once(platform: Client, places: Any) -> None:
    url = reverse("clusters:environment_new", args=["harbour"])
    new = {"name": "test", "namespace": "shop-test", "position": "3"}
    platform.post(url, new)
    assert Environment.objects.get(name="test").namespace == "shop-test"
    for wrong, why in (({"name": "test"}, "environment test already"), ({"namespace": "shop"}, "belongs to")):
        answer = platform.post(url, new | {"name": "other"} | wrong)
        assert answer.status_code == 422
        assert why in answer.content.decode()


def test_cluster_detail_names_what_could_not_be_read(platform: Client, places: Any) -> None:
    row = places[0].cluster
    row.watches.create(api_version="v1", kind="Pod", malformed=["Pod/odd: spec is str"], problem="refused")
    text = platform.get(reverse("clusters:cluster_detail", args=["harbour"])).content.decode()
    assert "1 could not be read" in text
    assert "Pod/odd: spec is str" in text
    assert "This cluster is simulated" in text


def test_a_cluster_nobody_hears_needs_the_platform(platform: Client, places: Any) -> None:
    assert "cannot be seen" in platform.get(reverse("home")).content.decode()
    picture.heard(places[0])
    assert "cannot be seen" not in platform.get(reverse("home")).content.decode()


# the service's page


def test_environment_cards_show_production_first(developer: Client, web: Entity, places: Any) -> None:
    staging, production = places
    picture.running(REF, staging)
    picture.running(REF, production, well=False)
    text = page(developer, web)
    assert text.index("#env-production") < text.index("#env-staging")
    assert "0 / 2" in text
    assert "1.4.2" in text
    assert "Degraded in production" in text


def test_a_service_that_runs_nowhere_has_no_cards_and_an_empty_tab(developer: Client, web: Entity) -> None:
    assert 'class="envs"' not in page(developer, web)
    assert "Nothing of it runs in a cluster we watch" in page(developer, web, "live")


def test_a_finding_says_what_and_why_and_links_its_fix(developer: Client, web: Entity, places: Any) -> None:
    picture.running(REF, places[1], well=False)
    text = page(developer, web)
    assert "ran out of memory" in text
    assert "What helps" in text
    assert "btn-fix" not in text
    fixes.sources.append(lambda request, entity, fix: f"/change/{entity.name}?{fix['value']}")
    try:
        assert 'href="/change/web?192Mi"' in page(developer, web)
    finally:
        fixes.sources.pop()


def test_what_is_stale_is_never_shown_as_live(developer: Client, web: Entity, places: Any) -> None:
    picture.running(REF, places[1], well=False)
    picture.heard(places[1], timezone.now() - timedelta(minutes=10))
    text = page(developer, web)
    assert "last seen" in text
    assert "ran out of memory" not in text
    assert "is-bad" not in text
    assert "This is what was seen then, not what is" in page(developer, web, "live")


def test_live_shows_pods_containers_events(developer: Client, web: Entity, places: Any) -> None:
    picture.running(REF, places[1], well=False)
    now = timezone.now()
    KubeEvent.objects.create(
        cluster=places[1].cluster, environment=places[1], uid="1", entity_ref=REF, involved_kind="Pod",
        involved_name="web-0", reason="BackOff", message="restarting", is_warning=True, first_at=now,
        last_at=now,
    )  # fmt: skip
    text = page(developer, web, "live")
    for said in (
        "web-production-0",
        "CrashLoopBackOff",
        "OOMKilled",
        "exit code 137",
        "4 restarts",
        "BackOff",
    ):
        assert said in text
    assert "Simulated cluster" in text
    part = developer.get(reverse("clusters:entity_live", args=["component", "default", "web"]))
    assert part.content.decode().lstrip().startswith('<div id="live"')


def test_live_reads_the_picture_in_few_queries(
    developer: Client, web: Entity, places: Any, django_assert_num_queries: Any
) -> None:
    url = reverse("clusters:entity_live", args=["component", "default", "web"])
    picture.running(REF, places[1], pods=1, well=False)
    developer.get(url)
    with django_assert_num_queries(QUERIES):
        developer.get(url)
    picture.running(REF, places[0], pods=12, well=False)
    with django_assert_num_queries(QUERIES):
        developer.get(url)


QUERIES = 10


@pytest.fixture
def really(cluster: Cluster, web: Entity) -> tuple[Environment, str]:
    """A pod of the service that really is in the cluster, and in the picture by name."""
    from services.clusters.models import KubeObject

    _, production = environments(cluster_row(cluster.url, TOKEN))
    said = {"slipway.dev/simulate-log": "password=hunter2 for jdbc://me:hunter2@db/x"}
    with cluster.client() as kube:
        kube.apply(deployment("web", replicas=1, annotations=said, entity=REF))
        started = lambda: [  # noqa: E731  # a condition
            pod for pod in kube.list("v1", "Pod", "shop").items if pod["status"]["phase"] == "Running"
        ]
        name = eventually(started)[0]["metadata"]["name"]
    KubeObject.objects.create(
        cluster=production.cluster, environment=production, api_version="v1", kind="Pod", namespace="shop",
        name=name, uid="u", entity_ref=REF, data={"spec": {"containers": [{"name": "app"}]}},
    )  # fmt: skip
    return production, name


def log_url(pod: str, container: str = "app", environment: str = "production") -> str:
    return reverse("clusters:pod_log", args=["component", "default", "web", environment, pod, container])


def test_logs_are_bounded_and_redacted(developer: Client, really: Any) -> None:
    text = developer.get(log_url(really[1])).content.decode()
    assert "listening on :8080" in text
    assert "hunter2" not in text
    part = developer.get(log_url(really[1]), headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith('<figure class="log"')


def test_a_log_that_is_not_there_says_why(developer: Client, really: Any) -> None:
    text = developer.get(log_url(really[1]) + "?previous=1").content.decode()
    assert "previous terminated container" in text


def test_logs_are_for_the_owners_and_of_their_own_pods(client: Client, really: Any) -> None:
    client.force_login(member("jonas", "discovery"))
    assert client.get(log_url(really[1])).status_code == 404
    client.force_login(platform_engineer())
    assert client.get(log_url(really[1])).status_code == 200
    assert client.get(log_url("somebody-elses-pod")).status_code == 404
    assert client.get(log_url(really[1], environment="nowhere")).status_code == 404
    assert client.get(log_url(really[1], container="nothing")).status_code == 404


def test_the_palette_finds_clusters_for_the_platform(platform: Client) -> None:
    cluster_row()
    text = platform.get(reverse("palette"), {"q": "harb"}).content.decode()
    assert reverse("clusters:cluster_detail", args=["harbour"]) in text


# delivery


def test_an_environment_says_who_delivers_to_it(platform: Client, cluster: Cluster) -> None:
    environments(cluster_row(cluster.url, TOKEN))
    url = reverse("clusters:environment_delivery", args=["harbour", "staging"])
    assert "Delivery to Staging" in platform.get(url).content.decode()
    assert platform.get(url.replace("harbour", "other")).status_code == 404
    wrong = platform.post(url, {"tool": "argo", "namespace": "A b", "patience": 3})
    assert wrong.status_code == 422
    assert "There is no “argo” here" in wrong.content.decode()
    done = platform.post(url, {"tool": "argocd", "namespace": "gitops", "patience": 60}, follow=True)
    text = done.content.decode()
    assert "Argo CD delivers to Staging; it has 0 Applications." in text
    assert "argoproj.io" in text  # the role it needs is shown with it
    staging = Environment.objects.get(name="staging")
    assert staging.settings == {"delivery": {"by": "argocd", "namespace": "gitops", "patience": 60}}
    cluster.stop()
    gone = platform.post(url, {"tool": "flux"}, follow=True).content.decode()
    assert "Flux is set, but cannot be seen" in gone
    assert (
        "Slipway applies to Staging itself." in platform.post(url, {"tool": ""}, follow=True).content.decode()
    )
    staging.refresh_from_db()
    assert (staging.settings, staging.delivered_by) == ({}, "")
    cluster.start()

"""Git against a cluster in which people really changed things: seen, shown, put back, kept."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from services.catalog.models import Entity
from services.clusters.models import Cluster as ClusterRow
from services.clusters.models import Drift
from services.integrations.githosts.base import Person
from services.integrations.kube.objects import Ref
from services.manifests.emit import dump
from services.onboarding import actions, drifting, tasks
from services.onboarding.errors import NotAllowed, WrongState
from services.onboarding.models import Request, Rollout, State
from tests.effects_driver import run_due_effects
from tests.factories import picture
from tests.factories.clusters import cluster_row, environments
from tests.factories.requests import make_request
from tests.fakes.cluster import TOKEN, Cluster, deployment, eventually

from .conftest import REPO
from .test_delivering import application, put

REF = "component:default/web"
FOLDER = "apps/checkout/web/staging"
WEB = Ref("apps/v1", "Deployment", "web", "shop-staging")
SETTINGS = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web", "namespace": "shop-staging"}}


@pytest.fixture
def web(people, host, cluster: Cluster) -> SimpleNamespace:
    """A service that runs in staging as git says."""
    staging, _ = environments(cluster_row(cluster.url, TOKEN))
    entity = Entity.objects.create(
        ref=REF, kind="Component", name="web", type="service", owner_ref="group:default/checkout"
    )
    env = [{"name": "MODE", "value": "fast"}, {"name": "API_TOKEN", "value": "from-git"}]
    objs = [deployment("web", "shop-staging", env=env), SETTINGS | {"data": {"color": "red"}}]
    files = {f"{FOLDER}/{each['kind'].lower()}.yaml": dump([each]).encode() for each in objs}
    host.commit(REPO, files=files, author=Person("mira", "Mira"), message="Web")
    with cluster.client() as kube:
        for obj in objs:
            kube.apply(obj)
    row = Drift.objects.create(environment=staging, entity_ref=REF)
    return SimpleNamespace(**vars(people), host=host, staging=staging, entity=entity, row=row)


def by_hand(cluster: Cluster, change: dict[str, Any], ref: Ref = WEB) -> None:
    """As kubectl does it."""
    with cluster.client() as kube:
        live = kube.get(ref)
    target = cluster.server.api
    kind = cluster.world.store.kinds.of(ref.api_version, ref.kind)
    from portal.demo.cluster import patches
    from portal.demo.cluster.api import Target

    with cluster.world.store.lock:
        where = Target(kind, ref.namespace, live["metadata"]["name"])
        target.patch(where, change, {"fieldManager": "kubectl-edit"}, patches.strategic)


def container(**fields: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"name": "app"} | fields]}}}}


CHANGED = container(env=[{"name": "MODE", "value": "slow"}, {"name": "EXTRA", "value": "1"}])


def look(web: SimpleNamespace) -> Drift:
    return drifting.look(Drift.objects.select_related("environment__cluster").get(), web.entity)


def paths(row: Drift) -> dict[str, tuple[str, str]]:
    return {each["path"].rpartition("containers[0].")[2]: (each["git"], each["live"]) for each in row.fields}


def test_what_runs_as_git_says_is_the_same(web, cluster) -> None:
    row = look(web)
    assert (row.state, row.fields, row.since, row.commit) == ("same", [], None, web.host.head(REPO))


def test_what_people_changed_is_seen_and_put_back(web, cluster, client: Client) -> None:
    by_hand(cluster, CHANGED)
    by_hand(cluster, {"data": {"color": "blue", "more": "x"}}, Ref("v1", "ConfigMap", "web", "shop-staging"))
    row = look(web)
    assert paths(row) == {
        "env[0].value": ("fast", "slow"),
        "env[4]": ("", 'name: EXTRA\nvalue: "1"'),
        "data.color": ("red", "blue"),
        "data.more": ("", "x"),
    }
    assert {each["manager"] for each in row.fields} == {"kubectl-edit"}
    client.force_login(web.mira)
    url = "/drift/component/default/web/staging/"
    page = client.get(url).content.decode()
    assert "do-put-back" in page
    assert "kubectl-edit" in page
    for _ in range(2):
        client.post(f"{url}put-back/")
    run_due_effects()
    row.refresh_from_db()
    assert (row.state, row.count, row.since) == ("same", 0, None)
    with cluster.client() as kube:
        env = kube.get(WEB)["spec"]["template"]["spec"]["containers"][0]["env"]
        assert [each["name"] for each in env] == ["MODE", "API_TOKEN"]
        assert kube.get(Ref("v1", "ConfigMap", "web", "shop-staging"))["data"] == {"color": "red"}
    with pytest.raises(WrongState):
        actions.put_back(drift=row, by=web.mira)


def test_what_is_kept_becomes_a_pull_request_with_just_that(web, cluster, client: Client) -> None:
    by_hand(
        cluster, container(image="registry.larkfield.shop/web:1.4.3", env=[{"name": "MODE", "value": "slow"}])
    )
    row = look(web)
    key = next(each["key"] for each in row.fields if each["path"].endswith("value"))
    client.force_login(web.mira)
    assert (
        "Choose what to keep"
        in client.post("/drift/component/default/web/staging/keep/", follow=True).content.decode()
    )
    answer = client.post("/drift/component/default/web/staging/keep/", {"field": [key]})
    kept = Request.objects.get()
    assert answer.headers["Location"] == kept.get_absolute_url()
    run_due_effects()
    kept.refresh_from_db()
    (change,) = web.host.diff(REPO, kept.pull_number)
    assert change.old.replace(b"value: fast", b"value: slow") == change.new
    again = actions.keep(drift=row, by=web.mira, keys=[key])
    assert (again.outcome, again.request) == ("unchanged", kept)


def test_secrets_are_masked_and_others_may_only_look(web, cluster, client: Client) -> None:
    by_hand(cluster, container(env=[{"name": "API_TOKEN", "value": "typed-in-by-hand"}]))
    row = look(web)
    assert "typed-in" not in str(row.fields) + str(row.problem)
    client.force_login(web.jonas)
    page = client.get("/drift/component/default/web/staging/").content.decode()
    assert "do-put-back" not in page
    assert "API_TOKEN" not in page or "typed-in" not in page
    for way in ("put-back", "keep"):
        text = client.post(f"/drift/component/default/web/staging/{way}/", follow=True).content.decode()
        assert "settled by the team it belongs to" in text
    with pytest.raises(NotAllowed):
        actions.put_back(drift=row, by=web.jonas)


def test_what_is_on_its_way_is_no_drift(web, cluster) -> None:
    by_hand(cluster, CHANGED)
    request = make_request(web.mira, state=State.MERGED, entity_ref=REF)
    request.rollouts.create(environment="staging", state=Rollout.State.APPLYING)
    row = look(web)
    assert (row.state, row.problem) == ("moving", f"{request.ref} is on its way")
    request.rollouts.all().delete()
    assert look(web).state == "differs"


def test_an_autoscaler_decides_how_many_there_are(web, cluster) -> None:
    by_hand(cluster, {"spec": {"replicas": 4}})
    assert list(paths(look(web))) == ["spec.replicas"]
    spec = {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "minReplicas": 1, "maxReplicas": 5}
    about = {"name": "web", "namespace": "shop-staging"}
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": about,
        "spec": spec,
    }
    with cluster.client() as kube:
        kube.apply(scaler)
    web.host.commit(
        REPO, files={f"{FOLDER}/hpa.yaml": dump([scaler]).encode()}, author=Person("m", "M"), message="Scale"
    )
    assert look(web).state == "same"


def test_what_argo_delivers_argo_puts_back(web, cluster) -> None:
    web.staging.settings = {"delivery": {"by": "argocd"}}
    web.staging.save()
    put(cluster, application(FOLDER))
    eventually(lambda: look(web).state == "same")
    by_hand(cluster, container(image="registry.larkfield.shop/web:9"))
    row = look(web)
    assert row.state == "differs"
    actions.put_back(drift=row, by=web.mira)
    run_due_effects()
    eventually(lambda: look(web).state == "same")


def test_the_round_takes_what_runs_and_forgets_what_does_not(
    web, cluster, django_assert_max_num_queries
) -> None:
    Drift.objects.create(environment=web.staging, entity_ref="component:default/gone")
    picture.running(REF, web.staging)
    assert tasks.drift() == 1
    assert [(each.entity_ref, each.state) for each in Drift.objects.all()] == [(REF, "same")]
    assert tasks.drift() == 0  # it was just compared


def test_a_cluster_that_is_away_says_so_and_keeps_what_was_seen(web, cluster) -> None:
    by_hand(cluster, CHANGED)
    before = look(web)
    cluster.stop()
    row = look(web)
    assert (row.state, row.count) == ("unknown", before.count)
    assert row.problem
    ClusterRow.objects.update(state="unreachable", problem="No answer")
    assert "cannot be asked" in look(web).problem
    cluster.start()
    ClusterRow.objects.update(state="connected")
    assert look(web).state == "differs"


def test_the_list_is_filtered_by_its_address(
    web, cluster, client: Client, django_assert_max_num_queries
) -> None:
    by_hand(cluster, CHANGED)
    look(web)
    client.force_login(web.jonas)

    def listed(query: str) -> str:
        return client.get(f"/drift/{query}").content.decode()

    assert "kubectl-edit" in listed("")
    assert "kubectl-edit" in listed("?team=checkout&environment=staging&q=we&sort=-count")
    for query in ("?team=payments", "?environment=production", "?q=cart", "?show=same"):
        assert "Nothing here" in listed(query)
    text = listed("?format=csv&show=all")
    assert text.splitlines()[0].startswith("service,environment,state")
    assert text.count("kubectl-edit") == 2
    for number in range(3):
        Drift.objects.create(environment=web.staging, entity_ref=f"component:default/x{number}")
    with django_assert_max_num_queries(12):
        listed("?show=all")


def test_the_live_tab_says_it(web, cluster, client: Client) -> None:
    by_hand(cluster, CHANGED)
    look(web)
    picture.running(REF, web.staging)
    client.force_login(web.mira)
    page = client.get(f"{web.entity.get_absolute_url()}?tab=live").content.decode()
    assert "Not as git says" in page
    assert "/drift/component/default/web/staging/" in page

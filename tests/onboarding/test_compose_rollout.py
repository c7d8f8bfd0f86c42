"""A request of several parts on its way: applied in order, watched part by part, in the catalog."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from services.catalog.models import Entity
from services.clusters.models import Cluster, Environment, KubeObject
from services.integrations.githosts.base import Person
from services.manifests.emit import dump
from services.onboarding import actions, applying, proposals, queries, reading_api, tasks
from services.onboarding.errors import WrongState
from services.onboarding.models import Request, RequestPart, Rollout, State
from services.onboarding.queries.rollouts import fix_in_fields
from tests.factories.clusters import cluster_row
from tests.factories.clusters import environments as make_environments
from tests.factories.requests import make_request
from tests.fakes.cluster import TOKEN, eventually
from tests.onboarding.conftest import EXPENSIVE, REPO, answers

CACHE = "resource:default/wishlist-cache"


def applied(kind: str, name: str, api_version: str = "apps/v1") -> dict[str, Any]:
    ref = "component:default/wishlist" if name == "wishlist" else f"resource:default/{name}"
    return {
        "api_version": api_version, "kind": kind, "name": name, "namespace": "shop-staging", "generation": 1,
        "entity": ref,
    }  # fmt: skip


@pytest.fixture
def rolling(people, environments) -> Request:
    row = make_request(people.mira, state=State.ROLLING_OUT)
    RequestPart.objects.create(
        request=row, key="cache", blueprint="cache", entity_ref=CACHE, is_open=True,
        title="Cache", icon="bolt", entity=descriptor("wishlist-cache"),
    )  # fmt: skip
    running = [applied("Deployment", "wishlist"), applied("StatefulSet", "wishlist-cache")]
    row.rollouts.create(environment="staging", state=Rollout.State.PROGRESSING, applied=running)
    Cluster.objects.update(heard_at=timezone.now())
    return row


def descriptor(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "backstage.io/v1alpha1", "kind": "Resource", "metadata": {"name": name},
        "spec": {"type": "cache", "owner": "group:default/checkout"},
    }  # fmt: skip


def seen(row: Request, kind: str, name: str, health: str = "Healthy") -> KubeObject:
    place = Environment.objects.get(name="staging")
    about = {"name": name, "namespace": place.namespace, "generation": 1}
    status = {"readyReplicas": 1}
    return KubeObject.objects.create(
        cluster=place.cluster, environment=place, api_version="apps/v1", kind=kind, namespace=place.namespace,
        name=name, uid=name, entity_ref=applied(kind, name)["entity"], health=health,
        data={"metadata": {**about, "annotations": {"slipway.dev/request": row.ref}}, "status": status},
    )  # fmt: skip


def test_a_rollout_is_as_far_as_its_last_part(rolling) -> None:
    Rollout.objects.update(
        applied=[{**each, "request": rolling.ref} for each in rolling.rollouts.get().applied]
    )
    seen(rolling, "Deployment", "wishlist")
    assert queries.pictures(rolling) == {}, "the cache was not seen yet"
    cache = seen(rolling, "StatefulSet", "wishlist-cache", "Progressing")
    picture = queries.pictures(rolling)["staging"]
    assert (picture.state, picture.ready, picture.current) == (Rollout.State.PROGRESSING, 2, True)
    assert [(each["entity"], each["state"]) for each in picture.parts] == [
        ("component:default/wishlist", "healthy"), (CACHE, "progressing"),
    ]  # fmt: skip
    KubeObject.objects.filter(pk=cache.pk).update(health="Degraded")
    assert queries.pictures(rolling)["staging"].state == Rollout.State.FAILING
    actions.rollouts_seen(rolling, queries.pictures(rolling))
    assert rolling.rollouts.get().parts[1]["state"] == "failing"


def test_the_clusters_news_of_a_part_concern_the_request(rolling) -> None:
    assert list(queries.to_follow().about(CACHE)) == [rolling]
    assert not queries.to_follow().about("resource:default/other").exists()


def test_a_fix_of_what_runs_leads_to_the_field_of_its_part(rolling) -> None:
    fix = {"field": "memory", "value": "512Mi"}
    assert fix_in_fields(rolling, fix, CACHE) == {
        "field": "cache-memory", "value": "512Mi", "changes": {"cache-memory": 512},
    }  # fmt: skip
    assert fix_in_fields(rolling, fix, "component:default/wishlist") is None


def test_every_part_comes_into_the_catalog(rolling) -> None:
    register(rolling)
    register(rolling)
    found = Entity.objects.get(ref=CACHE)
    assert (found.onboarded_request, found.type) == (rolling.ref, "cache")
    assert Entity.objects.get(ref="component:default/wishlist").onboarded_request == rolling.ref


def register(row: Request) -> None:
    row.entity = descriptor("wishlist") | {"kind": "Component"}
    row.entity["spec"] = {"type": "service", "lifecycle": "production", "owner": "group:default/checkout"}
    row.save()
    claim = SimpleNamespace(payload={"request": row.pk, "generation": row.generation})
    tasks.register_entity(claim)


def test_what_is_under_way_as_a_part_is_neither_changed_nor_retired(rolling, people) -> None:
    register(rolling)
    entity = Entity.objects.get(ref=CACHE)
    assert queries.open_for(entity) == rolling
    with pytest.raises(WrongState, match=rolling.ref):
        actions.retire(entity_ref=entity.ref, by=people.priya, reason="Not needed")


def test_pages_and_programs_list_the_parts(rolling, people, client) -> None:
    client.force_login(people.sam)
    rolling.rollouts.update(parts=[{"entity": CACHE, "state": "failing", "message": "Full"}])
    html = client.get(f"/requests/{rolling.ref}/").content.decode()
    assert "wishlist-cache</b> Full" in html
    assert "<span>Cache</span>" in html
    said = reading_api.whole(rolling)["parts"]
    assert [(each["key"], each["entity"]) for each in said] == [("cache", CACHE)]
    assert "- Cache: `wishlist-cache`" in proposals.body(rolling)


SECRET = {
    "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
    "spec": {"data": [{"secretKey": "host"}]},
}  # fmt: skip
POD = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "web", "image": "a:1"}]}}
RUNS = {
    "apiVersion": "apps/v1", "kind": "Deployment",
    "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": POD},
}  # fmt: skip


@pytest.fixture
def merged(people, cluster, host) -> Request:
    """A service and its secret in the repository, merged and not applied."""
    place, _ = make_environments(cluster_row(cluster.url, TOKEN))
    texts = {
        f"apps/checkout/{folder}/staging/{kind['kind'].lower()}.yaml": dump(
            [kind | {"metadata": {"name": folder, "namespace": place.namespace}}]
        )
        for folder, kind in (("wishlist", RUNS), ("wishlist-db", SECRET))
    }
    files = {path: text.encode() for path, text in texts.items()}
    host.commit(REPO, files=files, author=Person("mira", "Mira"), message="Add")
    row = make_request(people.mira, state=State.MERGED, files=texts, merge_sha=host.head(REPO))
    row.rollouts.create(environment="staging", state=Rollout.State.APPLYING)
    return row


def add_part(row: Request) -> None:
    ref = "resource:default/wishlist-db"
    RequestPart.objects.create(request=row, key="db", blueprint="postgres", entity_ref=ref)


def test_what_runs_waits_for_what_it_reads(merged) -> None:
    add_part(merged)
    first = applying.apply_environment(merged, "staging")
    assert first.waits_for == "ExternalSecret wishlist-db"
    assert [each["kind"] for each in first.applied] == ["ExternalSecret"]
    assert eventually(lambda: not applying.apply_environment(merged, "staging").waits_for)
    done = applying.apply_environment(merged, "staging")
    assert [each["kind"] for each in done.applied] == ["ExternalSecret", "Deployment"]


def test_nothing_takes_a_part_back_behind_what_was_done_to_it_since(merged, people, host) -> None:
    add_part(merged)
    author = Person("noah", "Noah")
    host.commit(REPO, files={"README.md": b"Later\n"}, author=author, message="Later")
    later = make_request(people.noah, state=State.LIVE, merge_sha=host.head(REPO), name="wishlist-db")
    Request.objects.filter(pk=later.pk).update(entity_ref="resource:default/wishlist-db")
    later.rollouts.create(environment="staging", applied_at=timezone.now())
    assert applying.commit_for(merged, "staging") == later.merge_sha


@pytest.mark.parametrize(
    ("waited", "waits"), [(applying.SILENT, False), (applying.PATIENT, False), (None, True)]
)
def test_it_does_not_wait_for_ever(merged, waited, waits) -> None:
    add_part(merged)
    assert bool(applying.apply_environment(merged, "staging", waited).waits_for) is waits


def test_a_request_of_one_part_waits_for_nothing(merged) -> None:
    assert len(applying.apply_environment(merged, "staging").applied) == 2


def test_the_effect_looks_again_and_says_what_it_waits_for(merged) -> None:
    add_part(merged)
    payload = {"request": merged.pk, "generation": merged.generation, "environment": "staging"}
    claim = SimpleNamespace(pk=0, payload=payload | {"merge_sha": merged.merge_sha})
    assert tasks.apply(claim).reason == "Waits for ExternalSecret wishlist-db."
    assert merged.rollouts.get().message == "Waits for ExternalSecret wishlist-db"
    assert eventually(lambda: isinstance(tasks.apply(claim), tasks.Done))


def test_an_exception_is_asked_for_the_part_it_concerns(world) -> None:
    said = answers(**EXPENSIVE, **{"+parts": ["cache:cache"]})
    row = actions.save_draft(by=world.mira, blueprint="web-service", answers=said)
    asked = actions.ask_exemption(
        by=world.mira, request=row, guardrail="one-replica-stateful", environment="production", object="",
        reason="It may be lost.", until=timezone.localdate(),
    )  # fmt: skip
    assert asked.entity_ref == CACHE
    assert list(queries.asked_for([CACHE, "component:default/wishlist"])) == [asked]


def test_what_came_with_a_service_stays_when_it_goes(rolling, people) -> None:
    register(rolling)
    service = Entity.objects.get(ref="component:default/wishlist")
    assert [each.ref for each in queries.came_with(service)] == [CACHE]
    assert queries.came_with(Entity(ref="component:default/other")) == []


def test_the_simulated_operators_leave_the_keys_that_are_read(merged, cluster) -> None:
    """What reads a key that is not there never starts, here as anywhere."""
    applying.apply_environment(merged, "staging")
    found = cluster.world.store.find
    assert eventually(lambda: found("v1", "Secret", "shop-staging", "wishlist-db") is not None)
    assert set(found("v1", "Secret", "shop-staging", "wishlist-db")["data"]) == {"host"}

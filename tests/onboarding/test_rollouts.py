"""The watched picture, read for a rollout: is it what was applied, how is it, what is wrong."""

from typing import Any

import pytest
from django.utils import timezone

from services.clusters.models import KubeObject
from services.onboarding import queries
from services.onboarding.models import Request, Rollout, State
from services.onboarding.queries.rollouts import fix_in_fields
from tests.factories.requests import make_request

APPLIED = [
    {"kind": "Service", "name": "wishlist", "generation": 0},
    {"kind": "Deployment", "name": "wishlist", "generation": 2},
]


@pytest.fixture
def row(people, environments) -> Request:
    cluster = environments[0].cluster
    cluster.heard_at = timezone.now()
    cluster.save()
    row = make_request(people.mira, state=State.ROLLING_OUT)
    row.rollouts.create(environment="staging", state=Rollout.State.PROGRESSING, applied=APPLIED)
    return row


def seen(row: Request, environment: Any, health: str = "Healthy", **over: Any) -> KubeObject:
    said = {"request": row.ref, "generation": 2} | over
    metadata = {
        "name": "wishlist",
        "namespace": environment.namespace,
        "generation": said["generation"],
        "annotations": {"slipway.dev/request": said["request"]},
    }
    return KubeObject.objects.create(
        cluster=environment.cluster,
        environment=environment,
        api_version="apps/v1",
        kind="Deployment",
        namespace=environment.namespace,
        name="wishlist",
        uid="u1",
        entity_ref=row.entity_ref,
        health=health,
        data={"metadata": metadata, "spec": {"replicas": 2}, "status": {"readyReplicas": 1}},
    )


@pytest.mark.parametrize(
    ("health", "state"),
    [("Healthy", "healthy"), ("Degraded", "failing"), ("Missing", "failing"), ("Progressing", "progressing")],
)
def test_health_becomes_a_state(row, environments, health, state) -> None:
    seen(row, environments[0], health)
    picture = queries.pictures(row)["staging"]
    assert (picture.state, picture.ready, picture.desired, picture.current) == (state, 1, 2, True)


def test_nothing_seen_yet_is_no_picture(row) -> None:
    assert queries.pictures(row) == {}


@pytest.mark.parametrize("over", [{"request": "R-1"}, {"generation": 1}])
def test_what_was_there_before_is_not_current(row, environments, over) -> None:
    seen(row, environments[0], **over)
    assert not queries.pictures(row)["staging"].current


def test_a_stale_picture_is_not_current(row, environments) -> None:
    seen(row, environments[0])
    environments[0].cluster.heard_at = None
    environments[0].cluster.save()
    assert not queries.pictures(row)["staging"].current


def test_where_nothing_runs_applied_is_healthy(row) -> None:
    row.rollouts.update(applied=[{"kind": "Service", "name": "wishlist", "generation": 0}])
    assert queries.pictures(row)["staging"].state == Rollout.State.HEALTHY


def test_an_image_that_cannot_be_pulled_fails_before_its_deadline(row, environments) -> None:
    top = seen(row, environments[0], "Progressing")
    state = {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}
    container = {"name": "app", "image": "registry.larkfield.shop/wishlist:99", "state": state}
    KubeObject.objects.create(
        cluster=top.cluster,
        environment=top.environment,
        api_version="v1",
        kind="Pod",
        namespace=top.namespace,
        name="wishlist-1",
        uid="u2",
        owner_uid="u1",
        entity_ref=row.entity_ref,
        health="Degraded",
        data={
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "wishlist-1", "namespace": top.namespace},
            "spec": {"containers": [{"name": "app", "image": container["image"]}]},
            "status": {"phase": "Pending", "containerStatuses": [container]},
        },
    )
    picture = queries.pictures(row)["staging"]
    assert picture.state == Rollout.State.FAILING
    assert picture.finding["id"] == "image-pull"
    assert picture.finding["fix"]["changes"] == {}


@pytest.mark.parametrize(
    ("fix", "changes"),
    [
        ({"field": "memory_limit", "value": "192Mi"}, {"memory_limit": 192}),
        ({"field": "memory_limit", "value": "1.5Gi"}, {"memory_limit": 1536}),
        ({"field": "cpu_request", "value": "250m"}, {"cpu_request": 250}),
        ({"field": "cpu_request", "value": "odd"}, {}),
        ({"field": "image"}, {}),
        ({"field": "image", "value": "a/b:1"}, {"image": "a/b:1"}),
        ({"field": "elsewhere", "value": 1}, None),
        (None, None),
    ],
)
def test_a_fix_in_the_names_and_units_of_the_form(fix, changes) -> None:
    found = fix_in_fields(Request(blueprint="web-service"), fix)
    assert (found and found["changes"]) == changes


def test_a_fix_of_a_blueprint_that_is_gone_is_none() -> None:
    assert fix_in_fields(Request(blueprint="gone"), {"field": "image"}) is None

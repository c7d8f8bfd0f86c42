"""The whole way against a real git repository, and a cluster over HTTP whose pods really start, or do not."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services.catalog.queries import find
from services.clusters.actions import replace_credentials
from services.clusters.watching.kinds import WATCHED
from services.clusters.watching.loop import Watcher
from services.clusters.watching.streams import Pace
from services.integrations.githosts.base import Person
from services.integrations.kube.kubeconfig import Credentials
from services.integrations.kube.objects import Ref
from services.onboarding import actions, queries, tasks
from services.onboarding.models import Request, Rollout, State
from tests.effects_driver import run_due_effects
from tests.fakes.cluster import TOKEN

from .conftest import REPO, answers, said

BOTH = ["staging", "production"]
KINDS = tuple(k for k in WATCHED if k.kind in ("Deployment", "ReplicaSet", "Pod", "Event", "Service"))


@pytest.fixture
def harbour(world, environments, cluster) -> Iterator[Callable[..., None]]:
    """The environments are in the simulated cluster, which is watched; call it to wait for a state."""
    replace_credentials(
        by=None, cluster=environments[0].cluster, credentials=Credentials(cluster.url, "", TOKEN)
    )
    watcher = Watcher(Pace(watch=1, backoff=0.05, heartbeat=0.1), KINDS)

    def until(row: Request, state: State, within: float = 30.0) -> None:
        end = time.monotonic() + within
        while row.state != state:
            assert time.monotonic() < end, (row.state, row.problem, list(row.rollouts.values()))
            watcher.step(wait=0.05)
            tasks.reconcile()
            run_due_effects()
            row.refresh_from_db()

    yield until
    for watched in watcher.watched.values():
        watched.stop()
    cluster.server.hang_up()
    watcher.leave(timeout=5)


def merged(world, row: Request) -> Request:
    run_due_effects()
    row.refresh_from_db()
    actions.approve(request=row, by=world.sam, tree_hash=row.tree_hash)
    actions.merge(request=row, by=world.mira, head=row.head_sha)
    run_due_effects()
    row.refresh_from_db()
    return row


def live(cluster: Any, namespace: str) -> Any:
    with cluster.client() as kube:
        return kube.find(Ref("apps/v1", "Deployment", "wishlist", namespace))


def test_from_the_form_to_live_in_two_environments(world, submit, harbour, cluster) -> None:
    row = merged(world, submit(environments=BOTH))
    harbour(row, State.LIVE)
    assert [r.state for r in row.rollouts.all()] == [Rollout.State.HEALTHY] * 2
    staging, production = row.rollouts.all()
    assert staging.healthy_at < production.applied_at
    assert live(cluster, "shop")["metadata"]["annotations"]["slipway.dev/request"] == row.ref
    assert find("component:default/wishlist").onboarded_request == row.ref
    assert [leg.state for leg in queries.legs(row)] == ["done", "todo", "done", "done", "done", "done"]
    assert said(row)[-1] == "live"


def test_an_image_that_does_not_exist_says_why_and_its_fix_leads_to_live(world, submit, harbour) -> None:
    row = merged(world, submit(image="registry.larkfield.shop/wishlist:does-not-exist"))
    harbour(row, State.NEEDS_ATTENTION)
    assert row.problem["step"] == "rollout"
    assert row.rollouts.get().finding["id"] == "image-pull"
    assert row.problem["fix"]["field"] == "image"
    assert "does-not-exist" in str(row.problem["evidence"])
    fixed = actions.reopen_as_draft(
        request=row, by=world.mira, changes={"image": "registry.larkfield.shop/wishlist:1.0.1"}
    )
    row = actions.edit_and_resubmit(
        request=fixed, by=world.mira, answers=fixed.draft_answers, generation=fixed.generation
    )
    row = merged(world, row)
    assert row.branch.endswith("-2")
    harbour(row, State.LIVE)
    assert world.host.proposal(REPO, 2).state == "merged"


def test_a_rollout_recovers_when_what_was_missing_comes(world, submit, harbour, cluster) -> None:
    secret = {"name": "PASSWORD", "secret": "wishlist-db", "key": "password"}
    row = merged(world, submit(secrets=[secret]))
    harbour(row, State.NEEDS_ATTENTION)
    assert row.problem["title"]
    with cluster.client() as kube:
        kube.apply(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": "wishlist-db", "namespace": "shop-staging"},
                "stringData": {"password": "x"},
            }
        )
    harbour(row, State.LIVE)
    assert "rollout_failed" in said(row)


def test_what_a_person_pushed_to_the_branch_is_applied_too(world, submit, harbour, cluster) -> None:
    row = submit()
    run_due_effects()
    row.refresh_from_db()
    extra = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra, namespace: shop-staging}\ndata: {a: b}\n"
    )
    world.host.commit(
        REPO,
        branch=row.branch,
        files={"apps/checkout/wishlist/staging/extra.yaml": extra.encode(), "apps/notes.md": b"x"},
        author=Person("noah", "Noah"),
        message="A setting more",
    )
    tasks.reconcile()
    row = merged(world, row)
    with cluster.client() as kube:
        assert kube.get(Ref("v1", "ConfigMap", "extra", "shop-staging"))["data"] == {"a": "b"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"a: [", "cannot be read"),
        (b"\xff", "cannot be read"),
        (b"kind: ClusterRoleBinding\nmetadata: {name: x}\n", "no namespace"),
        (b"kind: ConfigMap\nmetadata: {name: x, namespace: kube-system}\n", "kube-system"),
        (b"kind: ConfigMap\nmetadata: [x]\n", "no namespace"),
    ],
)
def test_what_does_not_belong_there_is_refused_before_anything_is_applied(
    world,
    submit,
    harbour,
    cluster,
    text,
    said,
) -> None:
    row = submit()
    run_due_effects()
    row.refresh_from_db()
    path = "apps/checkout/wishlist/staging/zz.yaml"
    world.host.commit(REPO, branch=row.branch, files={path: text}, author=Person("n", "N"), message="By hand")
    tasks.reconcile()
    row = merged(world, row)
    assert (row.state, row.problem["step"]) == (State.NEEDS_ATTENTION, "apply")
    assert said in row.problem["message"]
    with cluster.client() as kube:
        assert kube.list("apps/v1", "Deployment", "shop-staging").items == []


def test_a_cluster_that_is_away_is_waited_for(world, submit, harbour, cluster) -> None:
    cluster.stop()
    row = merged(world, submit())
    assert row.state == State.MERGED
    cluster.start()
    run_due_effects(skip_waits=True)
    harbour(row, State.LIVE)


def test_an_environment_that_is_gone_needs_attention(world, submit, environments) -> None:
    row = submit()
    run_due_effects()
    row.refresh_from_db()
    world.host.merge(REPO, 1, by=Person("sam", "Sam"), expected_head=row.head_sha, message="Merge")
    tasks.reconcile()
    environments[0].delete()
    run_due_effects()
    row.refresh_from_db()
    assert (row.state, row.problem["step"]) == (State.NEEDS_ATTENTION, "apply")
    assert "no environment staging" in row.problem["message"]
    assert answers()["environments"] == ["staging"]

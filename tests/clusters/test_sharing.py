"""Several watchers share the clusters: each cluster has one, and that of a dead one finds another."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from services.clusters.models import Cluster as ClusterRow
from services.clusters.models import KubeObject, Lease, Watch
from services.clusters.watching import streams
from services.clusters.watching.kinds import WATCHED
from services.clusters.watching.leases import Leases
from services.clusters.watching.loop import Watcher
from services.effects.models import Pulse
from services.integrations.kube.objects import Ref
from tests.clusters.test_watching import FAST, FEW, REF, leave, row, turn_until
from tests.factories.clusters import cluster_row, environments
from tests.fakes.cluster import PORTAL_TOKEN, TOKEN, Cluster, FaultyHandler, deployment

SETTINGS = tuple(kind for kind in WATCHED if kind.kind == "ConfigMap")
pytestmark = pytest.mark.django_db


def rows(count: int) -> list[int]:
    return [ClusterRow.objects.create(name=f"c{n}", server="http://127.0.0.1:9").pk for n in range(count)]


def ran_out(holder: str) -> None:
    """As when so much time has passed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE clusters_lease SET until = clock_timestamp() - interval '1 second' WHERE holder = %s",
            [holder],
        )


def test_one_alone_has_all_and_gives_half_to_a_second() -> None:
    clusters, one, two = rows(5), Leases(60, "one"), Leases(60, "two")
    assert one.turn(clusters) == set(clusters)
    assert two.turn(clusters) == set()
    assert len(one.turn(clusters)) == 3
    assert len(two.turn(clusters)) == 2
    assert one.held | two.held == set(clusters)
    assert not one.held & two.held
    assert one.turn(clusters) == one.held


def test_what_a_killed_one_had_is_taken_over_when_its_lease_ran_out() -> None:
    clusters, one, two = rows(2), Leases(60, "one"), Leases(60, "two")
    one.turn(clusters)
    two.turn(clusters)
    assert two.turn(clusters) == set()
    ran_out("one")
    assert two.turn(clusters) == set(clusters)
    assert one.confirm(clusters) == set()


def test_one_that_leaves_is_followed_at_once() -> None:
    clusters, one, two = rows(2), Leases(60, "one"), Leases(60, "two")
    one.turn(clusters)
    one.leave()
    assert two.turn(clusters) == set(clusters)
    assert (one.held, one.is_over) == (set(), True)


def test_by_its_own_clock_too_nothing_is_held_for_ever() -> None:
    clusters, one = rows(1), Leases(0.05, "one")
    assert one.turn(clusters) == set(clusters)
    time.sleep(0.06)
    assert one.is_over
    assert one.confirm(clusters) == set()


def test_a_cluster_that_is_gone_is_held_no_more() -> None:
    clusters, one = rows(2), Leases(60, "one")
    one.turn(clusters)
    assert one.turn(clusters[:1]) == {clusters[0]}


def test_what_ran_out_long_ago_is_forgotten() -> None:
    Leases(60, "one").turn(rows(1))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE clusters_lease SET until = until - interval '2 hours'")
    Leases(60, "two").forget()
    assert not Lease.objects.exists()
    assert str(Lease(name="cluster:1", holder="one")) == "cluster:1 by one"


@pytest.mark.django_db(transaction=True)
def test_while_one_writes_no_other_can_take_its_cluster_over() -> None:
    """Its lease has run out in the midst: who wants it waits until the writing is done."""
    clusters, one = rows(1), Leases(0.2, "one")
    one.turn(clusters)
    other = connection.copy()
    try:
        with transaction.atomic():
            assert one.confirm(clusters) == set(clusters)
            time.sleep(0.25)
            with other.cursor() as cursor:
                cursor.execute("SET lock_timeout = '100ms'")
                with pytest.raises(Exception, match="lock timeout"):
                    cursor.execute("UPDATE clusters_lease SET holder = 'two' WHERE until < clock_timestamp()")
    finally:
        other.close()
    assert Leases(60, "two").turn(clusters) == set(clusters)


@pytest.fixture
def sharing(cluster: Cluster) -> Iterator[tuple[Watcher, Watcher]]:
    environments(cluster_row(cluster.url, TOKEN))
    two = tuple(Watcher(FAST, FEW, Leases(60, name)) for name in ("one", "two"))
    yield two  # type: ignore[misc]  # two of them
    for each in two:
        leave(each, cluster)


def test_one_watches_the_other_waits_and_follows(cluster: Cluster, sharing: Any) -> None:
    one, two = sharing
    turn_until(one, lambda: Watch.objects.exclude(listed_at=None).count() == len(FEW))
    two.step(wait=0.01)
    assert (len(one.watched), len(two.watched)) == (1, 0)
    assert Pulse.objects.get(name="watcher").who == "two"
    ran_out("one")
    two._next["leases"] = 0.0
    with cluster.client() as kube:
        kube.apply(deployment("web", entity=REF))
    turn_until(two, lambda: row("Deployment"))
    KubeObject.objects.all().delete()
    one.step(wait=0.2)  # what it heard meanwhile it may not write any more
    assert not KubeObject.objects.exists()
    one._next["leases"] = 0.0
    one.step(wait=0.01)
    assert one.watched == {}


def test_one_that_ends_lets_go(cluster: Cluster, sharing: Any) -> None:
    one, _ = sharing
    one.step(wait=0.01)
    one.stop()
    one.run()
    assert not Lease.objects.exists()


# A token that may look at its namespaces only, and clusters too large for one page


def grant(cluster: Cluster, *namespaces: str) -> None:
    """As the role we show: in these namespaces, nowhere else."""
    version = "rbac.authorization.k8s.io/v1"
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}]
    user = [{"kind": "User", "name": "portal", "apiGroup": "rbac.authorization.k8s.io"}]
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "portal"}
    with cluster.client() as kube:
        for namespace in namespaces:
            about = {"name": "portal", "namespace": namespace}
            kube.create({"apiVersion": version, "kind": "Role", "metadata": about, "rules": rules})
            binding = {"apiVersion": version, "kind": "RoleBinding", "metadata": about, "roleRef": ref}
            kube.create(binding | {"subjects": user})


def test_with_rights_in_its_namespaces_alone_it_watches_those(cluster: Cluster) -> None:
    environments(cluster_row(cluster.url, PORTAL_TOKEN))
    grant(cluster, "shop", "shop-staging")
    watcher = Watcher(FAST, FEW)
    try:
        with cluster.client() as kube:
            for namespace in ("shop", "shop-staging"):
                kube.apply(deployment("web", namespace, entity=REF))
        turn_until(watcher, lambda: KubeObject.objects.filter(kind="Deployment").count() == 2)
        turn_until(watcher, lambda: ClusterRow.objects.get().heard_at)
        with cluster.client() as kube:
            kube.delete(Ref("apps/v1", "Deployment", "web", "shop"))
        turn_until(watcher, lambda: not row("Deployment", namespace="shop"))
        for stream in watcher.watched[ClusterRow.objects.get().pk].streams:
            stream.forget()  # a list of one namespace says nothing of the other
        turn_until(watcher, lambda: row("Deployment", namespace="shop-staging"))
        assert not Watch.objects.exclude(problem="").exists()
    finally:
        leave(watcher, cluster)


def test_a_large_cluster_is_read_page_by_page(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "PAGE", 2)
    environments(cluster_row(cluster.url, TOKEN))
    asked: list[str] = []

    def note(handler: FaultyHandler) -> bool:
        asked.extend([handler.path] if "/configmaps" in handler.path else [])
        return False

    cluster.faults.append(note)
    watcher = Watcher(FAST, SETTINGS)
    try:
        with cluster.client() as kube:
            for number in range(5):
                named = {"name": f"c{number}", "namespace": "shop"}
                kube.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": named})
        turn_until(watcher, lambda: KubeObject.objects.count() == 5)
        assert sum("continue=" in path for path in asked) == 2
        with cluster.client() as kube:
            kube.delete(Ref("v1", "ConfigMap", "c3", "shop"))
        for stream in watcher.watched[ClusterRow.objects.get().pk].streams:
            stream.forget()
        turn_until(watcher, lambda: KubeObject.objects.count() == 4)
    finally:
        leave(watcher, cluster)


def test_a_list_that_breaks_off_takes_nothing_away(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second page is never answered: what was in it before stays."""
    monkeypatch.setattr(streams, "PAGE", 2)
    environments(cluster_row(cluster.url, TOKEN))
    watcher = Watcher(FAST, SETTINGS)
    try:
        with cluster.client() as kube:
            for number in range(4):
                named = {"name": f"c{number}", "namespace": "shop"}
                kube.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": named})
        turn_until(watcher, lambda: KubeObject.objects.count() == 4)

        def refuse(handler: FaultyHandler) -> bool:
            if "continue=" not in handler.path:
                return False
            handler._send(503, json.dumps({"kind": "Status", "message": "later"}).encode())
            return True

        cluster.faults.append(refuse)
        for stream in watcher.watched[ClusterRow.objects.get().pk].streams:
            stream.forget()
        cluster.server.hang_up()
        turn_until(watcher, lambda: Watch.objects.exclude(problem="").exists())
        assert KubeObject.objects.count() == 4
    finally:
        leave(watcher, cluster)

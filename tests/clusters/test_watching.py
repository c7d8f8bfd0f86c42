"""The watcher against the simulated cluster over real HTTP: news, gaps, restarts and nonsense."""

import json
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from services.clusters import queries
from services.clusters.models import Cluster as ClusterRow
from services.clusters.models import Environment, KubeEvent, KubeObject, Watch
from services.clusters.signals import workload_changed
from services.clusters.watching.kinds import OPTIONAL, WATCHED, Kind
from services.clusters.watching.loop import Watcher
from services.clusters.watching.streams import News, Pace, Stream
from services.integrations.kube.objects import Ref
from tests.factories.clusters import cluster_row, environments
from tests.fakes.cluster import TOKEN, Cluster, FaultyHandler, deployment

FAST = Pace(watch=1, backoff=0.05, heartbeat=0.1)
REF = "component:default/web"
FEW = tuple(k for k in WATCHED if k.kind in ("Deployment", "ReplicaSet", "Pod", "Event"))

pytestmark = pytest.mark.django_db


@pytest.fixture
def places(cluster: Cluster) -> tuple[Environment, Environment]:
    return environments(cluster_row(cluster.url, TOKEN))


@pytest.fixture
def watcher(places: Any, cluster: Cluster) -> Iterator[Watcher]:
    made = Watcher(FAST, FEW)
    yield made
    leave(made, cluster)


def leave(watcher: Watcher, cluster: Cluster) -> None:
    """At once: the watches under way are cut."""
    for watched in [*watcher.watched.values(), *watcher.leaving]:
        watched.stop()
    cluster.server.hang_up()
    watcher.leave(timeout=5)


def turn_until(watcher: Watcher, check: Callable[[], Any], within: float = 15.0) -> Any:
    end = time.monotonic() + within
    while time.monotonic() < end:
        watcher.step(wait=0.05)
        if found := check():
            return found
    raise AssertionError(f"not within {within} s")


def listed(watcher: Watcher) -> None:
    """Until every kind has been read once."""
    turn_until(watcher, lambda: Watch.objects.exclude(listed_at=None).count() >= len(watcher.kinds))


def row(kind: str, **where: Any) -> KubeObject | None:
    return KubeObject.objects.filter(kind=kind, **where).first()


def test_what_runs_is_seen_with_whom_it_belongs_to(cluster: Cluster, watcher: Watcher) -> None:
    with cluster.client() as kube:
        kube.apply(deployment("web", entity=REF))
        kube.apply(deployment("elsewhere", "default", entity=REF))
    ready = lambda: (row("Deployment") or KubeObject()).status.get("readyReplicas") == 2  # noqa: E731  # short
    turn_until(watcher, ready)
    turn_until(watcher, lambda: KubeObject.objects.filter(kind="Pod", entity_ref=REF).count() == 2)
    assert set(KubeObject.objects.values_list("namespace", flat=True)) == {"shop"}
    pod = row("Pod")
    assert pod is not None
    assert pod.owner_uid == row("ReplicaSet").uid  # type: ignore[union-attr]  # seen above
    assert "managedFields" not in json.dumps(row("Deployment").data)  # type: ignore[union-attr]  # seen above
    turn_until(watcher, lambda: KubeEvent.objects.filter(entity_ref=REF, reason="Started").exists())


def test_the_cluster_says_how_fresh_its_picture_is(cluster: Cluster, watcher: Watcher) -> None:
    turn_until(watcher, lambda: ClusterRow.objects.get().heard_at)
    known = ClusterRow.objects.get()
    assert known.state == ClusterRow.State.CONNECTED
    assert known.version == "v1.33.2+simulated"
    assert not known.is_stale
    first = known.heard_at
    turn_until(watcher, lambda: ClusterRow.objects.get().heard_at > first)


def test_changes_and_deletions_arrive(cluster: Cluster, watcher: Watcher) -> None:
    ref = Ref("apps/v1", "Deployment", "web", "shop")
    with cluster.client() as kube:
        kube.apply(deployment("web", entity=REF))
        listed(watcher)
        kube.patch(ref, {"spec": {"replicas": 5}})
        turn_until(watcher, lambda: (row("Deployment") or KubeObject()).spec.get("replicas") == 5)
        kube.delete(ref)
    turn_until(watcher, lambda: not KubeObject.objects.exists())


def test_news_of_a_workload_is_told_to_those_above(cluster: Cluster, watcher: Watcher) -> None:
    heard: list[tuple[str, str]] = []

    def receiver(sender: Any, entity_ref: str, environment: Environment, **kwargs: Any) -> None:
        heard.append((entity_ref, environment.name))

    def broken(sender: Any, **kwargs: Any) -> None:
        raise RuntimeError("a receiver of somebody else")

    workload_changed.connect(receiver)
    workload_changed.connect(broken)
    try:
        with cluster.client() as kube:
            kube.apply(deployment("web", "shop-staging", entity=REF))
        turn_until(watcher, lambda: (REF, "staging") in heard)
        heard.clear()
        with cluster.client() as kube:
            kube.delete(Ref("apps/v1", "Deployment", "web", "shop-staging"))
        turn_until(watcher, lambda: (REF, "staging") in heard and not row("Deployment"))
    finally:
        workload_changed.disconnect(receiver)
        workload_changed.disconnect(broken)


def test_a_version_too_old_is_followed_by_a_new_list(cluster: Cluster, watcher: Watcher) -> None:
    """The server forgets everything before now, as after a long pause."""
    listed(watcher)
    before = Watch.objects.get(kind="Deployment").listed_at
    for stream in watcher.watched[ClusterRow.objects.get().pk].streams:
        assert stream._thread.is_alive()

    def too_old(handler: FaultyHandler) -> bool:
        if "watch=1" not in handler.path:
            return False
        cluster.world.store.floor = cluster.world.store.version + 1
        return False

    cluster.faults.append(too_old)
    turn_until(watcher, lambda: Watch.objects.get(kind="Deployment").listed_at > before)
    cluster.faults.clear()
    cluster.world.store.floor = cluster.world.store.version
    with cluster.client() as kube:
        kube.apply(deployment("web", entity=REF))
    turn_until(watcher, lambda: row("Deployment"))


def test_a_restart_of_the_server_loses_nothing(cluster: Cluster, watcher: Watcher) -> None:
    with cluster.client() as kube:
        kube.apply(deployment("web", entity=REF))
    turn_until(watcher, lambda: row("Deployment"))
    cluster.stop()
    turn_until(watcher, lambda: ClusterRow.objects.get().state == ClusterRow.State.UNREACHABLE)
    assert row("Deployment")
    cluster.start()
    with cluster.client() as kube:
        kube.delete(Ref("apps/v1", "Deployment", "web", "shop"))
        kube.apply(deployment("other", entity=REF))
    turn_until(watcher, lambda: row("Deployment", name="other") and not row("Deployment", name="web"))
    turn_until(watcher, lambda: ClusterRow.objects.get().state == ClusterRow.State.CONNECTED)


def _patched(kind: str, change: Callable[[dict[str, Any]], Any]) -> Callable[[FaultyHandler], bool]:
    """A fault that spoils what a list of `kind` answers."""

    def fault(handler: FaultyHandler) -> bool:
        if handler.command != "GET" or f"/{kind}" not in handler.path or "watch=1" in handler.path:
            return False
        send = handler._send

        def spoiled(code: int, body: Any, content_type: str = "application/json") -> None:
            send(code, change(body) if isinstance(body, dict) else body, content_type)

        handler._send = spoiled  # type: ignore[method-assign]  # this request only
        try:
            super(FaultyHandler, handler)._answer(handler._get)
        finally:
            del handler._send
        return True

    return fault


def test_malformed_objects_are_noted_and_the_others_seen(cluster: Cluster, watcher: Watcher) -> None:
    with cluster.client() as kube:
        kube.apply(deployment("web", entity=REF))

    def spoil(body: dict[str, Any]) -> dict[str, Any]:
        odd = [
            None,
            {"metadata": {"name": "odd", "namespace": "shop"}, "spec": "text"},
            {"metadata": {"name": "worse", "namespace": "shop", "labels": ["a"]}},
            {"metadata": {"name": "bad\0name", "namespace": "shop"}},
        ]
        return body | {"items": odd + body["items"]}

    cluster.faults.append(_patched("deployments", spoil))
    listed(watcher)
    turn_until(watcher, lambda: len(Watch.objects.get(kind="Deployment").malformed) == 4)
    assert list(KubeObject.objects.filter(kind="Deployment").values_list("name", flat=True)) == ["web"]


def test_malformed_events_do_not_stop_the_others(cluster: Cluster, watcher: Watcher) -> None:
    def spoil(body: dict[str, Any]) -> dict[str, Any]:
        fine = {"namespace": "shop", "name": "web-1", "kind": "Pod"}
        odd = [
            {"metadata": {"name": "a", "namespace": "shop"}, "involvedObject": "x"},
            {"metadata": {"name": "b", "namespace": "shop"}, "involvedObject": fine, "count": "many"},
            {"metadata": {"name": "c", "namespace": "shop"}, "involvedObject": fine, "count": 10**12},
            {"metadata": {"name": "d", "namespace": "nowhere"}},
        ]
        return body | {"items": odd}

    cluster.faults.append(_patched("events", spoil))
    listed(watcher)
    turn_until(watcher, lambda: KubeEvent.objects.filter(uid="c", count=2**31 - 1).exists())
    turn_until(watcher, lambda: len(Watch.objects.get(kind="Event").malformed) == 2)


def test_a_watch_line_that_is_nonsense_is_noted(cluster: Cluster, watcher: Watcher) -> None:
    listed(watcher)

    def nonsense(handler: FaultyHandler) -> bool:
        if "watch=1" not in handler.path or "/pods" not in handler.path:
            return False
        cluster.faults.clear()
        handler._send(200, b"this is no event\n")
        return True

    cluster.faults.append(nonsense)
    turn_until(watcher, lambda: Watch.objects.get(kind="Pod").malformed == ["a line is not a JSON object"])


@pytest.mark.parametrize(
    ("code", "body"), [(200, b'{"status": "ok"}'), (200, b"<html>Sign in</html>"), (429, b"{}"), (503, b"")]
)
def test_an_answer_that_is_no_list_does_not_empty_the_picture(
    cluster: Cluster, watcher: Watcher, code: int, body: bytes
) -> None:
    with cluster.client() as kube:
        kube.apply(deployment("web", entity=REF))
    turn_until(watcher, lambda: row("Deployment"))

    def proxy(handler: FaultyHandler) -> bool:
        handler._send(code, body, "text/html")
        return True

    cluster.faults.append(proxy)
    for stream in watcher.watched[ClusterRow.objects.get().pk].streams:
        stream.forget()
    cluster.server.hang_up()
    turn_until(watcher, lambda: ClusterRow.objects.get().state == ClusterRow.State.UNREACHABLE)
    turn_until(watcher, lambda: Watch.objects.get(kind="Deployment").problem)
    assert row("Deployment", name="web")
    cluster.faults.clear()
    turn_until(watcher, lambda: ClusterRow.objects.get().state == ClusterRow.State.CONNECTED)


def test_a_refused_token_is_told_and_taken_again_when_replaced(cluster: Cluster, watcher: Watcher) -> None:
    from services.clusters import sealing

    ClusterRow.objects.update(token_sealed=sealing.seal("wrong"))
    turn_until(watcher, lambda: ClusterRow.objects.get().state == ClusterRow.State.REFUSED)
    ClusterRow.objects.update(token_sealed=sealing.seal(TOKEN))
    watcher._next["refresh"] = 0.0
    turn_until(watcher, lambda: ClusterRow.objects.get().state == ClusterRow.State.CONNECTED)


def test_a_token_sealed_with_another_key_is_told(watcher: Watcher) -> None:
    ClusterRow.objects.update(token_sealed="not sealed by us")
    watcher.step(wait=0.01)
    known = ClusterRow.objects.get()
    assert (known.state, watcher.watched) == (ClusterRow.State.REFUSED, {})
    assert "entered again" in known.problem


def test_a_kind_the_cluster_does_not_serve_is_noted(cluster: Cluster, places: Any) -> None:
    watcher = Watcher(FAST, (*FEW, Kind("flying.example/v1", "Carpet")))
    try:
        turn_until(watcher, lambda: Watch.objects.filter(kind="Carpet").exclude(problem="").exists())
        listed_kinds = Watch.objects.exclude(listed_at=None)
        turn_until(watcher, lambda: listed_kinds.count() == len(FEW))
    finally:
        leave(watcher, cluster)


def test_what_only_some_clusters_serve_is_watched_where_they_do(cluster: Cluster, places: Any) -> None:
    watcher = Watcher(FAST, (*FEW, *OPTIONAL))
    secret = {"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "spec": {}}
    try:
        with cluster.client() as kube:
            kube.apply(secret | {"metadata": {"name": "db", "namespace": "shop"}})
        turn_until(watcher, lambda: row("ExternalSecret") and row("Node"))
        turn_until(watcher, lambda: ClusterRow.objects.get().nodes.get("all") == 4)
        kinds = {stream.kind for stream in watcher.watched[ClusterRow.objects.get().pk].streams}
        assert Kind("external-secrets.io/v1beta1", "ExternalSecret") not in kinds
        assert row("Node").environment is None  # type: ignore[union-attr]  # seen above
        node = Ref("v1", "Node", row("Node").name)  # type: ignore[union-attr]  # seen above
        with cluster.client() as kube:
            kube.delete(node)
        turn_until(watcher, lambda: ClusterRow.objects.get().nodes.get("all") == 3)
    finally:
        leave(watcher, cluster)


def test_a_cluster_that_is_gone_is_watched_no_more(watcher: Watcher) -> None:
    listed(watcher)
    Environment.objects.all().delete()
    ClusterRow.objects.all().delete()
    watcher._next["refresh"] = 0.0
    turn_until(watcher, lambda: not watcher.watched)


def test_an_environment_added_later_is_filled_in(cluster: Cluster, watcher: Watcher) -> None:
    Environment.objects.filter(name="production").delete()
    with cluster.client() as kube:
        kube.apply(deployment("web", entity=REF))
    listed(watcher)
    assert row("Deployment") is None
    environments(ClusterRow.objects.get())
    watcher._next["refresh"] = 0.0
    turn_until(watcher, lambda: row("Deployment"))


def test_secrets_are_never_stored(cluster: Cluster, places: Any) -> None:
    kinds = tuple(k for k in WATCHED if k.kind in ("Secret", "ConfigMap"))
    watcher = Watcher(FAST, kinds)
    metadata = {"name": "db", "namespace": "shop"}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "stringData": {"password": "hunter2"},
    }
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"url": "hunter2"}}
    try:
        with cluster.client() as kube:
            kube.apply(secret)
            kube.apply(settings)
        listed(watcher)
        with cluster.client() as kube:
            kube.apply(secret | {"stringData": {"password": "hunter3"}})
        turn_until(watcher, lambda: KubeObject.objects.count() == 2)
    finally:
        leave(watcher, cluster)
    with connection.cursor() as cursor:
        cursor.execute("select string_agg(data::text, '') from clusters_kubeobject")
        text = cursor.fetchone()[0]
    assert "hunter" not in text
    assert row("ConfigMap").data["keys"] == ["url"]  # type: ignore[union-attr]  # seen above


def test_old_events_are_forgotten_after_thirty_days(cluster: Cluster, watcher: Watcher, places: Any) -> None:
    fields = {
        "cluster": places[0].cluster,
        "environment": places[0],
        "involved_kind": "Pod",
        "involved_name": "x",
    }
    for days in (29, 31):
        at = timezone.now() - timedelta(days=days)
        KubeEvent.objects.create(uid=str(days), first_at=at, last_at=at, **fields)
    watcher.step(wait=0.01)
    assert list(KubeEvent.objects.values_list("uid", flat=True)) == ["29"]


@pytest.mark.django_db(transaction=True)
def test_a_database_that_went_away_costs_no_news(cluster: Cluster) -> None:
    environments(cluster_row(cluster.url, TOKEN))
    watcher = Watcher(FAST, FEW)
    try:
        listed(watcher)
        with connection.cursor() as cursor:
            cursor.execute("select pg_backend_pid()")
            pid = cursor.fetchone()[0]
        _terminate(pid)
        with cluster.client() as kube:
            kube.apply(deployment("web", entity=REF))
        turn_until(watcher, lambda: row("Deployment"))
    finally:
        leave(watcher, cluster)


@pytest.mark.django_db(transaction=True)
def test_a_connection_closed_under_any_statement_costs_no_news(cluster: Cluster) -> None:
    """psycopg then says InterfaceError or OperationalError, by where it is: each is a turn lost, no more."""
    environments(cluster_row(cluster.url, TOKEN))
    watcher, closed = Watcher(FAST, FEW), []

    def closing(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        statements.append(sql)
        if len(statements) == place:
            closed.append(sql)
            connection.connection.close()
        return execute(sql, params, many, context)

    try:
        for turn in range(60):
            place, statements = turn % 12 + 1, []  # type: ignore[var-annotated]  # `closing` reads both
            watcher._next["refresh"] = 0.0
            with connection.execute_wrapper(closing):
                watcher.step(wait=0.2)
            if turn >= 12 and {"SELECT", "INSERT"} <= {sql.split()[0] for sql in closed}:
                break
        assert {"SELECT", "INSERT"} <= {sql.split()[0] for sql in closed}, closed
        with cluster.client() as kube:
            kube.apply(deployment("web", entity=REF))
        turn_until(watcher, lambda: row("Deployment"))
    finally:
        leave(watcher, cluster)


def _terminate(pid: int) -> None:
    """From a second connection, as an administrator would."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("select pg_terminate_backend(%s)", [pid])
    finally:
        other.close()


def test_a_relist_of_the_same_writes_nothing_new(cluster: Cluster, watcher: Watcher) -> None:
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "s", "namespace": "shop"}}
    kinds = tuple(k for k in WATCHED if k.kind == "ConfigMap")
    with cluster.client() as kube:
        kube.apply(settings)
    again = Watcher(Pace(watch=1, backoff=0.05, relist=0.2), kinds)
    try:
        turn_until(again, lambda: row("ConfigMap"))
        seen = row("ConfigMap").seen_at  # type: ignore[union-attr]  # just seen
        first = Watch.objects.get(kind="ConfigMap").listed_at
        turn_until(again, lambda: Watch.objects.get(kind="ConfigMap").listed_at > first)
        assert row("ConfigMap").seen_at == seen  # type: ignore[union-attr]  # seen above
    finally:
        leave(again, cluster)


def test_the_state_of_a_service_is_read_from_the_picture(cluster: Cluster, watcher: Watcher) -> None:
    with cluster.client() as kube:
        kube.apply(deployment("web", entity=REF))
    turn_until(watcher, lambda: KubeObject.objects.filter(kind="Pod").count() == 2)
    turn_until(watcher, lambda: (row("Deployment") or KubeObject()).status.get("readyReplicas") == 2)
    turn_until(watcher, lambda: ClusterRow.objects.get().heard_at)
    turn_until(watcher, lambda: len(queries.live_state(REF)[0].workloads[0].pods) == 2)
    (state,) = queries.live_state(REF)
    assert (state.environment.name, state.ready, state.desired, state.version) == (
        "production",
        2,
        2,
        "1.4.2",
    )
    assert state.simulated
    assert not state.stale


def test_a_stream_waits_while_the_loop_is_behind(cluster: Cluster) -> None:
    news: queue.Queue[News] = queue.Queue(1)
    with cluster.client() as kube:
        stream = Stream(1, 1, Kind("v1", "ConfigMap"), kube, news, FAST)
        news.put(News(1, 1, stream.kind))
        stream.start()
        time.sleep(1.3)
        assert news.get(timeout=5).listing is None
        assert news.get(timeout=5).listing is not None
        stream.stop()
        cluster.server.hang_up()
        stream.join(5)
        assert not stream.is_alive


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_leaves_when_told(cluster: Cluster, places: Any, number: signal.Signals) -> None:
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    threading.Timer(1.0, os.kill, (os.getpid(), number)).start()
    try:
        call_command("watch_clusters")
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        cluster.server.hang_up()
    assert Watch.objects.filter(kind="Deployment").exclude(listed_at=None).exists()

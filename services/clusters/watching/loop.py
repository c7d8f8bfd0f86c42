"""The watcher's loop: starts streams for the registered clusters and writes what they tell, in order."""

import itertools
import queue
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import structlog
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.utils import timezone

from services.clusters import actions, incidents, queries, signals
from services.clusters.models import Cluster, KubeEvent, KubeObject, Watch
from services.clusters.watching.ingest import Changed, Ingest
from services.clusters.watching.kinds import ALL, ESSENTIAL, Kind, served
from services.clusters.watching.streams import News, Pace, Stream
from services.integrations.errors import IntegrationError

log = structlog.get_logger(__name__)
BATCH = 100
QUEUE = 1000
REFRESH = 10.0
STANDBY = 1.0
KEPT = timedelta(days=30)
PURGE = 3600.0
MALFORMED_KEPT = 20
_serials = itertools.count()


class Watched:
    """One cluster under watch: its client, its streams, its writer, and when each kind was last heard."""

    def __init__(
        self, cluster: Cluster, news: "queue.Queue[News]", pace: Pace, kinds: Iterable[Kind]
    ) -> None:
        self.cluster = cluster
        self.credentials = (cluster.server, cluster.ca, cluster.token_sealed)
        self.serial = next(_serials)
        self.ingest = Ingest(cluster)
        self.client = queries.client_for(cluster)
        self.heard: dict[Kind, float] = {}
        self.streams: list[Stream] = []
        self._news, self._pace, self._kinds = news, pace, tuple(kinds)
        self.follow()

    def follow(self) -> None:
        """Streams for the kinds that the cluster serves by now."""
        having = {stream.kind for stream in self.streams}
        for kind in served(self._kinds, self.cluster.serves):
            if kind not in having:
                stream = Stream(self.cluster.pk, self.serial, kind, self.client, self._news, self._pace)
                self.streams.append(stream)
                stream.start()

    def stop(self) -> None:
        for stream in self.streams:
            stream.stop()

    @property
    def is_alive(self) -> bool:
        return any(stream.is_alive for stream in self.streams)

    def join(self, timeout: float) -> None:
        for stream in self.streams:
            stream.join(timeout)
        self.client.close()


class Watcher:
    """`step` in a loop, or `run` until `stop`. One database connection, in the thread that calls it."""

    def __init__(self, pace: Pace | None = None, kinds: Iterable[Kind] = ALL) -> None:
        self.pace = pace or Pace()
        self.kinds = tuple(kinds)
        self.news: queue.Queue[News] = queue.Queue(QUEUE)
        self.watched: dict[int, Watched] = {}
        self.leaving: list[Watched] = []
        self._stop = threading.Event()
        self._next = {"refresh": 0.0, "heartbeat": 0.0, "purge": 0.0}

    def run(self, may: Callable[[], bool] = lambda: True) -> None:
        """Turns until `stop`; nothing is watched while it `may` not."""
        while not self._stop.is_set():
            if may():
                self.step()
            else:
                self.leave()
                self._stop.wait(STANDBY)
        self.leave()

    def stop(self) -> None:
        self._stop.set()

    def leave(self, timeout: float = 0.1) -> None:
        for watched in self.watched.values():
            watched.stop()
        for watched in [*self.watched.values(), *self.leaving]:
            watched.join(timeout)
        self.watched, self.leaving = {}, []
        self._next["refresh"] = 0.0

    def step(self, wait: float = 0.5) -> None:
        """One turn. A database that is away costs the turn, not the news: everything is listed again."""
        try:
            if self._due("refresh", REFRESH):
                self.refresh()
            self._write(self._batch(wait))
            if self._due("heartbeat", self.pace.heartbeat):
                self.heartbeat()
            if self._due("purge", PURGE):
                KubeEvent.objects.filter(last_at__lt=timezone.now() - KEPT).delete()
        except DatabaseError as error:
            log.warning("watcher.database", error=str(error))
            self._lost()

    def _due(self, name: str, every: float) -> bool:
        if time.monotonic() < self._next[name]:
            return False
        self._next[name] = time.monotonic() + every
        return True

    def _lost(self) -> None:
        if not connection.in_atomic_block:
            connection.close()
        for watched in self.watched.values():
            for stream in watched.streams:
                stream.forget()
        self._stop.wait(self.pace.backoff)

    # clusters

    def refresh(self) -> None:
        """Streams for clusters that are new or have new credentials; none for those that are gone."""
        clusters = {cluster.pk: cluster for cluster in Cluster.objects.all()}
        for pk, watched in list(self.watched.items()):
            now = clusters.get(pk)
            if now is None or (now.server, now.ca, now.token_sealed) != watched.credentials:
                watched.stop()
                self.leaving.append(self.watched.pop(pk))
            else:
                watched.cluster = watched.ingest.cluster = now
                self._refresh_map(watched)
                watched.follow()
        for pk, cluster in clusters.items():
            if pk not in self.watched:
                self._start(cluster)
        self._bury()

    def _bury(self) -> None:
        """Close the clients whose last watch has ended."""
        for watched in [each for each in self.leaving if not each.is_alive]:
            watched.join(0)
            self.leaving.remove(watched)

    def _refresh_map(self, watched: Watched) -> None:
        before = watched.ingest.map
        watched.ingest.refresh()
        if before != watched.ingest.map:
            for stream in watched.streams:
                stream.forget()

    def _start(self, cluster: Cluster) -> None:
        try:
            self.watched[cluster.pk] = Watched(cluster, self.news, self.pace, self.kinds)
        except IntegrationError as error:
            actions.saw_problem(cluster, error)

    # news

    def _batch(self, wait: float) -> list[News]:
        found: list[News] = []
        try:
            found.append(self.news.get(timeout=wait))
            while len(found) < BATCH:
                found.append(self.news.get_nowait())
        except queue.Empty:
            pass
        return found

    def _write(self, batch: list[News]) -> None:
        changed: Changed = set()
        with transaction.atomic():
            for news in batch:
                watched = self.watched.get(news.cluster)
                if watched and news.serial == watched.serial:
                    changed |= self._take(watched, news)
        for entity_ref, environment in changed:
            self._announce(entity_ref, environment)

    def _announce(self, entity_ref: str, environment: object) -> None:
        answers = signals.workload_changed.send_robust(
            sender=KubeObject, entity_ref=entity_ref, environment=environment
        )
        for receiver, answer in answers:
            if isinstance(answer, Exception):
                log.error("watcher.receiver", receiver=str(receiver), error=str(answer))

    def _take(self, watched: Watched, news: News) -> Changed:
        if news.error is not None:
            self._failed(watched, news.kind, news.error)
            return set()
        watched.heard[news.kind] = time.time()
        if news.listing is not None:
            watched.ingest.malformed[news.kind.kind] = list(news.listing.malformed)
            changed = watched.ingest.take_list(news.kind, news.listing.items)
            self._listed(watched, news)
            self._look_around(watched, news.kind)
            return changed
        if news.event is None:
            return set()
        if news.event.type == "MALFORMED":
            watched.ingest.malformed.setdefault(news.kind.kind, []).append(news.event.reason)
            return set()
        changed = watched.ingest.take_event(news.kind, news.event.type, news.event.object)
        self._look_around(watched, news.kind)
        return changed

    def _look_around(self, watched: Watched, kind: Kind) -> None:
        """Nodes that go away are a matter of the whole cluster."""
        if kind.kind == "Node":
            incidents.look_at_nodes(watched.cluster)

    def _listed(self, watched: Watched, news: News) -> None:
        self._watch(watched, news.kind, listed_at=timezone.now(), problem="")
        if news.version:
            actions.saw_version(watched.cluster, news.version)
        if news.kinds:
            actions.saw_kinds(watched.cluster, news.kinds)
            watched.follow()

    def _failed(self, watched: Watched, kind: Kind, error: Exception) -> None:
        self._watch(watched, kind, problem=str(error)[:500])
        if kind.kind in ESSENTIAL:
            actions.saw_problem(watched.cluster, error)

    def _watch(self, watched: Watched, kind: Kind, **values: object) -> None:
        Watch.objects.update_or_create(
            cluster=watched.cluster, api_version=kind.api_version, kind=kind.kind, defaults=values
        )

    def heartbeat(self) -> None:
        """Write when each kind was last heard; the cluster is as fresh as the stalest essential one."""
        for watched in self.watched.values():
            rows = [
                Watch(
                    cluster=watched.cluster,
                    api_version=kind.api_version,
                    kind=kind.kind,
                    heard_at=_moment(heard),
                    malformed=watched.ingest.malformed.get(kind.kind, [])[-MALFORMED_KEPT:],
                )
                for kind, heard in watched.heard.items()
            ]
            Watch.objects.bulk_create(
                rows,
                update_conflicts=True,
                unique_fields=["cluster", "api_version", "kind"],
                update_fields=["heard_at", "malformed"],
            )
            wanted = [kind for kind in self.kinds if kind.kind in ESSENTIAL]
            if wanted and all(kind in watched.heard for kind in wanted):
                oldest = _moment(min(watched.heard[kind] for kind in wanted))
                Cluster.objects.filter(pk=watched.cluster.pk).update(heard_at=oldest)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)

"""The watcher's loop: starts streams for the registered clusters and writes what they tell, in order."""

import itertools
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import structlog
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.utils import timezone

from services.clusters import actions, incidents, queries, signals, usage
from services.clusters.models import Cluster, KubeEvent, KubeObject, Watch
from services.clusters.watching.ingest import Changed, Ingest
from services.clusters.watching.kinds import ALL, ESSENTIAL, METRICS, Kind, served
from services.clusters.watching.leases import Leases
from services.clusters.watching.streams import PAGES_AT_ONCE, News, Pace, Stream
from services.effects import actions as effects
from services.integrations.errors import IntegrationError
from services.integrations.kube import errors
from services.integrations.kube.objects import WatchEvent

log = structlog.get_logger(__name__)
BATCH = 200
QUEUE = 1000
REFRESH = 10.0
KEPT = timedelta(days=30)
PURGE = 3600.0
MALFORMED_KEPT = 20
_serials = itertools.count()


class Watched:
    """One cluster under watch: its client, its streams, its writer, and when each kind was last heard.

    `is_narrow`: the token may not look everywhere, so each environment's namespace is looked at by itself.
    """

    def __init__(
        self,
        cluster: Cluster,
        news: "queue.Queue[News]",
        pace: Pace,
        kinds: Iterable[Kind],
        pages: threading.Semaphore,
    ) -> None:
        self.cluster = cluster
        self.credentials = (cluster.server, cluster.ca, cluster.token_sealed)
        self.serial = next(_serials)
        self.ingest = Ingest(cluster)
        self.client = queries.client_for(cluster)
        self.heard: dict[tuple[Kind, str], float] = {}
        self.is_narrow = False
        self.streams: list[Stream] = []
        self._leaving: list[Stream] = []
        self._news, self._pace, self._kinds, self._pages = news, pace, tuple(kinds), pages
        self.follow()

    def follow(self) -> None:
        """Streams for the kinds that the cluster serves by now, where they are to look; no others."""
        wanted = [
            (kind, namespace)
            for kind in served(self._kinds, self.cluster.serves)
            for namespace in self._namespaces(kind)
        ]
        for stream in [each for each in self.streams if (each.kind, each.namespace) not in wanted]:
            stream.stop()
            self.streams.remove(stream)
            self._leaving.append(stream)
            self.heard.pop((stream.kind, stream.namespace), None)
        having = {(stream.kind, stream.namespace) for stream in self.streams}
        for kind, namespace in wanted:
            if (kind, namespace) not in having:
                self._start(kind, namespace)

    def _namespaces(self, kind: Kind) -> list[str]:
        return sorted(self.ingest.map.environments) if self.is_narrow and not kind.is_wide else [""]

    def _start(self, kind: Kind, namespace: str) -> None:
        stream = Stream(
            self.cluster.pk, self.serial, kind, self.client, self._news, self._pace, namespace, self._pages
        )
        self.streams.append(stream)
        stream.start()

    def stop(self) -> None:
        for stream in self.streams:
            stream.stop()

    @property
    def is_alive(self) -> bool:
        return any(stream.is_alive for stream in [*self.streams, *self._leaving])

    def join(self, timeout: float) -> None:
        for stream in [*self.streams, *self._leaving]:
            stream.join(timeout)
        self.client.close()

    def follows(self, kind: Kind, namespace: str) -> bool:
        return any((each.kind, each.namespace) == (kind, namespace) for each in self.streams)

    def heard_of(self, kind: Kind) -> float | None:
        """When the stalest of a kind's streams was heard; None while one has not been."""
        wanted = [(each.kind, each.namespace) for each in self.streams if each.kind == kind]
        if not wanted or any(each not in self.heard for each in wanted):
            return None
        return min(self.heard[each] for each in wanted)


class Watcher:
    """`step` in a loop, or `run` until `stop`. One database connection, in the thread that calls it.

    With `leases` it watches its share of the clusters, without them all.
    """

    def __init__(
        self, pace: Pace | None = None, kinds: Iterable[Kind] = ALL, leases: Leases | None = None
    ) -> None:
        self.pace = pace or Pace()
        self.kinds = tuple(kinds)
        self.leases = leases
        self.news: queue.Queue[News] = queue.Queue(QUEUE)
        self.watched: dict[int, Watched] = {}
        self.leaving: list[Watched] = []
        self._pages = threading.Semaphore(PAGES_AT_ONCE)
        self._stop = threading.Event()
        self._next = dict.fromkeys(("refresh", "heartbeat", "notes", "purge", "leases"), 0.0)

    def run(self) -> None:
        """Turns until `stop`; then what it watched is free for others at once."""
        while not self._stop.is_set():
            self.step()
        self.leave()
        if self.leases:
            try:
                self.leases.leave()
            except DatabaseError as error:  # they run out by themselves
                log.warning("watcher.database", error=str(error))

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
            if self.leases and self._due("leases", self.leases.every):
                self._share(self.leases)
            if self._due("refresh", REFRESH):
                self.refresh()
            self._write(self._batch(wait))
            if self._due("heartbeat", self.pace.heartbeat):
                self.heartbeat()
            if self._due("notes", self.pace.heartbeat * NOTES):
                self.note()
            if self._due("purge", PURGE):
                self.purge()
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
        if self.leases and self.leases.is_over:
            self.leave()
        self._stop.wait(self.pace.backoff)

    def purge(self) -> None:
        """What is older than it is kept for, a bit at a time: the picture goes on meanwhile."""
        old = KubeEvent.objects.filter(last_at__lt=timezone.now() - KEPT).order_by()
        gone, _ = KubeEvent.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:PURGED])).delete()
        if gone >= PURGED:
            self._next["purge"] = 0.0
        usage.forget((timezone.now() - usage.KEPT).date())
        for watched in self.watched.values():
            if METRICS not in served(self.kinds, watched.cluster.serves):
                usage.record(watched.cluster, {})  # nobody measures: what is asked for is known all the same
        if self.leases:
            self.leases.forget()

    # clusters

    def _share(self, leases: Leases) -> None:
        before = leases.held
        leases.turn(Cluster.objects.values_list("pk", flat=True))
        effects.pulse("watcher", leases.me)
        if leases.held != before:
            log.info("watcher.share", who=leases.me, clusters=sorted(leases.held))
            self._next["refresh"] = 0.0

    def refresh(self) -> None:
        """Streams for clusters that are new or have new credentials; none for those that are gone."""
        clusters = {each.pk: each for each in Cluster.objects.all() if self._is_mine(each.pk)}
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

    def _is_mine(self, pk: int) -> bool:
        return self.leases is None or pk in self.leases.held

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
            self.watched[cluster.pk] = Watched(cluster, self.news, self.pace, self.kinds, self._pages)
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
        """What was told, cluster by cluster: each in a transaction of its own, so that one waits for none."""
        told: dict[int, list[News]] = defaultdict(list)
        for news in batch:
            told[news.cluster].append(news)
        try:
            for pk, some in told.items():
                self._write_of(pk, some)
        finally:
            for news in batch:
                news.done()

    def _write_of(self, pk: int, batch: list[News]) -> None:
        watched, changed = self.watched.get(pk), Changed()
        with transaction.atomic():
            if watched is None or (self.leases and pk not in self.leases.confirm([pk])):
                return
            self._take(watched, [news for news in batch if news.serial == watched.serial])
            changed = watched.ingest.settle()
            if any(news.kind.kind == "Node" for news in batch):
                incidents.look_at_nodes(watched.cluster)
        for entity_ref, environment in changed:
            self._announce(entity_ref, environment)

    def _announce(self, entity_ref: str, environment: object) -> None:
        answers = signals.workload_changed.send_robust(
            sender=KubeObject, entity_ref=entity_ref, environment=environment
        )
        for receiver, answer in answers:
            if isinstance(answer, Exception):
                log.error("watcher.receiver", receiver=str(receiver), error=str(answer))

    def _take(self, watched: Watched, batch: list[News]) -> None:
        """In their order; what one stream told between two pages of its listings is written at once."""
        events: dict[tuple[Kind, str], list[WatchEvent]] = defaultdict(list)
        for news in batch:
            of = (news.kind, news.namespace)
            if not watched.follows(*of):  # told before its stream was stopped
                continue
            if news.error is not None:
                self._failed(watched, news.kind, news.error)
                continue
            watched.heard[of] = time.time()
            if news.listing is not None:
                watched.ingest.take_events(news.kind, events.pop(of, []))
                self._take_page(watched, news)
            elif news.event is not None and news.event.type == "MALFORMED":
                watched.ingest.malformed.setdefault(news.kind.kind, []).append(news.event.reason)
            elif news.event is not None:
                events[of].append(news.event)
        order = {kind: place for place, kind in enumerate(self.kinds)}
        for of in sorted(events, key=lambda of: order.get(of[0], len(order))):
            watched.ingest.take_events(of[0], events[of])

    def _take_page(self, watched: Watched, news: News) -> None:
        assert news.listing is not None
        kind, known = news.kind, watched.ingest.malformed
        known[kind.kind] = [*([] if news.is_first else known.get(kind.kind, [])), *news.listing.malformed]
        watched.ingest.take_page(
            kind, news.listing.items, first=news.is_first, last=news.is_last, namespace=news.namespace
        )
        if news.is_last:
            self._listed(watched, news)

    def _listed(self, watched: Watched, news: News) -> None:
        self._watch(watched, news.kind, listed_at=timezone.now(), problem="")
        if news.version:
            actions.saw_version(watched.cluster, news.version)
        if news.kinds:
            actions.saw_kinds(watched.cluster, news.kinds)
            watched.follow()

    def _failed(self, watched: Watched, kind: Kind, error: Exception) -> None:
        is_refused = isinstance(error, errors.Forbidden) and not kind.is_wide
        if is_refused and not watched.is_narrow and watched.ingest.map.environments:
            watched.is_narrow = True
            watched.follow()
            return
        self._watch(watched, kind, problem=str(error)[:500])
        if kind.kind in ESSENTIAL:
            actions.saw_problem(watched.cluster, error)

    def _watch(self, watched: Watched, kind: Kind, **values: object) -> None:
        Watch.objects.update_or_create(
            cluster=watched.cluster, api_version=kind.api_version, kind=kind.kind, defaults=values
        )

    def heartbeat(self) -> None:
        """Write when each cluster was last heard: it is as fresh as the stalest kind that is essential."""
        wanted = [kind for kind in self.kinds if kind.kind in ESSENTIAL]
        for watched in self.watched.values():
            times = [at for kind in wanted if (at := watched.heard_of(kind)) is not None]
            if wanted and len(times) == len(wanted):
                Cluster.objects.filter(pk=watched.cluster.pk).update(heard_at=_moment(min(times)))

    def note(self) -> None:
        """Write when each kind was last heard, and what of it could not be read."""
        for watched in self.watched.values():
            kinds = {each.kind for each in watched.streams}
            heard = {kind: at for kind in kinds if (at := watched.heard_of(kind)) is not None}
            rows = [
                Watch(
                    cluster=watched.cluster,
                    api_version=kind.api_version,
                    kind=kind.kind,
                    heard_at=_moment(at),
                    malformed=watched.ingest.malformed.get(kind.kind, [])[-MALFORMED_KEPT:],
                )
                for kind, at in sorted(heard.items(), key=lambda each: each[0].kind)
            ]
            Watch.objects.bulk_create(
                rows,
                update_conflicts=True,
                unique_fields=["cluster", "api_version", "kind"],
                update_fields=["heard_at", "malformed"],
            )


NOTES = 5
PURGED = 5000


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)

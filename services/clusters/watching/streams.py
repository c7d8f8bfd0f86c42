"""One thread for each kind of each cluster: list, then watch, for ever. It never touches the database."""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from services.clusters.watching.kinds import ESSENTIAL, PROBING, Kind
from services.integrations.errors import IntegrationError
from services.integrations.kube import errors
from services.integrations.kube.client import KubeClient
from services.integrations.kube.objects import Listing, WatchEvent

BACKOFF, BACKOFF_MAX, UNKNOWN_KIND = 1.0, 30.0, 300.0
RELIST = 600.0
PAGE = 250
PAGES_AT_ONCE = 4


@dataclass(frozen=True)
class Pace:
    """Seconds: how long one watch lasts, and one of what is essential, for a picture is as fresh as those;
    how soon a failure is tried again, how often all is listed anew, how often it is written when the cluster
    was last heard."""

    watch: int = 25
    brief: int = 3
    heartbeat: float = 1.0
    backoff: float = BACKOFF
    relist: float = RELIST
    poll: float = 60.0


@dataclass(frozen=True)
class News:
    """What a stream tells the loop: a page of a listing, an event, a failure, or only that it is alive.

    `serial` tells streams of earlier credentials from those of today; `namespace` is empty for one that
    looks everywhere. `done` is called when it has been dealt with.
    """

    cluster: int
    serial: int
    kind: Kind
    listing: Listing | None = None
    event: WatchEvent | None = None
    error: Exception | None = None
    version: str = ""
    kinds: frozenset[str] = frozenset()
    namespace: str = ""
    is_first: bool = True
    is_last: bool = True
    done: Callable[[], None] = lambda: None


@dataclass
class Stream:
    """`pages` is shared by all: so many pages may be on their way to the loop, whatever clusters hold."""

    cluster: int
    serial: int
    kind: Kind
    client: KubeClient
    news: "queue.Queue[News]"
    pace: Pace = field(default_factory=Pace)
    namespace: str = ""
    pages: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(PAGES_AT_ONCE))

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._stale = threading.Event()
        self._failures = 0
        self._thread = threading.Thread(target=self.run, name=f"watch-{self.kind.kind}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask to end; a watch under way ends by itself."""
        self._stop.set()

    def join(self, timeout: float) -> None:
        self._thread.join(timeout)

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def forget(self) -> None:
        """List anew as soon as possible: something told was lost."""
        self._stale.set()

    def run(self) -> None:
        while not self._stop.is_set():
            try:
                version = self._list()
                if self.kind.is_polled:
                    self._rest()
                else:
                    self._follow(version)
            except errors.Gone:
                self._stop.wait(self.pace.backoff / 10)
            except IntegrationError as error:
                self._tell(self._news(error=error))
                self._stop.wait(self._delay(error))

    def _rest(self) -> None:
        """Until it is time to list again."""
        end = time.monotonic() + self.pace.poll
        while time.monotonic() < end and not self._stop.is_set() and not self._stale.is_set():
            self._stop.wait(min(1.0, self.pace.poll))

    def _news(self, **what: object) -> News:
        return News(self.cluster, self.serial, self.kind, namespace=self.namespace, **what)  # type: ignore[arg-type]  # fields of News

    def _delay(self, error: IntegrationError) -> float:
        if isinstance(error, errors.KindUnknown):
            return UNKNOWN_KIND
        self._failures += 1
        return error.retry_after or min(BACKOFF_MAX, self.pace.backoff * 2 ** min(self._failures - 1, 6))

    def _list(self) -> str:
        """Page after page; the version of the whole. Stopped half-way, it tells no last page."""
        self._stale.clear()
        kind = self.kind
        version = self.client.version() if kind.kind in ESSENTIAL else ""
        kinds = self.client.kinds() if kind.kind == PROBING else frozenset()
        pages = self.client.pages(
            kind.api_version, kind.kind, self.namespace, limit=PAGE, metadata_only=kind.metadata_only
        )
        found, is_first = Listing([], ""), True
        while self._may_fetch():
            try:
                found = next(pages)
            except BaseException:
                self.pages.release()
                raise
            told = self._news(
                listing=found, is_first=is_first, is_last=found.is_last, done=self.pages.release,
                version=version, kinds=kinds,
            )  # fmt: skip
            if not self._tell(told):
                self.pages.release()
            is_first = False
            if found.is_last:
                break
        self._failures = 0
        return found.resource_version

    def _may_fetch(self) -> bool:
        """Waits until there is room for a page; False when it is to end."""
        while not self._stop.is_set():
            if self.pages.acquire(timeout=0.5):
                return True
        return False

    def _follow(self, version: str) -> None:
        """Watch after watch, until it is time to list again. Raises what the client raises."""
        end = time.monotonic() + self.pace.relist
        while time.monotonic() < end and not self._stop.is_set() and not self._stale.is_set():
            started = time.monotonic()
            version = self._watch(version)
            self._tell(self._news())
            if time.monotonic() - started < self.pace.backoff:
                self._stop.wait(self.pace.backoff)

    def _watch(self, version: str) -> str:
        kind = self.kind
        is_essential = kind.kind in ESSENTIAL
        events = self.client.watch(
            kind.api_version,
            kind.kind,
            self.namespace,
            resource_version=version,
            timeout_seconds=min(self.pace.watch, self.pace.brief) if is_essential else self.pace.watch,
            metadata_only=kind.metadata_only,
        )
        for event in events:
            version = str((event.object.get("metadata") or {}).get("resourceVersion") or version)
            self._tell(self._news(event=event if event.type != "BOOKMARK" else None))
            if self._stop.is_set() or self._stale.is_set():
                break
        return version

    def _tell(self, news: News) -> bool:
        """Waits while the loop is behind: what is not read stays with the cluster. False when it ends."""
        while not self._stop.is_set():
            try:
                self.news.put(news, timeout=1.0)
            except queue.Full:
                continue
            return True
        return False

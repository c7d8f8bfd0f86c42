"""What makes the cluster live: a queue of objects to look at again, timers, and events.

Controllers are functions of the world and one object. They run one at a time under the store's lock,
because something changed or a time has come, and are written so that running them again changes nothing.
"""

import heapq
import itertools
import math
import secrets
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from portal.demo.cluster.api import Api
from portal.demo.cluster.clock import Clock
from portal.demo.cluster.images import Registry
from portal.demo.cluster.store import Object, Store

Key = tuple[str, str, str, str]  # apiVersion, kind, namespace, name
Reconciler = Callable[["World", Object], None]


@dataclass(frozen=True)
class Pace:
    """How fast the world turns: every duration is divided by `speed`.

    `deadline` is what becomes of progressDeadlineSeconds: at 0.05 the usual ten minutes are thirty seconds.
    """

    speed: float = 1.0
    deadline: float = 0.05


@dataclass
class World:
    store: Store
    reconcilers: dict[str, Reconciler]
    pace: Pace = field(default_factory=Pace)
    registry: Registry = field(default_factory=Registry)

    def __post_init__(self) -> None:
        self.api = Api(self.store)
        self._dirty: dict[Key, None] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._due: dict[tuple[str, str], float] = {}
        self._order = itertools.count()
        self._stop = threading.Event()
        self.store.listeners.append(self._heard)
        for found in self.store.objects.values():
            for obj in found.values():
                self._dirty[_key(obj)] = None

    @property
    def clock(self) -> Clock:
        return self.store.clock

    # what to look at

    def _heard(self, type_: str, obj: Object) -> None:
        if obj["kind"] == "Event":
            self._mark(obj)
            return
        if type_ == "DELETED":
            self._forget(obj)
        else:
            self._mark(obj)
        for owner in obj["metadata"].get("ownerReferences") or []:
            namespace = obj["metadata"].get("namespace", "")
            self._dirty[owner["apiVersion"], owner["kind"], namespace, owner["name"]] = None
        if obj["kind"] == "Pod":
            self._mark_services(obj)

    def _mark(self, obj: Object) -> None:
        self._dirty[_key(obj)] = None

    def _mark_services(self, pod: Object) -> None:
        for service in self.store.all("v1", "Service", pod["metadata"]["namespace"]):
            self._mark(service)

    def _forget(self, obj: Object) -> None:
        """Timers of what is gone go; so do the objects it owned, and the namespace looks again."""
        uid = obj["metadata"]["uid"]
        for name in [name for name in self._due if name[0] == uid]:
            del self._due[name]
        for kind, found in list(self.store.objects.items()):
            for other in list(found.values()):
                owners = other["metadata"].get("ownerReferences") or []
                if any(owner["uid"] == uid for owner in owners):
                    self.api.remove(kind, other)
        namespace = obj["metadata"].get("namespace", "")
        if namespace:
            self._dirty["v1", "Namespace", "", namespace] = None

    # time

    def waited(self, obj: Object, name: str, delay: float) -> bool:
        """Whether `delay` seconds have passed since this was first asked; asks to be looked at again then."""
        timer = (obj["metadata"]["uid"], name)
        now = self.clock.now()
        if timer not in self._due:
            self._due[timer] = now + delay / self.pace.speed
            heapq.heappush(self._heap, (self._due[timer], next(self._order), _key(obj)))
        return self._due[timer] <= now

    def rested(self, obj: Object, name: str, delay: float) -> bool:
        """As `waited`, and the clock starts again once it has."""
        if not self.waited(obj, name, delay):
            return False
        del self._due[obj["metadata"]["uid"], name]
        return True

    def again(self, obj: Object, name: str, delay: float) -> None:
        """Look at `obj` again every `delay` seconds."""
        if self.waited(obj, name, delay):
            self.restart_timer(obj, name)
            self.waited(obj, name, delay)

    def once(self, obj: Object, name: str) -> bool:
        """True the first time in this process."""
        timer = (obj["metadata"]["uid"], name)
        first = timer not in self._due
        self._due.setdefault(timer, math.inf)
        return first

    def serial(self) -> int:
        return secrets.randbelow(1 << 24)

    def restart_timer(self, obj: Object, *names: str) -> None:
        for name in names:
            self._due.pop((obj["metadata"]["uid"], name), None)

    # turning

    def settle(self) -> None:
        """Look at everything that is marked or due now, until nothing is."""
        with self.store.lock:
            while True:
                while self._heap and self._heap[0][0] <= self.clock.now():
                    self._dirty[heapq.heappop(self._heap)[2]] = None
                if not self._dirty:
                    return
                key = next(iter(self._dirty))
                del self._dirty[key]
                self._reconcile(key)

    def _reconcile(self, key: Key) -> None:
        obj = self.store.find(*key)
        act = self.reconcilers.get(key[1])
        if obj is not None and act is not None:
            act(self, obj)

    def advance(self, seconds: float) -> None:
        """Live `seconds` at once, on a clock set by hand."""
        end = self.clock.now() + seconds
        self.settle()
        while self._heap and self._heap[0][0] <= end:
            self.clock.fixed = max(self._heap[0][0], self.clock.now())
            self.settle()
        self.clock.fixed = end

    def run(self) -> None:
        """Live in real time until `stop`."""
        while not self._stop.is_set():
            self.settle()
            with self.store.changed:
                wait = self._heap[0][0] - self.clock.now() if self._heap else 5.0
                if not self._dirty and not self._stop.is_set():
                    self.store.changed.wait(max(0.01, min(wait, 5.0)))

    def stop(self) -> None:
        self._stop.set()
        with self.store.changed:
            self.store.changed.notify_all()

    # writing

    def fresh(self, obj: Object) -> Object:
        return self.store.find(*_key(obj)) or obj

    def status(self, obj: Object, status: dict[str, Any]) -> Object:
        return self.store.put(self.fresh(obj) | {"status": status})

    def event(self, obj: Object, reason: str, message: str, *, warning: bool = False) -> None:
        """Tell what happened; the same again within the hour counts up."""
        involved = {
            "kind": obj["kind"],
            "apiVersion": obj["apiVersion"],
            "namespace": obj["metadata"].get("namespace", ""),
            "name": obj["metadata"]["name"],
            "uid": obj["metadata"]["uid"],
        }
        name = f"{involved['name']}.{_digest(involved['uid'], reason, message)}"
        namespace = involved["namespace"] or "default"
        known = self.store.find("v1", "Event", namespace, name)
        now = self.clock.stamp()
        if known:
            self.store.put(known | {"count": known["count"] + 1, "lastTimestamp": now})
            return
        self.store.put(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": name, "namespace": namespace},
                "involvedObject": involved,
                "reason": reason,
                "message": message,
                "type": "Warning" if warning else "Normal",
                "count": 1,
                "firstTimestamp": now,
                "lastTimestamp": now,
                "source": {"component": "simulated"},
            }
        )


def _key(obj: Object) -> Key:
    metadata = obj["metadata"]
    return obj["apiVersion"], obj["kind"], metadata.get("namespace", ""), metadata["name"]


def _digest(*parts: str) -> str:
    return f"{zlib.crc32(repr(parts).encode()):08x}"

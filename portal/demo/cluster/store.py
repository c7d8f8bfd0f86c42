"""Every object of the cluster, its versions and the news about them.

Stored objects are never changed in place: a write replaces them, so readers need no copy. All writes
go through `put` and `drop` under the lock; each leaves one line in the history that watches replay.
"""

import json
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from portal.demo.cluster.clock import Clock
from portal.demo.cluster.custom import Schema, kinds_of
from portal.demo.cluster.kinds import Kind, Kinds

Object = dict[str, Any]
Key = tuple[str, str]  # namespace and name
HISTORY = 1000
DEFINITION = "CustomResourceDefinition"


@dataclass(frozen=True)
class News:
    """One change; `line` is what a watch sends. The object itself would cost ten times the memory."""

    version: int
    kind: Kind
    namespace: str
    line: bytes
    before: Object | None = None
    """The name and labels it had, for watches that select by them; None when it is new."""


class Store:
    def __init__(self, clock: Clock | None = None, history: int = HISTORY) -> None:
        self.clock = clock or Clock()
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.kinds = Kinds()
        self.schemas: dict[Kind, Schema] = {}
        self.objects: dict[Kind, dict[Key, Object]] = {}
        self.version = 1
        self.history: deque[News] = deque(maxlen=history)
        self.floor = 1  # the oldest version a watch can start from
        self.listeners: list[Callable[[str, Object], None]] = []
        self.journal: Callable[[bytes], None] | None = None

    def of(self, kind: Kind) -> dict[Key, Object]:
        return self.objects.setdefault(kind, {})

    def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        return self.of(kind).get((namespace, name))

    def find(self, api_version: str, kind: str, namespace: str, name: str) -> Object | None:
        if (api_version, kind) not in self.kinds:  # gone with its definition
            return None
        return self.get(self.kinds.of(api_version, kind), namespace, name)

    def all(self, api_version: str, kind: str, namespace: str = "") -> list[Object]:
        found = self.of(self.kinds.of(api_version, kind))
        return [obj for (ns, _), obj in found.items() if not namespace or ns == namespace]

    def owned(self, owner: Object, api_version: str, kind: str) -> list[Object]:
        uid = owner["metadata"]["uid"]
        return [
            obj
            for obj in self.all(api_version, kind, owner["metadata"].get("namespace", ""))
            if any(ref["uid"] == uid for ref in obj["metadata"].get("ownerReferences") or [])
        ]

    def put(self, obj: Object) -> Object:
        """Store `obj` under the next version; unchanged objects are left alone. Returns what is stored."""
        with self.lock:
            kind = self.kinds.of(obj["apiVersion"], obj["kind"])
            key = (obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
            live = self.of(kind).get(key)
            if live is not None and live == obj:
                return live
            self.version += 1
            obj = obj | {"metadata": self._metadata(obj, live)}
            self.of(kind)[key] = obj
            self._define(obj)
            self._tell("MODIFIED" if live else "ADDED", kind, obj, live)
            return obj

    def _define(self, obj: Object) -> None:
        """A definition's kinds are served from now on."""
        if obj["kind"] == DEFINITION:
            for kind, schema in kinds_of(obj):
                self.kinds.add(kind)
                self.schemas[kind] = schema

    def _metadata(self, obj: Object, live: Object | None) -> Object:
        metadata: Object = obj["metadata"] | {"resourceVersion": str(self.version)}
        if live is None:
            metadata.setdefault("uid", str(uuid.uuid4()))
            metadata.setdefault("creationTimestamp", self.clock.stamp())
            metadata.setdefault("generation", 1)
        elif live.get("spec") != obj.get("spec"):
            metadata["generation"] = live["metadata"].get("generation", 1) + 1
        return metadata

    def drop(self, obj: Object) -> None:
        with self.lock:
            kind = self.kinds.of(obj["apiVersion"], obj["kind"])
            key = (obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
            gone = self.of(kind).pop(key, None)
            if gone is None:
                return
            if obj["kind"] == DEFINITION:
                self._undefine(obj)
            self.version += 1
            metadata = gone["metadata"] | {"resourceVersion": str(self.version)}
            self._tell("DELETED", kind, gone | {"metadata": metadata}, gone)

    def _undefine(self, obj: Object) -> None:
        """A definition's kinds go with all their objects."""
        for kind, _ in kinds_of(obj):
            for each in list(self.of(kind).values()):
                self.drop(each)
            del self.objects[kind]
            self.schemas.pop(kind, None)
            self.kinds.remove(kind)

    def _tell(self, type_: str, kind: Kind, obj: Object, before: Object | None) -> None:
        line = json.dumps({"type": type_, "object": obj}, separators=(",", ":")).encode() + b"\n"
        if len(self.history) == self.history.maxlen:
            self.floor = self.history[0].version
        kept = {key: before["metadata"].get(key) for key in ("name", "labels")} if before else {}
        was = {"metadata": kept} if kept else None
        self.history.append(News(self.version, kind, obj["metadata"].get("namespace", ""), line, was))
        if self.journal:
            self.journal(line)
        for listener in self.listeners:
            listener(type_, obj)
        self.changed.notify_all()

    def since(self, version: int, kind: Kind) -> list[News]:
        """News about a kind after `version`; the caller holds the lock."""
        found: list[News] = []
        for news in reversed(self.history):
            if news.version <= version:
                break
            if news.kind == kind:
                found.append(news)
        return found[::-1]

    def forget(self) -> None:
        """Nothing before now can be replayed any more."""
        self.history.clear()
        self.floor = self.version

    def restore(self, objects: Iterator[Object], version: int) -> None:
        """Fill an empty store; watches can start from `version` on."""
        for obj in sorted(objects, key=lambda obj: obj["kind"] != DEFINITION):
            self._define(obj)
            kind = self.kinds.of(obj["apiVersion"], obj["kind"])
            self.of(kind)[obj["metadata"].get("namespace", ""), obj["metadata"]["name"]] = obj
        self.version = self.floor = version

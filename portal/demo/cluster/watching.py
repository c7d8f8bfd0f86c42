"""What a watch sends: what has happened since a version, then what happens, until its time is over."""

import json
import time
from collections.abc import Callable, Iterator

from portal.demo.cluster import paging
from portal.demo.cluster.api import Api, Params, Target
from portal.demo.cluster.selectors import by_fields, by_labels
from portal.demo.cluster.status import ApiError
from portal.demo.cluster.store import News, Object

BOOKMARK_EVERY = 10.0
LONGEST = 300


class Watch:
    """One watch; `pruned` leaves of an object what was asked for. Refuses bad selectors at once."""

    def __init__(self, api: Api, target: Target, params: Params, pruned: Callable[[Object], Object]) -> None:
        self.api, self.target, self._pruned = api, target, pruned
        self._labels = by_labels(params.get("labelSelector", ""))
        self._fields = by_fields(params.get("fieldSelector", ""), target.kind.kind)
        self._until = time.monotonic() + (paging.number(params, "timeoutSeconds") or LONGEST)
        self._version = paging.number(params, "resourceVersion")
        self._bookmarks = params.get("allowWatchBookmarks") in ("1", "true")
        self._params = params

    def lines(self, is_over: Callable[[], bool]) -> Iterator[bytes]:
        store, version = self.api.store, self._version
        with store.lock:
            if 0 < version < store.floor:
                yield _expired(version, store.floor)
                return
            existing = [] if version else self.api.chosen(self.target, self._params)
            version = version or store.version
        yield from (_line("ADDED", self._pruned(obj)) for obj in existing)
        told = time.monotonic()
        while time.monotonic() < self._until and not is_over():
            with store.changed:
                news = store.since(version, self.target.kind)
                if not news:
                    store.changed.wait(min(1.0, BOOKMARK_EVERY, max(0.0, self._until - time.monotonic())))
                    news = store.since(version, self.target.kind)
                version = store.version
            for line in self._selected(news):
                told = time.monotonic()
                yield line
            if time.monotonic() - told > BOOKMARK_EVERY and self._bookmarks:
                told = time.monotonic()
                yield _bookmark(self.target, version)

    def _selected(self, news: list[News]) -> Iterator[bytes]:
        for item in news:
            if self.target.namespace and item.namespace != self.target.namespace:
                continue
            event = json.loads(item.line)
            if type_ := self._type(item, event):
                yield _line(type_, self._pruned(event["object"]))

    def _type(self, item: News, event: Object) -> str:
        """What happened to the selection: an object that leaves it is deleted, one that enters is added."""
        obj = event["object"]
        fits = self._fields(obj)
        was = item.before is not None and self._labels(item.before) and fits
        now = event["type"] != "DELETED" and self._labels(obj) and fits
        if was and now:
            return "MODIFIED"
        return "ADDED" if now else "DELETED" if was else ""


def _line(type_: str, obj: Object) -> bytes:
    return json.dumps({"type": type_, "object": obj}, separators=(",", ":")).encode() + b"\n"


def _bookmark(target: Target, version: int) -> bytes:
    metadata = {"resourceVersion": str(version), "creationTimestamp": None}
    kind = target.kind
    return _line("BOOKMARK", {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": metadata})


def _expired(version: int, floor: int) -> bytes:
    error = ApiError(410, f"too old resource version: {version} ({floor})", "Expired")
    return _line("ERROR", error.body)

"""The cluster on disk: a snapshot written atomically and a journal of what happened since.

A killed process loses nothing that was answered: the journal line is written before the answer. A torn
last line of the journal (the machine went down while writing) is ignored.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from portal.demo.cluster.store import Store

COMPACT_AT = 4 * 1024 * 1024


class State:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.journal_path = path.with_suffix(path.suffix + ".journal")
        self._journal: BinaryIO | None = None
        self._size = 0

    def exists(self) -> bool:
        return self.path.exists()

    def load(self, store: Store) -> None:
        """Fill the store from disk, if there is anything."""
        if not self.exists():
            return
        snapshot = json.loads(self.path.read_bytes())
        objects = {_key(obj): obj for obj in snapshot["objects"]}
        version = int(snapshot["version"])
        for event in self._events():
            obj = event["object"]
            version = max(version, int(obj["metadata"]["resourceVersion"]))
            objects[_key(obj)] = obj
            if event["type"] == "DELETED":
                del objects[_key(obj)]
        store.restore(iter(objects.values()), version)

    def _events(self) -> Iterator[dict[str, Any]]:
        if not self.journal_path.exists():
            return
        with self.journal_path.open("rb") as lines:
            for line in lines:
                if line.endswith(b"\n"):
                    yield json.loads(line)

    def attach(self, store: Store) -> None:
        """Write a fresh snapshot and from now on every change."""
        with store.lock:
            self.snapshot(store)
            store.journal = lambda line: self._append(store, line)

    def snapshot(self, store: Store) -> None:
        """Everything in one file, whole or not at all; the journal starts anew."""
        fresh = self.path.with_suffix(self.path.suffix + ".new")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("w") as file:
            file.write(f'{{"version":{store.version},"objects":[')
            for index, obj in enumerate(o for found in store.objects.values() for o in found.values()):
                file.write(("," if index else "") + json.dumps(obj, separators=(",", ":")))
            file.write("]}")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)
        self.close()
        self._journal = self.journal_path.open("wb")
        self._size = 0

    def _append(self, store: Store, line: bytes) -> None:
        if self._journal is None:
            return
        self._journal.write(line)
        self._journal.flush()
        self._size += len(line)
        if self._size > COMPACT_AT:
            self.snapshot(store)

    def close(self) -> None:
        if self._journal:
            self._journal.close()
            self._journal = None


def _key(obj: dict[str, Any]) -> tuple[str, str, str, str]:
    metadata = obj["metadata"]
    return obj["apiVersion"], obj["kind"], metadata.get("namespace", ""), metadata["name"]

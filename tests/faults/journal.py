"""The driver's own record of what it asked for and was told, on disk before anything depends on it."""

import json
import os
import time
from pathlib import Path
from typing import Any


class Journal:
    """One JSON line an entry: `at`, `what`, and whatever else was said."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("a")

    def write(self, what: str, **said: Any) -> None:
        self._file.write(json.dumps({"at": time.time(), "what": what, **said}, default=str) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def entries(self, what: str = "") -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.path.read_text().splitlines()]
        return [entry for entry in found if what in ("", entry["what"])]

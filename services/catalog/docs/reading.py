"""The files of docs, from the folder or the commit that their source is."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from services.catalog.docs.layout import MAX_TOTAL, NoDocs, is_wanted
from services.catalog.models import Source
from services.catalog.sources import fetching
from services.integrations import githosts
from services.integrations.errors import IntegrationError

MAX_FILES = 5_000
MAX_SEEN = 50_000


def files_of(source: Source, root: str) -> tuple[dict[str, bytes], str]:
    """What may be docs below `root`, by the path from there, and the commit. Refuses (NoDocs) the rest.

    Symbolic links are never followed, in folders as in commits.
    """
    if source.kind == Source.Kind.FOLDER:
        return _gathered(_in_folder(Path(source.location), root)), ""
    if source.kind != Source.Kind.GIT:
        raise NoDocs("Docs are read from folders and repositories.")
    if _is_hosted(source.location):
        return _from_host(source, root)
    try:
        commit, blobs = fetching.blobs_below(source.location, source.branch, root)
    except fetching.CannotFetch as reason:
        raise NoDocs(str(reason)) from reason
    return _gathered((name, blob.size, lambda blob=blob: blob.data) for name, blob in blobs), commit


def _is_hosted(location: str) -> bool:
    return location.count("/") == 1 and ":" not in location and location[0] not in "/.~"


def _from_host(source: Source, root: str) -> tuple[dict[str, bytes], str]:
    host, room = githosts.get("local"), _Room()
    cut = len(root) + 1 if root else 0
    try:
        revision = host.head(source.location, source.branch or None)
        tree = host.read_tree(
            source.location, revision, root, lambda name, size: room.takes(name[cut:], size)
        )
    except IntegrationError as error:
        raise NoDocs(f"{source.location} cannot be read: {error}") from error
    return _gathered((name[cut:], len(data), lambda data=data: data) for name, data in tree.items()), revision


@dataclass
class _Room:
    """What is about to be read, counted. Refuses (NoDocs) too much before it is in memory."""

    files: int = 0
    total: int = 0

    def takes(self, name: str, size: int) -> bool:
        hidden = any(part in fetching.SKIPPED_FOLDERS for part in PurePosixPath(name).parts)
        if hidden or not is_wanted(name):
            return False
        self.files, self.total = self.files + 1, self.total + size
        if self.total > 2 * MAX_TOTAL or self.files > MAX_FILES:
            raise NoDocs("There is too much below that folder: name a folder further down.")
        return True


def _gathered(found: "Iterator[tuple[str, int, object]]") -> dict[str, bytes]:
    """The files worth having, each read only when there is room for it."""
    room = _Room()
    return {
        name: load()  # type: ignore[operator]  # a function without arguments
        for name, size, load in found
        if room.takes(name, size)
    }


def _in_folder(base: Path, root: str) -> Iterator[tuple[str, int, object]]:
    top = base.resolve() / root
    try:
        if top.resolve() != top or not top.is_dir():
            raise NoDocs(f"There is no folder {root or '.'} here, or it is a link.")
    except OSError as error:
        raise NoDocs(f"The folder {root} cannot be read.") from error
    seen = 0
    for folder, names, files in os.walk(top, followlinks=False):
        names[:] = sorted(name for name in names if name not in fetching.SKIPPED_FOLDERS)
        seen += len(files) + len(names)
        if seen > MAX_SEEN:
            raise NoDocs("There is too much below that folder: name a folder further down.")
        for name in sorted(files):
            path = Path(folder, name)
            state = path.lstat()
            if stat.S_ISREG(state.st_mode) and os.access(path, os.R_OK):
                yield path.relative_to(top).as_posix(), state.st_size, path.read_bytes

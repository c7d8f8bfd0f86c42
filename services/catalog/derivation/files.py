"""The files of a folder that a derivation looks at, within limits. Symbolic links are not followed."""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from services.catalog.derivation.model import Note
from services.catalog.derivation.vocabulary import NOT_WANTED, SKIPPED_FOLDERS

MAX_FILE = 5 * 1024 * 1024
MAX_FILES = 20_000
MAX_TOTAL = 128 * 1024 * 1024
MAX_ENTRIES = 400_000
MAX_DEPTH = 40
WANTED = re.compile(
    r"\.(ya?ml|json|properties|toml|ini|conf|cfg|cnf|env|template|tmpl|tpl|sh)\Z|(^|/)\.env[\w.-]*\Z|\.env\.[\w-]+\Z"
    r"|(^|/)(Caddyfile|Dockerfile)[\w.-]*\Z|(^|/)[\w-]*\.env\Z",
    re.IGNORECASE,
)


@dataclass
class Found:
    """Contents by path relative to the folder, and what was left out."""

    files: dict[str, bytes] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    total: int = 0

    def leave_out(self, file: str, why: str) -> None:
        self.notes.append(Note("limit", file, 1, why))


def is_wanted(path: str) -> bool:
    return bool(WANTED.search(path)) and PurePosixPath(path).name not in NOT_WANTED


def read_path(location: str | Path) -> Found:
    """A file, or every telling file of a folder. Raises OSError when there is no such thing."""
    place, found = Path(location), Found()
    if stat.S_ISREG(place.stat().st_mode):
        _take(place, place.name, found)
        return found
    root = place.resolve()
    for path in _walk(root, found):
        name = path.relative_to(root).as_posix()
        if is_wanted(name) and not _take(path, name, found):
            break
    return found


def _walk(root: Path, found: Found) -> Iterator[Path]:
    seen = 0
    for folder, names, files in os.walk(root, followlinks=False):
        depth = len(Path(folder).relative_to(root).parts)
        names[:] = sorted(name for name in names if name not in SKIPPED_FOLDERS) if depth < MAX_DEPTH else []
        seen += len(files)
        if seen > MAX_ENTRIES:
            found.leave_out(Path(folder).name, f"more than {MAX_ENTRIES:,} files: the rest was not looked at")
            return
        for name in sorted(files):
            path = Path(folder, name)
            if stat.S_ISREG(path.lstat().st_mode):
                yield path


def _take(path: Path, name: str, found: Found) -> bool:
    """Read one file; False when there is no room for any more."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_FILE + 1)
    except OSError as error:
        found.leave_out(name, f"cannot be read: {error.strerror}")
        return True
    if len(content) > MAX_FILE:
        found.leave_out(name, f"larger than {MAX_FILE // 1024 // 1024} MB")
        return True
    found.total += len(content)
    if len(found.files) >= MAX_FILES or found.total > MAX_TOTAL:
        found.leave_out(name, "too many or too large files: the rest was not looked at")
        return False
    if b"\x00" not in content[:2048]:
        found.files[name] = content
    return True

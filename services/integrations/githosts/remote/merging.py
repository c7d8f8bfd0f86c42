"""Whether two changes of one file fit together, and how it looks where they do not."""

import tempfile

import pygit2
from pygit2.enums import FileMode

from ..errors import Conflict

Version = bytes | None


def conflict(path: str, before: Version, ours: Version, theirs: Version) -> Conflict | None:
    """What git says of merging these three versions of one file; None when they merge."""
    if ours == theirs or before in (ours, theirs):
        return None
    if ours is None:
        return Conflict(path, "removed on the base, changed here")
    if theirs is None:
        return Conflict(path, "changed on the base, removed here")
    text, merges = _merged(path, before or b"", ours, theirs)
    if merges and before is not None:
        return None
    reason = "added on both sides" if before is None else "changed on both sides"
    return Conflict(path, reason, text)


def _merged(path: str, before: bytes, ours: bytes, theirs: bytes) -> tuple[str, bool]:
    """The text with its markers (empty for what is no text), and whether it merges by itself."""
    with tempfile.TemporaryDirectory() as folder:
        git = pygit2.init_repository(folder, bare=True)
        base, mine, other = (
            pygit2.IndexEntry(path, git.create_blob(each), FileMode.BLOB) for each in (before, ours, theirs)
        )
        try:
            found = git.merge_file_from_index(base, mine, other, use_deprecated=False)
        except UnicodeDecodeError:
            return "", False
        return found.contents, found.automergeable

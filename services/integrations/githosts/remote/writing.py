"""Bringing the branch of a pull request to where it carries a change, so that doing it again writes nothing.

The digest of the files is in the commit's message, made with the installation's key: the newest commit of
ours on the branch says what it carries, whatever people pushed on top of it.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pygit2

from ..base import Commit, Person
from ..errors import BadReference, NothingToChange, UnsafePath
from ..names import FILES_TRAILER, signing, spoken
from . import marks
from .dialect import Dialect, Entry, Writing

Folder = Callable[[str, str], dict[str, Entry]]


@dataclass(frozen=True)
class Change:
    """Exactly these files (None removes one) over `base` (None: where the branch left the default branch)."""

    branch: str
    files: Mapping[str, bytes | None]
    author: Person
    message: str
    base: str | None
    number: int | None = None


def bring(dialect: Dialect, repo: str, trunk: tuple[str, str], change: Change, folder: Folder) -> str:
    """The branch's commit. `trunk` is the default branch and its tip.

    Refuses NothingToChange, what is not part of the default branch, and paths through what is no folder.
    """
    name, tip = trunk
    if change.branch == name:
        raise BadReference(f"{name} is written by merging alone")
    old = dialect.tip(repo, change.branch)
    ours = dialect.beyond(repo, tip, old) if old else []
    base = change.base or (_fork(dialect, repo, ours, old) if old else tip)
    if base != tip and dialect.beyond(repo, tip, base):
        raise BadReference(f"{base[:8]} is not part of {name}")
    takes_in = bool(old and dialect.beyond(repo, old, base))
    digest = _digest(repo, change)
    if old and not takes_in and _last_digest(ours, old) == digest:
        return old
    before = _before(change.files, lambda path: folder(base, path))
    message = f"{spoken(change.message)}\n\n{FILES_TRAILER}: {digest}\n"
    return dialect.write(
        repo,
        Writing(
            change.branch, base, old, takes_in, change.files, _signed(change.author), message,
            change.number, name, before,
        ),
    )  # fmt: skip


def _signed(author: Person) -> Person:
    return Person(author.username, signing(author.name) or author.username, signing(author.address))


def _fork(dialect: Dialect, repo: str, ours: Sequence[Commit], old: str) -> str:
    """The newest commit of the default branch that the branch has."""
    known = {commit.sha for commit in ours}
    roots = {parent for commit in ours for parent in commit.parents} - known
    if not known:
        return old
    newest = (
        root for root in roots if not any(dialect.beyond(repo, root, other) for other in roots - {root})
    )
    return next(newest, max(roots))


def _digest(repo: str, change: Change) -> str:
    told = [repo, change.branch]
    for path, data in sorted(change.files.items()):
        told += [path, "-" if data is None else hashlib.sha256(data).hexdigest()]
    return marks.mac("files", *told)


def _last_digest(ours: Sequence[Commit], head: str) -> str | None:
    """The digest in the newest commit of ours, however the host orders them."""
    by_id, waiting, seen = {commit.sha: commit for commit in ours}, [head], set[str]()
    while waiting:
        commit = by_id.get(waiting.pop(0))
        if commit is None or commit.sha in seen:
            continue
        seen.add(commit.sha)
        for line in reversed(commit.message.splitlines()):
            if line.startswith(f"{FILES_TRAILER}: "):
                return line.removeprefix(f"{FILES_TRAILER}: ").strip()
        waiting += commit.parents
    return None


def _before(
    files: Mapping[str, bytes | None], folder: Callable[[str], dict[str, Entry]]
) -> dict[str, Entry | None]:
    """What stands at each path now. Refuses NothingToChange when that is what is wanted."""
    found = {path: _regular(path, folder) for path in files}
    if all(_is_there(found[path], data) for path, data in files.items()):
        raise NothingToChange("the repository already holds exactly these files")
    return found


def _is_there(entry: Entry | None, data: bytes | None) -> bool:
    if entry is None or data is None:
        return entry is None and data is None
    return entry.sha == str(pygit2.hash(data))


def _regular(path: str, folder: Callable[[str], dict[str, Entry]]) -> Entry | None:
    """The file at a path. Refuses to go through, or to write over, what is neither file nor folder."""
    parts = path.split("/")
    for depth, name in enumerate(parts, 1):
        found = folder("/".join(parts[: depth - 1])).get(name)
        wanted = "file" if depth == len(parts) else "folder"
        if found is None:
            return None
        if found.kind != wanted:
            raise UnsafePath(f"{'/'.join(parts[:depth])} is not a regular {wanted}")
    return found

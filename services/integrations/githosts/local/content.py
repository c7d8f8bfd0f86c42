"""Trees, commits and references of one bare repository, through libgit2. Knows nothing of pull requests."""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Literal

import pygit2
from pygit2.enums import FileMode, SortMode

from services.integrations.errors import Unavailable

from ..base import SLIPWAY, Commit, FileChange, Only, Person, everything
from ..errors import Conflict, UnknownReference, UnsafePath
from ..names import SHA, check_branch, signing
from . import trees

REGULAR = (FileMode.BLOB, FileMode.BLOB_EXECUTABLE)


def tip(git: pygit2.Repository, branch: str) -> pygit2.Commit | None:
    """The commit a branch points at, None when there is no such branch."""
    reference = git.references.get(f"refs/heads/{check_branch(branch)}")
    return None if reference is None else reference.peel(pygit2.Commit)


def resolve(git: pygit2.Repository, ref: str) -> pygit2.Commit:
    """A branch or a full commit id; no revision syntax. Raises UnknownReference."""
    found = git.get(ref) if SHA.fullmatch(ref) else tip(git, ref)
    if not isinstance(found, pygit2.Commit):
        raise UnknownReference(f"there is no branch or commit {ref}")
    return found


def at_id(git: pygit2.Repository, oid: pygit2.Oid) -> pygit2.Commit:
    return git[oid].peel(pygit2.Commit)


def entry(tree: pygit2.Tree, path: str) -> pygit2.Object | None:
    try:
        return tree[path]
    except (KeyError, ValueError):
        return None


def read(tree: pygit2.Tree, path: str) -> bytes | None:
    found = entry(tree, path)
    if isinstance(found, pygit2.Blob) and found.filemode in REGULAR:
        return found.data
    return None


def walk(tree: pygit2.Tree, prefix: str = "", only: Only = everything) -> Iterator[tuple[str, bytes]]:
    """Every regular file that is wanted; links and submodules are passed over, never followed."""
    for item in tree:
        path = f"{prefix}{item.name}"
        if isinstance(item, pygit2.Tree):
            yield from walk(item, f"{path}/", only)
        elif isinstance(item, pygit2.Blob) and item.filemode in REGULAR and only(path, item.size):
            yield path, item.data


def with_files(
    git: pygit2.Repository, tree: pygit2.Tree | None, files: Mapping[str, bytes | None]
) -> pygit2.Oid:
    """The tree with these files in place. Refuses to write through a link, a submodule or a file."""
    if tree is not None:
        for path in files:
            _check_regular(tree, path)
    places = {
        path: None if data is None else (git.create_blob(data), FileMode.BLOB) for path, data in files.items()
    }
    return trees.changed(git, tree, places)


def _check_regular(tree: pygit2.Tree, path: str) -> None:
    parts = path.split("/")
    for depth in range(1, len(parts) + 1):
        found = entry(tree, "/".join(parts[:depth]))
        wanted = REGULAR if depth == len(parts) else (FileMode.TREE,)
        if found is not None and found.filemode not in wanted:
            raise UnsafePath(
                f"{'/'.join(parts[:depth])} is not a regular {'file' if wanted == REGULAR else 'folder'}"
            )


def signature(person: Person, at: datetime | None = None) -> pygit2.Signature:
    moment = int(at.timestamp()) if at else int(time.time())
    return pygit2.Signature(signing(person.name) or person.username, signing(person.address), moment, 0)


def commit(
    git: pygit2.Repository,
    tree: pygit2.Oid,
    parents: list[pygit2.Oid],
    *,
    author: Person,
    message: str,
    at: datetime | None = None,
) -> pygit2.Oid:
    """Writes the commit object; no reference moves."""
    return git.create_commit(None, signature(author, at), signature(SLIPWAY, at), message, tree, parents)


def move(git: pygit2.Repository, branch: str, new: pygit2.Oid, old: pygit2.Oid | None) -> None:
    """Points the branch at `new` if it still points at `old` (None: does not exist). Raises Unavailable."""
    name = f"refs/heads/{check_branch(branch)}"
    try:
        if old is None:
            git.references.create(name, new)
            return
        reference = git.references[name]
        if reference.target != old:
            raise Unavailable(f"{branch} moved meanwhile")
        reference.set_target(new)
    except (pygit2.GitError, pygit2.AlreadyExistsError, KeyError, OSError) as error:
        raise Unavailable(f"{branch} could not be moved: somebody else did or holds it") from error


def changes(old: pygit2.Commit, new: pygit2.Commit) -> list[FileChange]:
    found = (
        (path, entry(old.tree, path), entry(new.tree, path)) for path in trees.differing(old.tree, new.tree)
    )
    result = [
        FileChange(path, _status(before, after), read(old.tree, path), read(new.tree, path))
        for path, before, after in found
    ]
    return sorted(result, key=lambda change: change.path)


def _status(
    before: pygit2.Object | None, after: pygit2.Object | None
) -> Literal["added", "removed", "changed"]:
    """A folder where a file was is another path."""
    if before is None or isinstance(before, pygit2.Tree):
        return "added"
    return "removed" if after is None or isinstance(after, pygit2.Tree) else "changed"


def lines_changed(old: pygit2.Commit, new: pygit2.Commit) -> tuple[int, int]:
    """Lines added and removed."""
    stats = [
        pygit2.Patch.create_from(_blob(old.tree, path), _blob(new.tree, path)).line_stats
        for path in trees.differing(old.tree, new.tree)
    ]
    return sum(added for _, added, _ in stats), sum(removed for *_, removed in stats)


def _blob(tree: pygit2.Tree, path: str) -> pygit2.Blob | None:
    found = entry(tree, path)
    return found if isinstance(found, pygit2.Blob) else None


def conflicts(git: pygit2.Repository, found: trees.Merged) -> list[Conflict]:
    both = [Conflict(path, "a file on one side, a folder on the other") for path in found.clashes]
    return sorted([*both, *(_conflict(git, *sides) for sides in found.conflicts)], key=_path)


def _path(conflict: Conflict) -> str:
    return conflict.path


def _conflict(
    git: pygit2.Repository,
    before: pygit2.IndexEntry | None,
    ours: pygit2.IndexEntry | None,
    theirs: pygit2.IndexEntry | None,
) -> Conflict:
    path = str(next(side.path for side in (ours, theirs, before) if side is not None))
    if ours is None:
        return Conflict(path, "removed on the base, changed here")
    if theirs is None:
        return Conflict(path, "changed on the base, removed here")
    reason = "added on both sides" if before is None else "changed on both sides"
    return Conflict(path, reason, _marked(git, before, ours, theirs))


def _marked(
    git: pygit2.Repository,
    before: pygit2.IndexEntry | None,
    ours: pygit2.IndexEntry,
    theirs: pygit2.IndexEntry,
) -> str:
    try:
        merged = git.merge_file_from_index(before, ours, theirs)
    except UnicodeDecodeError:  # not text, so there is nothing to show
        return ""
    return merged if isinstance(merged, str) else merged.contents


def log(git: pygit2.Repository, start: pygit2.Commit, path: str, limit: int) -> list[Commit]:
    """Newest first; with a path, only commits in which it differs from every parent."""
    found: list[Commit] = []
    for each in git.walk(start.id, SortMode.TOPOLOGICAL | SortMode.TIME):
        if len(found) >= limit:
            break
        if not path or _touches(each, path):
            found.append(as_commit(each))
    return found


def _touches(each: pygit2.Commit, path: str) -> bool:
    def identity(of: pygit2.Commit) -> pygit2.Oid | None:
        found = entry(of.tree, path)
        return None if found is None else found.id

    here = identity(each)
    before = [identity(parent) for parent in each.parents] or [None]
    return all(here != other for other in before)


def as_commit(each: pygit2.Commit) -> Commit:
    author = Person(each.author.email.partition("@")[0], each.author.name, each.author.email)
    at = datetime.fromtimestamp(each.commit_time, UTC)
    return Commit(str(each.id), each.message, author, at, tuple(str(p) for p in each.parent_ids))


def is_ancestor(git: pygit2.Repository, sha: pygit2.Oid, of: pygit2.Oid) -> bool:
    return sha == of or git.descendant_of(of, sha)

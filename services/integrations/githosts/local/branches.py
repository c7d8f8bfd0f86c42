"""Writing the branch of a pull request, so that doing it again writes nothing."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pygit2

from ..base import Person
from ..errors import BadReference, NothingToChange
from ..names import FILES_TRAILER, spoken
from . import content


@dataclass(frozen=True)
class Change:
    """Exactly these files (None removes one) over `base`, a commit of the default branch (None: the fork)."""

    branch: str
    files: Mapping[str, bytes | None]
    author: Person
    message: str
    base: str | None


def write(
    git: pygit2.Repository, default_branch: str, change: Change, at: Callable[[str], None]
) -> pygit2.Commit:
    """The tip of the branch carrying the change, committed only when our newest commit there carries another.

    Refuses NothingToChange for files the base already has, and BadReference for the default branch itself
    and for a base that is not part of it.
    """
    trunk, old = content.resolve(git, default_branch), content.tip(git, change.branch)
    fork = content.at_id(git, git.merge_base(trunk.id, old.id)) if old else trunk
    base = content.resolve(git, change.base) if change.base else fork
    _check(git, change.branch, base, default_branch)
    parents = _parents(git, base, old)
    digest = _digest(change.files)
    if old is not None and len(parents) == 1 and _last_digest(git, old, fork) == digest:
        return old
    tree = content.with_files(git, base.tree, change.files)
    if tree == base.tree.id:
        raise NothingToChange("the repository already holds exactly these files")
    at("tree written")
    text = f"{spoken(change.message)}\n\n{FILES_TRAILER}: {digest}\n"
    new = content.commit(git, tree, parents, author=change.author, message=text)
    at("commit written")
    content.move(git, change.branch, new, old.id if old else None)
    return content.at_id(git, new)


def _check(git: pygit2.Repository, branch: str, base: pygit2.Commit, default_branch: str) -> None:
    if branch == default_branch:
        raise BadReference(f"{default_branch} is written by merging alone")
    if not content.is_ancestor(git, base.id, content.resolve(git, default_branch).id):
        raise BadReference(f"{str(base.id)[:8]} is not part of {default_branch}")


def _parents(git: pygit2.Repository, base: pygit2.Commit, old: pygit2.Commit | None) -> list[pygit2.Oid]:
    """The branch goes on from where it is; a base it does not have yet is merged in."""
    if old is None:
        return [base.id]
    return [old.id] if content.is_ancestor(git, base.id, old.id) else [old.id, base.id]


def _digest(files: Mapping[str, bytes | None]) -> str:
    whole = hashlib.sha256()
    for path, data in sorted(files.items()):
        whole.update(path.encode() + b"\0" + (b"-" if data is None else hashlib.sha256(data).digest()))
    return whole.hexdigest()


def _last_digest(git: pygit2.Repository, head: pygit2.Commit, fork: pygit2.Commit) -> str | None:
    """The digest in the newest commit of ours on the branch; what people push on top is kept."""
    walker = git.walk(head.id)
    walker.hide(fork.id)
    for each in walker:
        for line in reversed(each.message.splitlines()):
            if line.startswith(f"{FILES_TRAILER}: "):
                return line.removeprefix(f"{FILES_TRAILER}: ")
    return None

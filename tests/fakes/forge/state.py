"""What a git host knows, whatever it speaks: a bare repository, pull requests, reviews, labels, statuses.

`lag` keeps what is written from being read for that many readings, as hosts of many machines do; writing
knows the truth at once.
"""

from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pygit2
from pygit2.enums import FileMode, SortMode

BOT = "slipway-bot"
START = datetime(2026, 11, 20, 9, tzinfo=UTC)


@dataclass
class Said:
    """A comment or a review."""

    id: int
    by: str
    body: str
    at: str
    head: str = ""
    state: str = "COMMENTED"


@dataclass
class Pull:
    number: int
    branch: str
    base: str
    title: str
    body: str
    by: str
    at: str
    base_sha: str
    head: str
    state: str = "open"
    merge_sha: str = ""
    merged_by: str = ""
    ended_at: str = ""
    closed_by: str = ""
    labels: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    notes: list[Said] = field(default_factory=list)
    reviews: list[Said] = field(default_factory=list)
    versions: list[tuple[str, str]] = field(default_factory=list)


class Forge:
    def __init__(self, folder: Path, name: str = "shop/deploy") -> None:
        self.name, self.trunk = name, "main"
        self.git = pygit2.init_repository(str(folder), bare=True, initial_head="main")
        self.pulls: dict[int, Pull] = {}
        self.labels: dict[str, int] = {}
        self.statuses: dict[str, list[dict[str, str]]] = {}
        self.runs: dict[str, dict[str, str]] = {}
        self.people = {BOT: 1, "sam": 2, "priya": 3}
        self.lag = self.ticks = 0
        self.before: dict[int, Pull] = {}
        self.hidden: dict[str, tuple[int, str]] = {}
        self.needs_approval = self.still_checking = self.archived = self.is_admin = False
        self.scopes: list[str] = ["repo"]
        self.level = 30

    # Time and what is not to be seen yet

    def now(self) -> str:
        self.ticks += 1
        return (START + timedelta(seconds=self.ticks)).isoformat().replace("+00:00", "Z")

    def read(self) -> None:
        """One more reading: what was written is nearer to being seen."""
        for key, (left, before) in list(self.hidden.items()):
            self.hidden[key] = (left - 1, before)
            if left <= 1:
                del self.hidden[key]

    def wrote(self, key: str, before: str = "") -> None:
        if self.lag:
            self.hidden.setdefault(key, (self.lag, before))

    # Git

    def tip(self, branch: str, *, truth: bool = True) -> str:
        """The commit of a branch, empty when there is none."""
        key = f"branch {branch}"
        if not truth and key in self.hidden:
            return self.hidden[key][1]
        found = self.git.references.get(f"refs/heads/{branch}")
        return str(found.target) if found else ""

    def move(self, branch: str, sha: str) -> None:
        self.wrote(f"branch {branch}", self.tip(branch))
        self.git.references.create(f"refs/heads/{branch}", sha, force=True)
        for pull in self.pulls.values():
            if pull.branch == branch and pull.state == "open":
                pull.head = sha
                pull.versions.append((self.now(), sha))

    def resolve(self, name: str) -> pygit2.Commit | None:
        sha = self.tip(name, truth=False) or name
        try:
            found = self.git.get(sha)
        except ValueError:
            return None
        return found if isinstance(found, pygit2.Commit) else None

    def commit(
        self,
        parents: list[str],
        files: Mapping[str, bytes | None],
        message: str,
        author: str = "Sam Okafor <sam@example.org>",
    ) -> str:
        """Over the first parent's tree."""
        index = pygit2.Index()
        if parents:
            index.read_tree(self.git[parents[0]].peel(pygit2.Tree))
        for path, data in files.items():
            if data is None:
                index.remove(path)
            else:
                index.add(pygit2.IndexEntry(path, self.git.create_blob(data), FileMode.BLOB))
        return self.commit_tree(str(index.write_tree(self.git)), parents, message, author)

    def commit_tree(self, tree: str, parents: list[str], message: str, author: str) -> str:
        name, _, mail = author.partition(" <")
        self.ticks += 1
        when = int(START.timestamp()) + self.ticks
        person = pygit2.Signature(name, mail.rstrip(">"), when, 0)
        ours = [pygit2.Oid(hex=parent) for parent in parents]
        return str(self.git.create_commit(None, person, person, message, pygit2.Oid(hex=tree), ours))

    def push(self, branch: str, files: Mapping[str, bytes | None], message: str = "By hand") -> str:
        """What somebody commits with git."""
        old = self.tip(branch) or self.tip(self.trunk)
        sha = self.commit([old] if old else [], files, message)
        self.move(branch, sha)
        return sha

    def beyond(self, base: str, head: str) -> list[pygit2.Commit]:
        """Commits of head that base does not have, the oldest first."""
        walker = self.git.walk(pygit2.Oid(hex=head), SortMode.TOPOLOGICAL | SortMode.REVERSE)
        walker.hide(pygit2.Oid(hex=base))
        return list(walker)

    def merge_base(self, one: str, other: str) -> str:
        return str(self.git.merge_base(pygit2.Oid(hex=one), pygit2.Oid(hex=other)))

    def patches(self, old: str, new: str) -> Iterator[tuple[str, str, str, int, int, str]]:
        """(status, path, patch, added, removed, blob) of each file."""
        found = self.git.diff(self.git[old].peel(pygit2.Tree), self.git[new].peel(pygit2.Tree))
        for patch in found:
            delta = patch.delta
            status = {"A": "added", "D": "removed"}.get(delta.status_char(), "modified")
            path = delta.new_file.path or delta.old_file.path
            body = "".join(
                h.header + "".join(f"{line.origin}{line.content}" for line in h.lines) for h in patch.hunks
            )
            _, added, removed = patch.line_stats
            yield status, path, body, added, removed, str(delta.new_file.id)

    def log(self, sha: str, path: str) -> list[pygit2.Commit]:
        found = self.git.walk(pygit2.Oid(hex=sha), SortMode.TOPOLOGICAL | SortMode.TIME)
        return [each for each in found if not path or self._touches(each, path)]

    def _touches(self, each: pygit2.Commit, path: str) -> bool:
        def at(commit: pygit2.Commit) -> object:
            return commit.tree[path].id if path in commit.tree else None

        return all(at(each) != at(parent) for parent in each.parents) if each.parents else path in each.tree

    # Pull requests

    def visible(self, number: int) -> Pull | None:
        if f"ended {number}" in self.hidden:
            return self.before[number]
        return None if f"pull {number}" in self.hidden else self.pulls.get(number)

    def end(self, pull: Pull, state: str, by: str) -> None:
        self.before[pull.number] = copy(pull)
        self.wrote(f"ended {pull.number}")
        pull.state, pull.ended_at = state, self.now()
        if state == "merged":
            pull.merged_by = by
        else:
            pull.closed_by = by

    def of_branch(self, branch: str) -> list[Pull]:
        """The newest first."""
        found = [self.visible(pull.number) for pull in self.pulls.values() if pull.branch == branch]
        return sorted((pull for pull in found if pull), key=lambda pull: -pull.number)

    def is_open(self, branch: str) -> bool:
        return any(pull.branch == branch and pull.state == "open" for pull in self.pulls.values())

    def open(self, branch: str, base: str, title: str, body: str, by: str = BOT) -> Pull:
        number, head, at = len(self.pulls) + 1, self.tip(branch), self.now()
        pull = Pull(number, branch, base, title, body, by, at, self.merge_base(self.tip(base), head), head)
        pull.versions.append((at, head))
        self.pulls[number] = pull
        self.wrote(f"pull {number}")
        return pull

    def base_of(self, pull: Pull) -> str:
        """Where it leaves its base."""
        if pull.state == "open":
            pull.base_sha = self.merge_base(self.tip(pull.base), pull.head)
        return pull.base_sha

    def merges(self, pull: Pull) -> bool:
        return not self._index(self.tip(pull.base), pull.head).conflicts

    def _index(self, base: str, head: str) -> pygit2.Index:
        return self.git.merge_commits(pygit2.Oid(hex=base), pygit2.Oid(hex=head))

    def merge(self, pull: Pull, message: str, by: str = BOT, head: str = "") -> str:
        """Empty when it is merged, else what is in the way: ended, moved, conflict, rules."""
        if pull.state != "open":
            return "ended"
        if head and head != pull.head:
            return "moved"
        if self.needs_approval and not any(review.state == "APPROVED" for review in pull.reviews):
            return "rules"
        base, self_base = self.tip(pull.base), self.base_of(pull)
        index = self._index(base, pull.head)
        if index.conflicts:
            return "conflict"
        tree = str(index.write_tree(self.git))
        pull.base_sha = self_base
        self.end(pull, "merged", by)
        pull.merge_sha = self.commit_tree(tree, [base, pull.head], message, f"{by} <{by}@example.org>")
        self.move(pull.base, pull.merge_sha)
        return ""

    def take_in(self, pull: Pull) -> bool:
        """Merges the base into the branch, as the button of that name does."""
        index = self._index(pull.head, self.tip(pull.base))
        if index.conflicts:
            return False
        tree = str(index.write_tree(self.git))
        self.move(
            pull.branch, self.commit_tree(tree, [pull.head, self.tip(pull.base)], "Update", f"{BOT} <b@x>")
        )
        return True

    def close(self, pull: Pull, by: str = BOT) -> None:
        if pull.state == "open":
            self.end(pull, "closed", by)

    def say(self, pull: Pull, body: str, by: str = BOT) -> Said:
        pull.notes.append(Said(len(pull.notes) + 1, by, body, self.now()))
        self.wrote(f"note {pull.number} {len(pull.notes)}")
        return pull.notes[-1]

    def notes(self, pull: Pull) -> list[Said]:
        return [note for note in pull.notes if f"note {pull.number} {note.id}" not in self.hidden]

    def review(self, pull: Pull, state: str, body: str = "", by: str = BOT, head: str = "") -> Said:
        pull.reviews.append(Said(len(pull.reviews) + 1, by, body, self.now(), head or pull.head, state))
        self.wrote(f"review {pull.number} {len(pull.reviews)}")
        return pull.reviews[-1]

    def reviews(self, pull: Pull) -> list[Said]:
        return [each for each in pull.reviews if f"review {pull.number} {each.id}" not in self.hidden]

    def report(self, sha: str, **said: str) -> dict[str, str]:
        row = {"at": self.now(), **said}
        self.statuses.setdefault(sha, []).insert(0, row)
        return row

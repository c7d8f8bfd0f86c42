"""`GitHost` over a folder of bare repositories.

A change holds the repository's row lock, so two of them never interleave; git's own compare-and-swap guards
against pushes from outside. References move before rows are written, and each step first looks for what an
earlier, killed run left behind: the branch by its name and the commits by the digest in their trailer.
"""

import difflib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pygit2
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from services.effects import crashpoints
from services.integrations.models import PullApproval, PullComment, PullRequest, Repository

from ..base import (
    Announcement,
    Capabilities,
    Check,
    Comment,
    Commit,
    FileChange,
    Only,
    Person,
    Proposal,
    Review,
    everything,
)
from ..errors import (
    HeadMoved,
    MergeConflict,
    NotOpen,
    OwnApproval,
    UnknownProposal,
    UnknownReference,
    UnknownRepository,
)
from ..names import MERGED_TRAILER, check_branch, check_files, check_repository, spoken
from . import branches, content, state, trees

STEPS = (
    "tree written", "commit written", "branch written", "row written", "proposal committed",
    "merge written", "base moved", "merge row written", "merge committed",
    "review written", "review committed", "comment written", "comment committed",
    "close written", "close committed",
)  # fmt: skip


def _point(step: str) -> str:
    return f"githost.{step.replace(' ', '_')}"


crashpoints.declare(*map(_point, STEPS))


def _reached(step: str) -> None:
    """The default of `at`."""
    crashpoints.reached(_point(step))


class LocalHost:
    capabilities = Capabilities()

    def __init__(self, root: Path | None = None, at: Callable[[str], None] = _reached) -> None:
        self.root = Path(root or settings.GIT_ROOT)
        self.at = at

    # Repositories

    def create(self, repo: str, *, default_branch: str = "main") -> None:
        """Makes the repository when it is absent; keeps one that is there."""
        path = self._path(check_repository(repo))
        pygit2.init_repository(str(path), bare=True, initial_head=check_branch(default_branch))
        Repository.objects.get_or_create(slug=repo, defaults={"default_branch": default_branch})

    def commit(
        self,
        repo: str,
        *,
        files: Mapping[str, bytes | None],
        author: Person,
        message: str,
        branch: str | None = None,
        at: datetime | None = None,
    ) -> str:
        """Commits straight to a branch (for seeding and tests); an unchanged tree makes no commit."""
        check_files(files)
        with self._locked(repo) as row:
            git, branch = self._git(row), branch or row.default_branch
            old = content.tip(git, branch)
            tree = content.with_files(git, old.tree if old else None, files)
            if old is not None and old.tree.id == tree:
                return str(old.id)
            new = content.commit(git, tree, [old.id] if old else [], author=author, message=message, at=at)
            content.move(git, branch, new, old.id if old else None)
            return str(new)

    def _path(self, slug: str) -> Path:
        return self.root / f"{slug}.git"

    def _git(self, row: Repository) -> pygit2.Repository:
        return pygit2.Repository(str(self._path(row.slug)))

    def _row(self, repo: str, rows: QuerySet[Repository] | None = None) -> Repository:
        row = (Repository.objects.all() if rows is None else rows).filter(slug=repo).first()
        if row is None or not self._path(row.slug).is_dir():
            raise UnknownRepository(f"the portal knows no repository {repo[:80]}{_meant(repo)}")
        return row

    @contextmanager
    def _locked(self, repo: str) -> Iterator[Repository]:
        with transaction.atomic():
            yield self._row(repo, Repository.objects.select_for_update())

    # Reading

    def head(self, repo: str, branch: str | None = None) -> str:
        row = self._row(repo)
        return str(content.resolve(self._git(row), branch or row.default_branch).id)

    def read(self, repo: str, path: str, ref: str) -> bytes | None:
        return content.read(content.resolve(self._git(self._row(repo)), ref).tree, path)

    def reader(self, repo: str, ref: str | None = None) -> Callable[[str], bytes | None]:
        row = self._row(repo)
        git = self._git(row)
        tree = content.resolve(git, ref or row.default_branch).tree
        return lambda path: content.read(tree, path)

    def read_tree(self, repo: str, ref: str, under: str = "", only: Only = everything) -> dict[str, bytes]:
        tree = content.resolve(self._git(self._row(repo)), ref).tree
        folder = under.strip("/")
        start = content.entry(tree, folder) if folder else tree
        return (
            dict(content.walk(start, f"{folder}/" if folder else "", only))
            if isinstance(start, pygit2.Tree)
            else {}
        )

    def log(self, repo: str, ref: str, path: str = "", limit: int = 50) -> list[Commit]:
        git = self._git(self._row(repo))
        return content.log(git, content.resolve(git, ref), path.strip("/"), limit)

    def is_ancestor(self, repo: str, sha: str, of: str) -> bool:
        git = self._git(self._row(repo))
        try:
            first = content.resolve(git, sha)
        except UnknownReference:
            return False
        return content.is_ancestor(git, first.id, content.resolve(git, of).id)

    # Proposing

    def propose(
        self,
        repo: str,
        *,
        branch: str,
        title: str,
        body: str,
        files: Mapping[str, bytes | None],
        author: Person,
        message: str,
        base: str | None = None,
    ) -> Proposal:
        check_files(files)
        check_branch(branch)
        with self._locked(repo) as row:
            pull = self._find(row, branch)
            if pull is None or pull.state == PullRequest.State.OPEN:
                change = branches.Change(branch, files, author, message, base)
                head = branches.write(self._git(row), row.default_branch, change, self.at)
                self.at("branch written")
                pull = self._write_row(row, pull, head, branch=branch, title=title, body=body, author=author)
                self.at("row written")
            found = state.proposal(self._git(row), pull)
        self.at("proposal committed")
        return found

    def _write_row(
        self, row: Repository, pull: PullRequest | None, head: pygit2.Commit, *, author: Person, **said: str
    ) -> PullRequest:
        git = self._git(row)
        base = git.merge_base(content.resolve(git, row.default_branch).id, head.id)
        if pull is None:
            row.last_number += 1
            row.save(update_fields=["last_number"])
            pull = PullRequest(repository=row, number=row.last_number, base=row.default_branch)
            pull.author_username, pull.author_name = author.username, author.name
        for name, value in {**said, "head_sha": str(head.id), "base_sha": str(base)}.items():
            setattr(pull, name, value)
        pull.save()
        return pull

    # Pull requests

    def find_proposal(self, repo: str, branch: str) -> Proposal | None:
        with self._locked(repo) as row:
            pull = self._find(row, check_branch(branch))
            return None if pull is None else state.proposal(self._git(row), pull)

    def proposal(self, repo: str, number: int) -> Proposal:
        pull, git = self._seen(repo, number)
        return state.proposal(git, pull)

    def diff(self, repo: str, number: int) -> list[FileChange]:
        pull, git = self._seen(repo, number)
        return content.changes(content.resolve(git, pull.base_sha), content.resolve(git, pull.head_sha))

    def _seen(self, repo: str, number: int) -> tuple[PullRequest, pygit2.Repository]:
        """A pull request as it is now; the lock is only taken to write down what happened to its branches."""
        rows = PullRequest.objects.select_related("repository")
        pull = rows.filter(repository__slug=repo, number=number).first()
        if pull is not None and self._path(repo).is_dir():
            git = self._git(pull.repository)
            if not state.has_moved(git, pull):
                return pull, git
        with self._locked(repo) as row:
            return self._pull(row, number), self._git(row)

    def _find(self, row: Repository, branch: str) -> PullRequest | None:
        pull = row.pull_requests.filter(branch=branch).first()
        return None if pull is None else state.refresh(self._git(row), pull)

    def _pull(self, row: Repository, number: int) -> PullRequest:
        pull = row.pull_requests.filter(number=number).first()
        if pull is None:
            raise UnknownProposal(f"{row.slug} has no pull request #{number}")
        return state.refresh(self._git(row), pull)

    def comments(self, repo: str, number: int) -> list[Comment]:
        pull, _ = self._seen(repo, number)
        return [state.comment(c) for c in pull.comments.all()]

    def comment(self, repo: str, number: int, *, body: str, author: Person, key: str) -> Comment:
        with self._locked(repo) as row:
            said, _ = PullComment.objects.get_or_create(
                pull_request=self._pull(row, number),
                key=key,
                defaults={"author_username": author.username, "author_name": author.name, "body": body},
            )
            self.at("comment written")
        self.at("comment committed")
        return state.comment(said)

    def approvals(self, repo: str, number: int) -> list[Review]:
        pull, _ = self._seen(repo, number)
        return [state.review(each, pull) for each in pull.approvals.all()]

    def approve(self, repo: str, number: int, *, by: Person, head: str) -> Review:
        with self._locked(repo) as row:
            pull = self._pull(row, number)
            self._check_open(pull, head)
            if pull.author_username == by.username:
                raise OwnApproval(f"{by.name} proposed #{number}; somebody else has to approve it")
            given, _ = PullApproval.objects.get_or_create(
                pull_request=pull, by_username=by.username, head_sha=head, defaults={"by_name": by.name}
            )
            self.at("review written")
        self.at("review committed")
        return state.review(given, pull)

    def checks(self, repo: str, head: str) -> list[Check]:
        return []

    def announce(self, repo: str, number: int, *, head: str, said: Announcement) -> None:
        """The portal's own pages show all of it."""

    def _check_open(self, pull: PullRequest, head: str) -> None:
        if pull.state != PullRequest.State.OPEN:
            raise NotOpen(f"#{pull.number} is {pull.state}")
        if pull.head_sha != head:
            raise HeadMoved(f"#{pull.number} is at {pull.head_sha[:8]} now; {head[:8]} was looked at")

    def merge(self, repo: str, number: int, *, by: Person, expected_head: str, message: str) -> Proposal:
        with self._locked(repo) as row:
            pull, git = self._pull(row, number), self._git(row)
            if pull.state != PullRequest.State.MERGED:
                self._check_open(pull, expected_head)
                self._merge(git, pull, by, message)
            found = state.proposal(git, pull)
        self.at("merge committed")
        return found

    def _merge(self, git: pygit2.Repository, pull: PullRequest, by: Person, message: str) -> None:
        base, head = content.resolve(git, pull.base), content.resolve(git, pull.head_sha)
        found = trees.merged(git, base, head)
        if conflicts := content.conflicts(git, found):
            raise MergeConflict(conflicts)
        text = f"{spoken(message)}\n\n{MERGED_TRAILER}: {by.username}\n"
        new = content.commit(git, found.write(), [base.id, head.id], author=by, message=text)
        self.at("merge written")
        content.move(git, pull.base, new, base.id)
        self.at("base moved")
        state.mark_merged(pull, content.at_id(git, new), by.username)
        self.at("merge row written")

    def close(self, repo: str, number: int, *, by: Person, reason: str) -> Proposal:
        with self._locked(repo) as row:
            pull = self._pull(row, number)
            if pull.state == PullRequest.State.MERGED:
                raise NotOpen(f"#{number} is merged")
            if pull.state == PullRequest.State.OPEN:
                state.mark_closed(pull, by.username, reason)
                self.at("close written")
            found = state.proposal(self._git(row), pull)
        self.at("close committed")
        return found


def _meant(repo: str) -> str:
    near = difflib.get_close_matches(repo, Repository.objects.values_list("slug", flat=True), 1)
    return f"; did you mean {near[0]}?" if near else ""

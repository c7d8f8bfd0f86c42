"""What the portal asks of a git host; one package beside this file per provider."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from .errors import Conflict

State = Literal["open", "merged", "closed"]
Only = Callable[[str, int], bool]


def everything(path: str, size: int) -> bool:
    return True


@dataclass(frozen=True)
class Person:
    username: str
    name: str
    email: str = ""

    @property
    def address(self) -> str:
        return self.email or f"{self.username}@users.noreply.slipway"


SLIPWAY = Person("slipway", "Slipway")


@dataclass(frozen=True)
class Capabilities:
    """What a provider can do; callers ask here and never for its name."""

    pages: bool = False
    """The host has pages of its own that a person can open."""
    webhooks: bool = False
    announces: bool = False
    """It has labels, reviewers to be asked, and a place beside a commit for what checks came to."""


@dataclass(frozen=True)
class Proposal:
    """A pull request as it is now. `mergeable` is None once it is not open, and while the host finds out."""

    repo: str
    number: int
    branch: str
    base: str
    title: str
    body: str
    state: State
    author: Person
    head_sha: str
    base_sha: str
    merge_sha: str = ""
    mergeable: bool | None = None
    conflicts: tuple[Conflict, ...] = ()
    additions: int = 0
    deletions: int = 0
    url: str = ""
    """The host's own page about it; empty when it has none."""
    created_at: datetime | None = None
    merged_at: datetime | None = None
    merged_by: str = ""
    closed_at: datetime | None = None
    closed_by: str = ""
    reason: str = ""


@dataclass(frozen=True)
class FileChange:
    path: str
    status: Literal["added", "changed", "removed"]
    old: bytes | None
    new: bytes | None


@dataclass(frozen=True)
class Comment:
    key: str
    author: Person
    body: str
    at: datetime


@dataclass(frozen=True)
class Review:
    """An approval of one commit; `stale` when the branch has moved on."""

    by: Person
    head_sha: str
    at: datetime
    stale: bool


@dataclass(frozen=True)
class Check:
    """What a check came to for a commit; `url` says more."""

    state: Literal["success", "failure", "pending"]
    summary: str
    url: str = ""
    name: str = "slipway"

    @property
    def safe_url(self) -> str:
        """For a link: whoever reports a check chooses what it says."""
        return self.url if self.url.startswith(("http://", "https://")) else ""


@dataclass(frozen=True)
class Announcement:
    """What a pull request carries besides its files. `reviewers` are handles as CODEOWNERS has them."""

    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    check: Check | None = None


@dataclass(frozen=True)
class Rights:
    """What the credential may do: what is `missing` for us to work, and what is `broader` than needed."""

    account: str
    scopes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    broader: tuple[str, ...] = ()


@dataclass(frozen=True)
class Commit:
    sha: str
    message: str
    author: Person
    at: datetime
    parents: tuple[str, ...] = field(default=())

    @property
    def title(self) -> str:
        return self.message.split("\n", 1)[0]


class GitHost(Protocol):
    """Every method names a repository the portal knows (`owner/name`); all raise `integrations.errors`."""

    capabilities: Capabilities

    def head(self, repo: str, branch: str | None = None) -> str:
        """The commit at the tip of the branch (None: the default branch)."""

    def read(self, repo: str, path: str, ref: str) -> bytes | None:
        """A regular file's bytes, None when there is none."""

    def reader(self, repo: str, ref: str | None = None) -> Callable[[str], bytes | None]:
        """`read` for many files of one ref (None: the default branch), looked up once."""

    def read_tree(self, repo: str, ref: str, under: str = "", only: Only = everything) -> dict[str, bytes]:
        """Every regular file below a folder, by its path in the repository; `only` those are read.

        `only` gets the path and the size, 0 where the host does not tell it beforehand.
        """

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
        """The branch's one pull request, carrying exactly `files` (None removes one) over the default branch.

        `base` is the commit of the default branch the files were made against: the branch starts there, or
        takes it in, so what changed up to it is no conflict. What changed after it can be one.
        Made when absent, brought up to date when open, returned untouched when merged or closed. Calling
        twice, at once, or again after a kill at any step, leaves one branch and one pull request.
        """

    def find_proposal(self, repo: str, branch: str) -> Proposal | None: ...

    def proposal(self, repo: str, number: int) -> Proposal: ...

    def diff(self, repo: str, number: int) -> list[FileChange]:
        """What the pull request changes since it left its base."""

    def comments(self, repo: str, number: int) -> list[Comment]: ...

    def comment(self, repo: str, number: int, *, body: str, author: Person, key: str) -> Comment:
        """Says it once per `key`; a later call with the same key returns what was said first."""

    def approvals(self, repo: str, number: int) -> list[Review]: ...

    def approve(self, repo: str, number: int, *, by: Person, head: str) -> Review:
        """Approves the commit that was looked at. Refuses: not open, head moved, own pull request."""

    def checks(self, repo: str, head: str) -> list[Check]:
        """What checks came to for a commit, on the host itself: ours and those of others."""

    def announce(self, repo: str, number: int, *, head: str, said: Announcement) -> None:
        """Labels it, asks reviewers the first time, says of the commit what checks came to; each once.

        A reviewer or a label the host does not have is passed over. Does nothing where `announces` is off.
        """

    def merge(self, repo: str, number: int, *, by: Person, expected_head: str, message: str) -> Proposal:
        """Merges three-way, once. Refuses: closed, head moved, conflicts, and what the host's own rules do
        not allow yet (nothing is changed then)."""

    def close(self, repo: str, number: int, *, by: Person, reason: str) -> Proposal:
        """Closes without merging; closing twice keeps the first reason. Refuses: merged."""

    def log(self, repo: str, ref: str, path: str = "", limit: int = 50) -> list[Commit]: ...

    def is_ancestor(self, repo: str, sha: str, of: str) -> bool: ...

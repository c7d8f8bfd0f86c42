"""What a git host of others is asked, in the words of none: `host` and `writing` are built of these."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from services.integrations.rest import Malformed

from ..base import Check, Commit, Person, Rights, State

Kind = Literal["file", "folder", "other"]
CheckState = Literal["success", "failure", "pending"]
GOOD = ("success", "neutral", "skipped", "warning")
BAD = ("failure", "failed", "error", "canceled", "cancelled", "timed_out", "action_required", "stale")
_KINDS: dict[str, Kind] = {"100644": "file", "100755": "file", "040000": "folder"}


@dataclass(frozen=True)
class Entry:
    """One line of a folder; links and submodules are `other`."""

    kind: Kind
    sha: str


@dataclass(frozen=True)
class Pull:
    """A pull request as its host tells it. `base_sha` is where it left its base, empty where not told."""

    number: int
    branch: str
    base: str
    title: str
    body: str
    state: State
    head_sha: str
    author: Person
    url: str
    created_at: datetime
    base_sha: str = ""
    merge_sha: str = ""
    mergeable: bool | None = None
    additions: int = 0
    deletions: int = 0
    merged_at: datetime | None = None
    merged_by: str = ""
    closed_at: datetime | None = None
    closed_by: str = ""
    labels: frozenset[str] = frozenset()
    reviewers: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Note:
    key: str
    author: Person
    body: str
    at: datetime


@dataclass(frozen=True)
class Vote:
    """A review of one commit; `approves` when its author says yes on the host itself."""

    author: Person
    body: str
    head_sha: str
    at: datetime
    approves: bool


@dataclass(frozen=True)
class Writing:
    """A commit to be: exactly `files` over the tree of `base`, on top of `old` (None: a new branch)."""

    branch: str
    base: str
    old: str | None
    takes_in: bool
    files: Mapping[str, bytes | None]
    author: Person
    message: str
    number: int | None = None
    trunk: str = ""
    before: Mapping[str, Entry | None] = field(default_factory=dict)
    """What each path is at `base`."""


@dataclass(frozen=True)
class Merged:
    """The commit, empty when the host does not say; or why it does not merge."""

    sha: str = ""
    why: str = ""


class Dialect(Protocol):
    """All of it raises `integrations.errors`. Commits are named by their whole ids."""

    name: str

    def default_branch(self, repo: str) -> str: ...
    def tip(self, repo: str, branch: str) -> str | None: ...
    def commit(self, repo: str, sha: str) -> Commit | None: ...
    def folder(self, repo: str, commit: str, path: str) -> dict[str, Entry]:
        """The lines of a folder by name; none for what is not there."""

    def below(self, repo: str, commit: str, path: str) -> Iterator[tuple[str, Entry]]:
        """Every file below a folder, by its path from there."""

    def blob(self, repo: str, sha: str) -> bytes: ...
    def log(self, repo: str, sha: str, path: str, limit: int) -> list[Commit]: ...
    def beyond(self, repo: str, base: str, head: str) -> list[Commit]:
        """Commits of `head` that `base` does not have, the newest last."""

    def write(self, repo: str, writing: Writing) -> str:
        """The commit's id. What somebody else did meanwhile is `Unavailable`."""

    def find(self, repo: str, branch: str) -> Pull | None:
        """The branch's pull request in any state: an open one, else the newest."""

    def pull(self, repo: str, number: int) -> Pull | None: ...
    def changed(self, repo: str, pull: Pull) -> list[str]: ...
    def open(self, repo: str, branch: str, base: str, title: str, body: str) -> Pull | None:
        """None when the host says that there is one already."""

    def edit(self, repo: str, number: int, title: str, body: str) -> None: ...
    def close(self, repo: str, number: int) -> None: ...
    def merge(self, repo: str, number: int, head: str, title: str, message: str) -> Merged: ...
    def notes(self, repo: str, number: int) -> list[Note]: ...
    def add_note(self, repo: str, number: int, body: str) -> Note: ...
    def votes(self, repo: str, number: int) -> list[Vote]: ...
    def add_vote(self, repo: str, number: int, head: str, body: str) -> None: ...
    def label(self, repo: str, pull: Pull, labels: tuple[str, ...]) -> None: ...
    def ask(self, repo: str, pull: Pull, handles: tuple[str, ...]) -> None: ...
    def checks(self, repo: str, head: str) -> list[Check]:
        """The newest of each name."""

    def report(self, repo: str, head: str, check: Check) -> None: ...
    def rights(self, repo: str) -> Rights: ...
    def close_connections(self) -> None: ...


def state_of(word: Any) -> CheckState:
    """What a host calls the state of a check, in one of three words."""
    if word in GOOD:
        return "success"
    return "failure" if word in BAD else "pending"


def newest(checks: Iterable[Check]) -> list[Check]:
    """The first of each name."""
    return list({check.name: check for check in reversed(list(checks))}.values())[::-1]


def kind_of(mode: Any) -> Kind:
    return _KINDS.get(str(mode), "other")


def moment(text: Any) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise Malformed("The git host's answer has no time where one belongs.") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def perhaps(text: Any) -> datetime | None:
    return moment(text) if text else None


def part(row: Any, *names: str) -> dict[str, Any]:
    """The object inside of an answer; an empty one for null."""
    for name in names:
        row = row.get(name) if isinstance(row, dict) else None
    return row if isinstance(row, dict) else {}


def text(row: Mapping[str, Any], name: str) -> str:
    found = row.get(name)
    return found if isinstance(found, str) else ""


def needed(row: Mapping[str, Any], name: str) -> str:
    """A text without which an answer is none."""
    if not (found := text(row, name)):
        raise Malformed(f"The git host's answer has no {name}.")
    return found


def number_of(row: Mapping[str, Any], name: str) -> int:
    found = row.get(name)
    if not isinstance(found, int):
        raise Malformed(f"The git host's answer has no {name}.")
    return found


def person_of(row: Mapping[str, Any]) -> Person:
    login = text(row, "login") or text(row, "username")
    return Person(login or "ghost", text(row, "full_name") or text(row, "name") or login or "Somebody")

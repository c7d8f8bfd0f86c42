"""What the portal asks of an organisation on a git host; one module beside this per provider."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Repository:
    """One repository. `head` changes whenever something is pushed to it; empty means: ask for it."""

    name: str
    branch: str
    head: str = ""
    is_archived: bool = False
    is_fork: bool = False
    is_empty: bool = False


@dataclass(frozen=True)
class Listing:
    """All repositories, and what to say next time to hear only whether anything moved since."""

    repositories: tuple[Repository, ...] | None
    etag: str = ""


class Organisation(Protocol):
    """All of it raises `integrations.errors`; a name that leads out of the organisation is NotFound."""

    def listing(self, etag: str = "") -> Listing:
        """Every repository; None for them when nothing moved since the listing that `etag` came with."""

    def repository(self, name: str) -> Repository:
        """One of them, by its whole name."""

    def head(self, repository: Repository) -> str:
        """What changes whenever something is pushed to the repository."""

    def paths(self, repository: Repository) -> list[str]:
        """Every regular file of its default branch."""

    def read(self, repository: Repository, path: str) -> bytes:
        """One of them."""

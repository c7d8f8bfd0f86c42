"""What a git host refuses."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.integrations.errors import NotFound, Refused


class UnknownRepository(NotFound):
    pass


class UnknownReference(NotFound):
    """No branch or commit of that name."""


class UnknownProposal(NotFound):
    pass


class UnsafePath(Refused):
    """A path that leaves the repository, hides, or names something that runs by itself."""


class BadReference(Refused):
    """A branch, commit or repository name that could be read as something else."""


class TooLarge(Refused):
    pass


class NothingToChange(Refused):
    """The repository already holds exactly these files."""


class NotOpen(Refused):
    """The pull request was merged or closed before."""


class HeadMoved(Refused):
    """The branch is not what was looked at."""


class OwnApproval(Refused):
    """Nobody approves what they proposed themselves."""


@dataclass(frozen=True)
class Conflict:
    """One file both sides changed; `text` has conflict markers, and is empty when one side removed it."""

    path: str
    reason: str
    text: str = ""


class MergeConflict(Refused):
    def __init__(self, conflicts: Sequence[Conflict]) -> None:
        self.details = list(conflicts)
        self.paths = [c.path for c in conflicts]
        super().__init__(f"Both sides changed {', '.join(self.paths)}")


class NotAllowedYet(Refused):
    """The host's own rules keep it from being merged: an approval or a check is missing."""

"""Rows and repository brought together: what a pull request is right now."""

from datetime import UTC, datetime

import pygit2
from django.utils import timezone

from services.integrations.models import PullApproval, PullComment, PullRequest

from ..base import Comment, Person, Proposal, Review
from ..errors import Conflict
from ..names import MERGED_TRAILER
from . import content, trees


def has_moved(git: pygit2.Repository, pull: PullRequest) -> bool:
    """Whether its branch, or the one it goes to, is elsewhere than the row says."""
    if pull.state != PullRequest.State.OPEN:
        return False
    base, head = content.tip(git, pull.base), content.tip(git, pull.branch)
    if base is None or (head is not None and str(head.id) != pull.head_sha):
        return base is not None
    known = content.resolve(git, pull.head_sha)
    fork = git.merge_base(base.id, known.id)
    return fork == known.id or str(fork) != pull.base_sha


def refresh(git: pygit2.Repository, pull: PullRequest) -> PullRequest:
    """Takes over what happened to the branches without us: pushed commits, and a merge by anybody.

    Merged means that the base contains all of the branch as we last saw it and as it is; a merge whose row
    was never written (we were killed) is found the same way.
    """
    base, head = content.tip(git, pull.base), content.tip(git, pull.branch)
    if base is None or not has_moved(git, pull):
        return pull
    known = content.resolve(git, pull.head_sha)
    if all(content.is_ancestor(git, c.id, base.id) for c in (known, head) if c is not None):
        found = _merge_commit(git, base, head or known)
        mark_merged(pull, found, _trailer(found, MERGED_TRAILER) or found.author.name)
    elif head is not None and str(head.id) != pull.head_sha:
        pull.head_sha = str(head.id)
    if pull.state == PullRequest.State.OPEN:
        pull.base_sha = str(git.merge_base(base.id, git[pull.head_sha].id))
        pull.save(update_fields=["head_sha", "base_sha"])
    return pull


def _merge_commit(git: pygit2.Repository, base: pygit2.Commit, head: pygit2.Commit) -> pygit2.Commit:
    """The first commit on the base's own line that contains the head."""
    found = base
    while found.parents and content.is_ancestor(git, head.id, found.parents[0].id):
        found = found.parents[0]
    return found


def _trailer(commit: pygit2.Commit, name: str) -> str:
    lines = [line for line in commit.message.splitlines() if line.startswith(f"{name}: ")]
    return lines[-1].partition(": ")[2] if lines else ""


def mark_merged(pull: PullRequest, commit: pygit2.Commit, by: str) -> None:
    pull.state = PullRequest.State.MERGED
    pull.merge_sha, pull.merged_by = str(commit.id), by[:150]
    pull.merged_at = datetime.fromtimestamp(commit.commit_time, UTC)
    pull.save()


def mark_closed(pull: PullRequest, by: str, reason: str) -> None:
    pull.state = PullRequest.State.CLOSED
    pull.closed_at, pull.closed_by, pull.reason = timezone.now(), by, reason
    pull.save()


def proposal(git: pygit2.Repository, pull: PullRequest) -> Proposal:
    base, head = content.resolve(git, pull.base_sha), content.resolve(git, pull.head_sha)
    additions, deletions = content.lines_changed(base, head)
    mergeable, conflicts = _mergeable(git, pull, head)
    return Proposal(
        repo=pull.repository.slug,
        number=pull.number,
        branch=pull.branch,
        base=pull.base,
        title=pull.title,
        body=pull.body,
        state=pull.state,  # type: ignore[arg-type]  # the column's choices are the literals
        author=Person(pull.author_username, pull.author_name),
        head_sha=pull.head_sha,
        base_sha=pull.base_sha,
        merge_sha=pull.merge_sha,
        mergeable=mergeable,
        conflicts=tuple(conflicts),
        additions=additions,
        deletions=deletions,
        created_at=pull.created_at,
        merged_at=pull.merged_at,
        merged_by=pull.merged_by,
        closed_at=pull.closed_at,
        closed_by=pull.closed_by,
        reason=pull.reason,
    )


def _mergeable(
    git: pygit2.Repository, pull: PullRequest, head: pygit2.Commit
) -> tuple[bool | None, list[Conflict]]:
    if pull.state != PullRequest.State.OPEN:
        return None, []
    found = content.conflicts(git, trees.merged(git, content.resolve(git, pull.base), head))
    return not found, found


def comment(row: PullComment) -> Comment:
    return Comment(row.key, Person(row.author_username, row.author_name), row.body, row.created_at)


def review(row: PullApproval, pull: PullRequest) -> Review:
    stale = row.head_sha != pull.head_sha
    return Review(Person(row.by_username, row.by_name), row.head_sha, row.created_at, stale)

"""`GitHost` over the REST API of a host of others.

Every change is find, else create, else find: a branch has one pull request, a comment one mark, a merge one
head. What was said there is found by marks that only the portal can make.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from services.integrations.errors import IntegrationError, Unavailable
from services.integrations.rest import Malformed

from .. import inert
from ..base import Announcement, Capabilities, Check, Comment, FileChange, Person, Proposal, Review, Rights
from ..errors import Conflict, HeadMoved, MergeConflict, NotAllowedYet, NotOpen, OwnApproval, UnknownProposal
from ..names import check_branch, check_files
from . import marks, merging, saying, writing
from .dialect import Dialect, Pull
from .reading import Reading

SETTLE = 30.0  # seconds until what was written is surely seen by whoever looks for it
REVIEWERS, SUMMARY = 10, 140
Made = TypeVar("Made")


class RemoteHost(Reading):
    capabilities = Capabilities(pages=True, webhooks=True, announces=True)

    def __init__(self, dialect: Dialect, repos: Collection[str], place: str) -> None:
        """`repos` are all that is read or written; `place` is what marks are bound to."""
        super().__init__(dialect, repos)
        self._place = place

    def close_connections(self) -> None:
        self._dialect.close_connections()

    def rights(self, repo: str) -> Rights:
        """What the credential may do there."""
        self._check(repo)
        return self._dialect.rights(repo)

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
        self._check(repo)
        found = self._dialect.find(repo, check_branch(branch))
        if found is not None and found.state != "open":
            return self.proposal(repo, found.number)
        number = found.number if found else None
        start = self._resolve(repo, base) if base else None
        change = writing.Change(branch, files, author, message, start, number)
        trunk = self._trunk(repo)
        at = (trunk, self._resolve(repo, trunk))
        written = _settled(
            lambda: writing.bring(self._dialect, repo, at, change, lambda c, p: self._folder(repo, c, p))
        )
        told = saying.body(body, author, f"{self._place}/{repo}/{branch}")
        pull = self._opened(repo, found, branch, inert.line(title), told)
        return self._shown(repo, replace(pull, head_sha=written))

    def _opened(self, repo: str, found: Pull | None, branch: str, title: str, body: str) -> Pull:
        if found is None:
            made = _settled(lambda: self._dialect.open(repo, branch, self._trunk(repo), title, body))
            if made is not None:
                return made
            found = self._dialect.find(repo, branch)
            if found is None:
                raise Unavailable("A pull request is there but not to be seen yet.", retry_after=SETTLE)
        if (found.title, _plain(found.body)) != (title, _plain(body)):
            self._dialect.edit(repo, found.number, title, body)
        return replace(self._pull(repo, found.number), title=title, body=body)

    # Pull requests

    def find_proposal(self, repo: str, branch: str) -> Proposal | None:
        self._check(repo)
        found = self._dialect.find(repo, check_branch(branch))
        return self.proposal(repo, found.number) if found else None

    def proposal(self, repo: str, number: int) -> Proposal:
        return self._shown(repo, self._pull(repo, number))

    def _pull(self, repo: str, number: int) -> Pull:
        self._check(repo)
        found = self._dialect.pull(repo, number)
        if found is None:
            raise UnknownProposal(f"{repo} has no pull request #{number}")
        return found

    def _about(self, repo: str, number: int) -> str:
        return f"{self._place}/{repo}#{number}"

    def _shown(self, repo: str, pull: Pull) -> Proposal:
        conflicts = self._conflicts(repo, pull) if pull.state == "open" and pull.mergeable is False else ()
        opened = marks.read("by", f"{self._place}/{repo}/{pull.branch}", pull.body)
        found = Proposal(
            repo=repo,
            number=pull.number,
            branch=pull.branch,
            base=pull.base,
            title=pull.title,
            body=marks.without(pull.body),
            state=pull.state,
            author=saying.person(opened) if opened else pull.author,
            head_sha=pull.head_sha,
            base_sha=pull.base_sha,
            mergeable=_mergeable(pull, conflicts),
            conflicts=conflicts,
            additions=pull.additions,
            deletions=pull.deletions,
            url=pull.url if pull.url.startswith(("http://", "https://")) else "",
            created_at=pull.created_at,
        )
        return found if pull.state == "open" else self._ended(repo, pull, found)

    def _ended(self, repo: str, pull: Pull, shown: Proposal) -> Proposal:
        """With who ended it, and why."""
        about = self._about(repo, pull.number)
        if pull.state == "merged":
            commit = self._dialect.commit(repo, pull.merge_sha) if pull.merge_sha else None
            by = saying.merged_by(commit.message, about) if commit else ""
            return replace(
                shown, merge_sha=pull.merge_sha, merged_at=pull.merged_at, merged_by=by or pull.merged_by
            )
        said = saying.found("close", about, "close", self._dialect.notes(repo, pull.number))
        by, reason = (said.author.username, said.body) if said else (pull.closed_by, "")
        return replace(shown, closed_at=pull.closed_at, closed_by=by, reason=reason)

    def _conflicts(self, repo: str, pull: Pull) -> tuple[Conflict, ...]:
        tip = self._resolve(repo, pull.base)
        found = (
            merging.conflict(
                path, *(self._read(repo, at, path) for at in (pull.base_sha, tip, pull.head_sha))
            )
            for path in sorted(set(self._dialect.changed(repo, pull)))
        )
        return tuple(conflict for conflict in found if conflict)

    def diff(self, repo: str, number: int) -> list[FileChange]:
        pull = self._pull(repo, number)
        found = []
        for path in sorted(set(self._dialect.changed(repo, pull))):
            old, new = (self._read(repo, at, path) for at in (pull.base_sha, pull.head_sha))
            if old != new:
                status = "added" if old is None else "removed" if new is None else "changed"
                found.append(FileChange(path, status, old, new))  # type: ignore[arg-type]  # one of three literals
        return found

    # Talking about it

    def comments(self, repo: str, number: int) -> list[Comment]:
        self._pull(repo, number)
        return saying.comments(self._about(repo, number), self._dialect.notes(repo, number))

    def comment(self, repo: str, number: int, *, body: str, author: Person, key: str) -> Comment:
        self._pull(repo, number)
        return self._say(repo, number, "comment", key, author, body)

    def _say(
        self, repo: str, number: int, kind: str, key: str, author: Person, text: str, verb: str = "said"
    ) -> Comment:
        about = self._about(repo, number)
        found = saying.found(kind, about, key, self._dialect.notes(repo, number))
        if found is not None:
            return found
        told = saying.spoken_for(kind, about, key, author, text, verb)
        note = _settled(lambda: self._dialect.add_note(repo, number, told))
        return Comment(key, author, text, note.at)

    def approvals(self, repo: str, number: int) -> list[Review]:
        pull = self._pull(repo, number)
        return saying.reviews(self._about(repo, number), self._dialect.votes(repo, number), pull.head_sha)

    def approve(self, repo: str, number: int, *, by: Person, head: str) -> Review:
        pull = self._pull(repo, number)
        _check_open(pull, head)
        if self._shown(repo, pull).author.username == by.username:
            raise OwnApproval(f"{by.name} proposed #{number}; somebody else has to approve it")
        about = self._about(repo, number)
        for given in saying.reviews(about, self._dialect.votes(repo, number), head):
            if (given.by.username, given.head_sha) == (by.username, head):
                return given
        told = saying.approval(about, by, head)
        _settled(lambda: self._dialect.add_vote(repo, number, head, told))
        return Review(by, head, datetime.now(UTC), False)

    def checks(self, repo: str, head: str) -> list[Check]:
        self._check(repo)
        return self._dialect.checks(repo, head)

    def announce(self, repo: str, number: int, *, head: str, said: Announcement) -> None:
        pull = self._pull(repo, number)
        if pull.state != "open":
            return
        if missing := tuple(label for label in said.labels if label not in pull.labels):
            self._dialect.label(repo, pull, missing)
        if said.reviewers and not pull.reviewers:
            self._dialect.ask(repo, pull, said.reviewers[:REVIEWERS])
        if said.check is not None:
            self._report(repo, head, said.check)

    def _report(self, repo: str, head: str, check: Check) -> None:
        told = replace(check, summary=inert.line(check.summary)[:SUMMARY])
        known = next((each for each in self._dialect.checks(repo, head) if each.name == told.name), None)
        if known is None or (known.state, known.summary) != (told.state, told.summary):
            self._dialect.report(repo, head, told)

    # Ending it

    def merge(self, repo: str, number: int, *, by: Person, expected_head: str, message: str) -> Proposal:
        pull = self._pull(repo, number)
        if pull.state == "merged":
            return self._shown(repo, pull)
        _check_open(pull, expected_head)
        self._check_merges(repo, pull)
        title, text = saying.merge_message(message, self._about(repo, number), by)
        answer = _settled(lambda: self._dialect.merge(repo, number, expected_head, title, text))
        now = self._pull(repo, number)
        if now.state == "merged":
            return self._shown(repo, now)
        if answer.sha:  # done, and not to be seen yet
            done = replace(self._shown(repo, pull), state="merged", mergeable=None)
            return replace(done, merge_sha=answer.sha, merged_by=by.username, merged_at=datetime.now(UTC))
        raise self._not_merged(repo, now, expected_head, answer.why)

    def _check_merges(self, repo: str, pull: Pull) -> None:
        if pull.mergeable is False and (conflicts := self._conflicts(repo, pull)):
            raise MergeConflict(conflicts)

    def _not_merged(self, repo: str, pull: Pull, expected_head: str, why: str) -> IntegrationError:
        """Why it is still open: moved, in conflict, not to be seen yet, or not allowed."""
        _check_open(pull, expected_head)
        self._check_merges(repo, pull)
        if not why or pull.mergeable is None:
            return Unavailable(why or "Merged, but not to be seen yet.", retry_after=SETTLE / 6)
        return NotAllowedYet(why)

    def close(self, repo: str, number: int, *, by: Person, reason: str) -> Proposal:
        pull = self._pull(repo, number)
        if pull.state == "merged":
            raise NotOpen(f"#{number} is merged")
        if pull.state == "open":
            self._say(repo, number, "close", "close", by, reason, "closed this")
            self._dialect.close(repo, number)
            pull = self._pull(repo, number)
        if pull.state == "open":  # done, and not to be seen yet
            pull = replace(pull, state="closed", mergeable=None, closed_at=datetime.now(UTC))
        return self._shown(repo, pull)


def _check_open(pull: Pull, head: str) -> None:
    if pull.state != "open":
        raise NotOpen(f"#{pull.number} is {pull.state}")
    if pull.head_sha != head:
        raise HeadMoved(f"#{pull.number} is at {pull.head_sha[:8]} now; {head[:8]} was looked at")


def _mergeable(pull: Pull, conflicts: tuple[Conflict, ...]) -> bool | None:
    """The host's word; a no without a conflict is another reason, or none yet."""
    if pull.state != "open" or (pull.mergeable is False and not conflicts):
        return None
    return pull.mergeable


def _settled(make: Callable[[], Made]) -> Made:
    """Runs it; when nobody knows whether it was done, says when looking will tell."""
    try:
        return make()
    except IntegrationError as error:
        error.outcome_unknown = error.outcome_unknown or isinstance(error, Malformed)
        if error.outcome_unknown and error.retry_after is None:
            error.retry_after = SETTLE
        raise


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").strip()

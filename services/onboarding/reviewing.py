"""What a reviewer reads: the pull request where there is one, else the files the request would propose."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from services.integrations import githosts
from services.integrations.errors import IntegrationError
from services.integrations.githosts.base import Check, Comment, GitHost, Proposal, Review
from services.manifests.diff import FileDiff, file_diff, file_diffs
from services.manifests.problems import Finding, Lease
from services.onboarding.masking import quiet, without_secrets
from services.onboarding.models import Request


@dataclass(frozen=True)
class ReviewPage:
    """`silent` when the git host did not answer and the request's own copy is shown instead."""

    proposal: Proposal | None
    diffs: list[FileDiff]
    findings: list[Finding]
    comments: list[Comment]
    reviews: list[Review]
    silent: bool = False
    checks: list[Check] = field(default_factory=list)


def review(row: Request) -> ReviewPage:
    findings = [finding_of(each) for each in row.findings]
    if row.pull_number is None:
        return ReviewPage(None, own_diffs(row), findings, [], [])
    host, number = githosts.get(row.provider), row.pull_number
    try:
        changes = host.diff(row.repo, number)
        shown = ((c.path, *without_secrets(c.old, c.new)) for c in changes)
        diffs = [found for found in (file_diff(*each) for each in shown) if found is not None]
        proposal = host.proposal(row.repo, number)
        return ReviewPage(
            replace(proposal, conflicts=tuple(quiet(proposal.conflicts))),
            diffs,
            findings,
            host.comments(row.repo, number),
            host.approvals(row.repo, number),
            checks=host.checks(row.repo, proposal.head_sha),
        )
    except IntegrationError:
        return ReviewPage(None, own_diffs(row), findings, [], [], silent=True)


def own_diffs(row: Request) -> list[FileDiff]:
    """The request's files against the default branch as it is now."""
    host = githosts.get(row.provider)
    try:
        before = _existing(host, row)
    except IntegrationError:
        before = {}
    return file_diffs(before, {**dict.fromkeys([*row.merged_paths, *row.removed]), **row.files})


def _existing(host: GitHost, row: Request) -> dict[str, bytes | str | None]:
    read = host.reader(row.repo)
    return {path: read(path) for path in {*row.files, *row.merged_paths, *row.removed}}


def finding_of(stored: Mapping[str, Any]) -> Finding:
    """A finding as it was when the request was submitted; its fix belongs to the form, not to this page."""
    known = {
        key: value
        for key, value in stored.items()
        if key in Finding.__dataclass_fields__ and key not in ("fix", "excepted")
    }
    if lease := stored.get("excepted"):
        known["excepted"] = Lease(**lease)
    return Finding(**known)

"""The deploy repository with its past: who proposed and merged what, when, over a year."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pygit2
from django.conf import settings

from portal.demo import company, manifests
from portal.demo.company import COLLEAGUES, Colleague
from portal.demo.history.plan import REFUSALS, RELEASES, PastRequest, past_requests, row_at
from portal.demo.history.times import Times
from services.integrations.githosts.base import Person
from services.integrations.githosts.local import LocalHost, content
from services.integrations.models import PullRequest, Repository

WHO = {who.username: who for who in COLLEAGUES}
README = """# shop/deploy

What runs at Larkfield, and where: one object per file below `apps/<team>/<service>/<environment>/`,
descriptors below `catalog/`. Changes arrive by pull request; Slipway makes most of them.
"""


def write(host: LocalHost, now: datetime, times: Mapping[int, Times]) -> None:
    """Make the repository and everything that ever happened in it."""
    host.create(company.REPOSITORY)
    start = now - timedelta(days=371)
    host.commit(
        company.REPOSITORY,
        files=_encoded(_at_the_start()),
        author=person(WHO["priya"]),
        message="Start with what already ran on the cluster",
        at=start,
    )
    _write_requests(host, times)
    for release in RELEASES:
        host.commit(
            company.REPOSITORY,
            files=_encoded(_deployments(release.service)),
            author=person(WHO[release.by]),
            message=release.message,
            at=now - timedelta(minutes=release.minutes_ago),
        )


def person(who: Colleague) -> Person:
    return Person(who.username, who.name, who.email)


def files_of(past: PastRequest) -> dict[str, str]:
    """What a request wrote: everything of a new service, else its Deployments."""
    row = _before_release(past.service, row_at(past.service, past.number)) | {"request": past.key}
    if not past.is_onboarding:
        return _deployments(past.service, row)
    files = {f"catalog/{past.service}.yaml": company.descriptors()[f"{past.service}.yaml"]}
    for place in company.PLACES:
        files.update(manifests.service_files(past.service, place, row))
    return files


def _at_the_start() -> dict[str, str]:
    rows = company.workloads()
    onboarded = {name for name, row in rows.items() if "onboarded" in row}
    mine = {
        f"apps/{rows[name]['team']}/{name}/{place.name}/" for name in onboarded for place in company.PLACES
    }
    tree = {
        path: text
        for path, text in manifests.tree().items()
        if not any(path.startswith(folder) for folder in mine)
    }
    described = {
        f"catalog/{file}": text
        for file, text in company.descriptors().items()
        if file.removesuffix(".yaml") not in onboarded
    }
    return {"README.md": README, **tree, **described}


def _deployments(name: str, row: dict[str, Any] | None = None) -> dict[str, str]:
    return {
        path: text
        for place in company.PLACES
        for path, text in manifests.service_files(name, place, row).items()
        if path.endswith("/deployment.yaml")
    }


def _before_release(name: str, row: dict[str, Any]) -> dict[str, Any]:
    before = {release.service: release.before for release in RELEASES}
    return row | ({"version": before[name]} if name in before else {})


def _encoded(files: Mapping[str, str]) -> dict[str, bytes | None]:
    return {path: text.encode() for path, text in files.items()}


def _write_requests(host: LocalHost, times: Mapping[int, Times]) -> None:
    git = pygit2.Repository(str(Path(settings.GIT_ROOT) / f"{company.REPOSITORY}.git"))
    base = content.resolve(git, "main")
    first = base.id
    proposed = [past for past in past_requests() if "pull_request" in times[past.number].hops]
    pulls = []
    for past in sorted(proposed, key=lambda p: _landed(times[p.number])):
        pull, base = _write_one(git, base, past, times[past.number])
        pulls.append(pull)
    content.move(git, "main", base.id, first)
    _write_rows(pulls)


def _landed(times: Times) -> datetime:
    return times.end("merged") if "merged" in times.hops else times.end("pull_request")


def _write_one(
    git: pygit2.Repository, base: pygit2.Commit, past: PastRequest, times: Times
) -> tuple[PullRequest, pygit2.Commit]:
    tree = content.with_files(git, base.tree, _encoded(files_of(past)))
    at, author = times.end("pull_request"), person(past.by)
    head = content.commit(git, tree, [base.id], author=author, message=f"{past.title}\n\n{past.key}", at=at)
    branch = f"slipway/{past.key.lower()}"
    content.move(git, branch, head, None)
    pull = PullRequest(
        branch=branch,
        base="main",
        title=past.title,
        body=f"{past.reason}\n\nRequest {past.key}",
        author_username=past.by.username,
        author_name=past.by.name,
        head_sha=str(head),
        base_sha=str(base.id),
        created_at=at,
    )
    if past.state != "live":
        pull.state, pull.closed_at = PullRequest.State.CLOSED, times.ended
        pull.closed_by, pull.reason = past.reviewer.username, REFUSALS["closed"]
        return pull, base
    merged = content.commit(
        git,
        tree,
        [base.id, head],
        author=person(past.reviewer),
        message=f"Merge {past.key}: {past.title}\n\nMerged-By: {past.reviewer.username}\n",
        at=times.end("merged"),
    )
    pull.state, pull.merge_sha = PullRequest.State.MERGED, str(merged)
    pull.merged_at, pull.merged_by = times.end("merged"), past.reviewer.username
    return pull, content.at_id(git, merged)


def _write_rows(pulls: list[PullRequest]) -> None:
    """Numbers in the order in which they were opened; `created_at` is set after, for rows stamp their own."""
    row = Repository.objects.select_for_update().get(slug=company.REPOSITORY)
    opened = {pull.branch: pull.created_at for pull in pulls}
    pulls.sort(key=lambda pull: pull.created_at)
    for number, pull in enumerate(pulls, start=row.last_number + 1):
        pull.repository, pull.number = row, number
    made = PullRequest.objects.bulk_create(pulls)
    for pull in made:
        pull.created_at = opened[pull.branch]
    PullRequest.objects.bulk_update(made, ["created_at"])
    row.last_number += len(pulls)
    row.save(update_fields=["last_number"])

"""The deploy repository with its past: who proposed and merged what, when, over a year."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pygit2
from django.conf import settings

from portal.demo import company, forms, manifests
from portal.demo.company import COLLEAGUES, Colleague
from portal.demo.history.plan import REFUSALS, RELEASES, TRIALS, PastRequest, open_requests, past_requests
from portal.demo.history.times import Times, open_times
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
    _write_requests(host, past_requests(), times)
    under_way = [past for past in open_requests() if "pull_request" in past.since]
    for release in RELEASES:
        files = manifests.rendered(forms.today(release.service))
        _commit(host, files, release.by, release.message, now - timedelta(minutes=release.minutes_ago))
    for trial in TRIALS:
        files = manifests.trial_in_staging(trial.service)
        _commit(host, files, trial.by, trial.message, now - timedelta(minutes=trial.minutes_ago))
    _write_requests(host, under_way, {past.number: open_times(past, now) for past in under_way})


def _commit(host: LocalHost, files: Mapping[str, str], by: str, message: str, at: datetime) -> None:
    author = person(WHO[by])
    host.commit(company.REPOSITORY, files=_encoded(files), author=author, message=message, at=at)


def person(who: Colleague) -> Person:
    return Person(who.username, who.name, who.email)


def files_of(past: PastRequest) -> dict[str, str]:
    """What a request wrote; a new service brings its descriptor too."""
    form = forms.evaluation_of(past.number)
    if past.service in company.wanted():
        return form.files
    files = manifests.rendered(form)
    if past.is_onboarding:
        files[f"catalog/{past.service}.yaml"] = company.descriptors()[f"{past.service}.yaml"]
    return files


def _at_the_start() -> dict[str, str]:
    rows = company.workloads()
    onboarded = {name for name, row in rows.items() if "onboarded" in row}
    mine = tuple(f"apps/{rows[name]['team']}/{name}/" for name in onboarded)
    tree = {path: text for path, text in manifests.tree().items() if not path.startswith(mine)}
    described = {
        f"catalog/{file}": text
        for file, text in company.descriptors().items()
        if file.removesuffix(".yaml") not in onboarded
    }
    return {"README.md": README, **tree, **described, **company.docs()}


def _encoded(files: Mapping[str, str]) -> dict[str, bytes | None]:
    return {path: text.encode() for path, text in files.items()}


def _write_requests(host: LocalHost, requests: Iterable[PastRequest], times: Mapping[int, Times]) -> None:
    git = pygit2.Repository(str(Path(settings.GIT_ROOT) / f"{company.REPOSITORY}.git"))
    base = content.resolve(git, "main")
    first = base.id
    proposed = [past for past in requests if "pull_request" in times[past.number].hops]
    pulls = []
    for past in sorted(proposed, key=lambda p: times[p.number].end("merged")):
        pull, base = _write_one(git, base, past, times[past.number])
        pulls.append(pull)
    content.move(git, "main", base.id, first)
    _write_rows(pulls)


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
    if past.state == "in_review":
        return pull, base
    if not past.is_merged:
        pull.state, pull.closed_at = PullRequest.State.CLOSED, times.ended
        pull.closed_by, pull.reason = past.reviewer.username, REFUSALS[past.state]
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

"""Requests written in bulk: their rows, hops, approvals, rollouts and audit entries."""

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from portal.demo import company, forms
from portal.demo.company import Colleague
from portal.demo.history.plan import REFUSALS, PastRequest
from portal.demo.history.repository import files_of
from portal.demo.history.times import Times
from portal.demo.seeding.people import everybody
from services.accounts.models import Team, User
from services.audit.models import Event
from services.integrations.models import PullRequest
from services.onboarding import blueprints, queries
from services.onboarding.models import Approval, Hop, Made, Request, Rollout

WAITS_FOR = {"pull_request": "Slipway", "applied": "Slipway", "healthy": "the cluster"}
# What the watched cluster will say too, once it was looked at.
PROBLEM: dict[str, Any] = {
    "step": "rollout",
    "environment": "staging",
    "title": "The image does not exist",
    "message": "No pod of the new version could pull its image; the old one still runs.",
    "advice": "Check the tag: nightly builds are not kept.",
    "evidence": [],
    "fix": None,
}
Told = tuple[str, datetime, Colleague | None, str]


@transaction.atomic
def write(requests: Sequence[PastRequest], times: Mapping[int, Times]) -> list[Request]:
    """The rows of these requests and everything that hangs on them."""
    people = everybody()
    pulls = {pull.branch: pull for pull in PullRequest.objects.all()}
    teams = {team.slug: team for team in Team.objects.all()}
    rows = Request.objects.bulk_create(
        _row(past, times[past.number], people, teams, pulls.get(f"slipway/{past.key.lower()}"))
        for past in requests
    )
    writers = Request.contributors.through
    writers.objects.bulk_create(writers(request_id=row.pk, user_id=row.created_by_id) for row in rows)
    told = [(row, past, times[past.number]) for row, past in zip(rows, requests, strict=True)]
    Hop.objects.bulk_create(hop for each in told for hop in _hops(*each))
    Approval.objects.bulk_create(yes for each in told for yes in _approvals(*each, people))
    Rollout.objects.bulk_create(rollout for each in told for rollout in _rollouts(*each))
    Event.objects.bulk_create(event for each in told for event in _audit(*each))
    _keep_versions(rows)
    return rows


def _keep_versions(rows: Iterable[Request]) -> None:
    """Which version of the form made each service, as of its last request that was merged."""
    queries.keep([forms.older(), blueprints.shipped()[forms.BLUEPRINT]])
    merged = {row.entity_ref: row for row in sorted(rows, key=lambda row: row.number) if row.merge_sha}
    Made.objects.bulk_create(
        (
            Made(
                entity_ref=ref, blueprint=row.blueprint, digest=row.digest, request=row,
                version=forms.blueprint_of(row.entity_name).version,
            )
            for ref, row in merged.items()
        ),
        update_conflicts=True, unique_fields=["entity_ref"], update_fields=["digest", "version", "request"],
    )  # fmt: skip


def _row(
    past: PastRequest, times: Times, people: Mapping[str, User], teams: Mapping[str, Team], pull: Any
) -> Request:
    form = forms.evaluation_of(past.number)
    return Request(
        number=past.number,
        title=past.title,
        blueprint=forms.BLUEPRINT,
        digest=forms.blueprint_of(past.service).digest,
        state=past.state,
        token=f"demo-{past.number}",
        answers=form.answers,
        files=files_of(past),
        findings=_plain(form.findings),
        cost=_plain(form.cost),
        needs=_plain(form.approvals) if past.approver else [],
        entity=form.entity if past.service in company.wanted() else forms.descriptor_of(past.service),
        entity_ref=f"component:default/{past.service}",
        environments=past.environments,
        tree_hash=form.tree_hash,
        reason=_reason(past),
        created_by=people[past.by.username],
        team=teams[past.by.team],
        repo=company.REPOSITORY,
        pull_number=pull.number if pull else None,
        base_sha=pull.base_sha if pull else "",
        head_sha=pull.head_sha if pull else "",
        merge_sha=pull.merge_sha if pull else "",
        problem=PROBLEM if past.state == "needs_attention" else {},
        generation=1,
        version=len(times.hops) + 1,
        created_at=times.opened,
        submitted_at=times.submitted,
        finished_at=None if past.is_open else times.ended,
    )


def _plain(found: Any) -> Any:
    """Dataclasses, and sequences of them, as JSON keeps them."""
    if isinstance(found, list | tuple):
        return [_plain(each) for each in found]
    return json.loads(json.dumps(dataclasses.asdict(found), default=str))


def _hops(row: Request, past: PastRequest, times: Times) -> Iterator[Hop]:
    who = {
        "form": past.by.name,
        "approval": past.approver.name if past.approver else company.TEAMS[past.by.team],
        "merged": past.reviewer.name,
        **WAITS_FOR,
    }
    last = list(times.hops)[-1]
    for name, (start, end) in times.hops.items():
        is_now = past.is_open and name == last
        waits_for = past.by.name if is_now and past.state == "needs_attention" else who[name]
        yield Hop(
            request=row,
            name=name,
            started_at=start,
            finished_at=None if is_now else end,
            waits_for=waits_for,
        )


def _approvals(
    row: Request, past: PastRequest, times: Times, people: Mapping[str, User]
) -> Iterator[Approval]:
    given = []
    if past.approver and row.pull_number:
        at = times.end("approval")
        given += [(n["key"], past.approver if n["who"] == "lead" else past.reviewer, at) for n in row.needs]
    if past.is_merged:
        given.append((Approval.REVIEW, past.reviewer, times.end("merged")))
    for key, who, at in given:
        yield Approval(request=row, key=key, by=people[who.username], tree_hash=row.tree_hash, created_at=at)


def _rollouts(row: Request, past: PastRequest, times: Times) -> Iterator[Rollout]:
    if not past.is_merged:
        return
    for position, place in enumerate(company.PLACES):
        pods = company.entry_of(past.service)["replicas"][1] if place.is_production else 1
        rollout = Rollout(request=row, environment=place.name, position=position, desired=pods)
        if past.state == "live":
            rollout.state, rollout.message = Rollout.State.HEALTHY, f"{pods} of {pods} pods are ready."
            rollout.ready, rollout.healthy_at = pods, times.end("healthy")
        elif not place.is_production:
            rollout.state, rollout.message = Rollout.State.FAILING, PROBLEM["message"]
            rollout.ready = 1
        if rollout.state != Rollout.State.WAITING:
            rollout.applied_at, rollout.as_of = times.end("applied"), times.ended
        yield rollout


def _audit(row: Request, past: PastRequest, times: Times) -> Iterator[Event]:
    told = [
        ("submitted", times.submitted, past.by, past.reason),
        ("approved", times.end("approval"), past.approver, "") if past.approver and row.pull_number else None,
        ("proposed", times.end("pull_request"), None, "") if row.pull_number else None,
        ("merged", times.end("merged"), past.reviewer, "") if past.is_merged else None,
        ("applied", times.end("applied"), None, "") if past.is_merged else None,
        _last_word(past, times),
    ]
    for each in filter(None, told):
        action, at, who, summary = each
        yield Event(
            at=at,
            actor=who.username if who else "system",
            actor_name=who.name if who else "Slipway",
            action=f"request.{action}",
            object_type="onboarding.request",
            object_id=str(row.pk),
            summary=summary,
        )


def _last_word(past: PastRequest, times: Times) -> Told | None:
    if past.state == "needs_attention":
        return "rollout_failed", times.end("applied") + timedelta(minutes=1), None, str(PROBLEM["title"])
    who = {"rejected": past.approver or past.reviewer, "withdrawn": past.by, "closed": past.reviewer}
    return None if past.is_open else (past.state, times.ended, who.get(past.state), _reason(past))


def _reason(past: PastRequest) -> str:
    return REFUSALS.get(past.state, "")

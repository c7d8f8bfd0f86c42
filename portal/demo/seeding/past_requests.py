"""A year of requests that have ended, in bulk: hops, approvals, rollouts and audit entries too."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F

from portal.demo import company, forms
from portal.demo.history.plan import REFUSALS, PastRequest, past_requests
from portal.demo.history.repository import files_of
from portal.demo.history.times import Times, all_times
from portal.demo.seeding.people import everybody
from services.accounts.models import Team, User
from services.audit.models import Event
from services.integrations.models import PullRequest
from services.onboarding import blueprints
from services.onboarding.models import Approval, Hop, Request, Rollout

WAITS_FOR = {"pull_request": "Slipway", "applied": "Slipway", "healthy": "harbour"}


@transaction.atomic
def seed(now: datetime) -> str:
    if Request.objects.filter(number=past_requests()[0].number).exists():
        return "the past requests are there"
    people, times = everybody(), all_times(now)
    pulls = {pull.branch: pull for pull in PullRequest.objects.all()}
    teams = {team.slug: team for team in Team.objects.all()}
    rows = Request.objects.bulk_create(
        _row(past, times[past.number], people, teams, pulls.get(f"slipway/{past.key.lower()}"))
        for past in past_requests()
    )
    Request.objects.filter(number__lte=rows[-1].number).update(updated_at=F("finished_at"))
    pairs = list(zip(rows, past_requests(), strict=True))
    Hop.objects.bulk_create(hop for row, past in pairs for hop in _hops(row, past, times[past.number]))
    Approval.objects.bulk_create(
        yes for row, past in pairs for yes in _approvals(row, past, times[past.number], people)
    )
    Rollout.objects.bulk_create(
        rollout for row, past in pairs for rollout in _rollouts(row, past, times[past.number])
    )
    Event.objects.bulk_create(event for row, past in pairs for event in _audit(row, past, times[past.number]))
    _count_on_from(rows[-1].number)
    return f"{len(rows)} requests of the past year"


def _count_on_from(number: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval('onboarding_request_number', %s)", [number])


def _row(
    past: PastRequest, times: Times, people: Mapping[str, User], teams: Mapping[str, Team], pull: Any
) -> Request:
    form = forms.evaluation_of(past.number)
    return Request(
        number=past.number,
        title=past.title,
        blueprint=forms.BLUEPRINT,
        digest=blueprints.shipped()[forms.BLUEPRINT].digest,
        state=past.state,
        token=f"demo-{past.number}",
        answers=form.answers,
        files=files_of(past),
        findings=_plain(form.findings),
        cost=_plain(form.cost),
        needs=_plain(form.approvals) if past.approver else [],
        entity=forms.descriptor_of(past.service),
        entity_ref=f"component:default/{past.service}",
        environments=past.environments,
        tree_hash=form.tree_hash,
        reason=REFUSALS.get(past.state, ""),
        created_by=people[past.by.username],
        team=teams[past.by.team],
        repo=company.REPOSITORY,
        pull_number=pull.number if pull else None,
        base_sha=pull.base_sha if pull else "",
        head_sha=pull.head_sha if pull else "",
        merge_sha=pull.merge_sha if pull else "",
        generation=1,
        version=len(times.hops) + 1,
        created_at=times.opened,
        submitted_at=times.submitted,
        finished_at=times.ended,
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
    for name, (start, end) in times.hops.items():
        yield Hop(request=row, name=name, started_at=start, finished_at=end, waits_for=who[name])


def _approvals(
    row: Request, past: PastRequest, times: Times, people: Mapping[str, User]
) -> Iterator[Approval]:
    given = []
    if past.approver and row.pull_number:
        at = times.end("approval")
        given += [(n["key"], past.approver if n["who"] == "lead" else past.reviewer, at) for n in row.needs]
    if past.state == "live":
        given.append((Approval.REVIEW, past.reviewer, times.end("merged")))
    for key, who, at in given:
        yield Approval(request=row, key=key, by=people[who.username], tree_hash=row.tree_hash, created_at=at)


def _rollouts(row: Request, past: PastRequest, times: Times) -> Iterator[Rollout]:
    if past.state != "live":
        return
    for position, place in enumerate(company.PLACES):
        pods = company.workloads()[past.service]["replicas"][1] if place.is_production else 1
        yield Rollout(
            request=row,
            environment=place.name,
            position=position,
            state=Rollout.State.HEALTHY,
            message=f"{pods} of {pods} pods are ready.",
            ready=pods,
            desired=pods,
            as_of=times.end("healthy"),
            applied_at=times.end("applied"),
            healthy_at=times.end("healthy"),
        )


def _audit(row: Request, past: PastRequest, times: Times) -> Iterator[Event]:
    by, reviewer = past.by, past.reviewer
    told = [
        ("submitted", times.submitted, by, past.reason),
        ("approved", times.end("approval"), past.approver, "") if past.approver and row.pull_number else None,
        ("proposed", times.end("pull_request"), None, "") if row.pull_number else None,
        ("merged", times.end("merged"), reviewer, "") if past.state == "live" else None,
        ("applied", times.end("applied"), None, "") if "applied" in times.hops else None,
        (past.state, times.ended, _ender(past), REFUSALS.get(past.state, "")),
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


def _ender(past: PastRequest) -> company.Colleague | None:
    return {"rejected": past.approver or past.reviewer, "withdrawn": past.by, "closed": past.reviewer}.get(
        past.state
    )

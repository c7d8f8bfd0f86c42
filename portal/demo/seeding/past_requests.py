"""A year of requests that have ended, in bulk: hops, approvals, rollouts and audit entries too."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import yaml
from django.db import connection, transaction
from django.db.models import F

from portal.demo import company, manifests
from portal.demo.history.plan import REFUSALS, PastRequest, past_requests, row_at
from portal.demo.history.repository import files_of
from portal.demo.history.times import Times, all_times
from portal.demo.seeding.people import everybody
from services.accounts.models import Team, User
from services.audit.models import Event
from services.integrations.models import PullRequest
from services.onboarding.models import Approval, Hop, Request, Rollout

CPU_MONTH, GIB_MONTH = 21.0, 4.2
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
    files = files_of(past)
    return Request(
        number=past.number,
        title=past.title,
        blueprint="web-service",
        state=past.state,
        token=f"demo-{past.number}",
        answers=answers_of(past),
        files=files,
        cost=cost_of(past),
        needs=_needs(past),
        entity=descriptor_of(past.service),
        entity_ref=f"component:default/{past.service}",
        environments=past.environments,
        tree_hash=hashlib.sha256("".join(files.values()).encode()).hexdigest(),
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


def descriptor_of(service: str) -> dict[str, Any]:
    return dict(next(yaml.safe_load_all(company.descriptors()[f"{service}.yaml"])))


def answers_of(past: PastRequest) -> dict[str, Any]:
    """What the form would have said."""
    row, spec = row_at(past.service, past.number), descriptor_of(past.service)
    return {
        "name": past.service,
        "owner": row["team"],
        "system": spec["spec"]["system"],
        "description": spec["metadata"].get("description", ""),
        "image": f"{company.REGISTRY}/{past.service}:{row['version']}",
        "port": row.get("port", 8080),
        "environments": past.environments,
    }


def cost_of(past: PastRequest) -> dict[str, Any]:
    row = row_at(past.service, past.number)
    pods = row["replicas"][1]
    cpu = round(pods * row["cpu"] / 1000 * CPU_MONTH, 2)
    memory = round(pods * row["memory"][0] / 1024 * GIB_MONTH, 2)
    lines = [[f"{pods} pods in production, CPU", cpu], [f"{pods} pods in production, memory", memory]]
    return {"monthly": round(cpu + memory, 2), "currency": "EUR", "lines": lines}


def _needs(past: PastRequest) -> list[dict[str, str]]:
    if past.approver is None:
        return []
    reason = "A new service in production" if past.is_onboarding else "More cost in production"
    return [{"key": "production", "who": "lead", "reason": reason, "team": past.by.team}]


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
    if past.approver and "pull_request" in times.hops:
        given.append(("production", past.approver, times.end("approval")))
    if "merged" in times.hops:
        given.append((Approval.REVIEW, past.reviewer, times.end("merged")))
    for key, who, at in given:
        yield Approval(request=row, key=key, by=people[who.username], tree_hash=row.tree_hash, created_at=at)


def _rollouts(row: Request, past: PastRequest, times: Times) -> Iterator[Rollout]:
    if past.state != "live":
        return
    for position, place in enumerate(company.PLACES):
        pods = manifests.settings_of(past.service, place)["replicas"][1 if place.is_production else 0]
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
        ("merged", times.end("merged"), reviewer, "") if "merged" in times.hops else None,
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

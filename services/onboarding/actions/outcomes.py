"""What happened outside, written down. Each looks at the row first: it may have moved on meanwhile."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from services.catalog import actions as catalog
from services.clusters.deliveries import TOOLS
from services.clusters.models import Environment
from services.effects.models import Effect

from .. import queries, rules
from ..models import Made, Request, Rollout, State
from . import effects
from .deciding import ask_merge
from .moves import locked, move, note, say_who

_WORD = {"proposal": "pull request", "propose": "opening the pull request"}


def _row(pk: int) -> Request:
    return locked(Request(pk=pk))


@transaction.atomic
def proposed(effect: Effect, found: dict[str, Any]) -> None:
    """The pull request exists. One that nobody wants any more is closed again."""
    row = _row(effect.payload["request"])
    if not found or row.generation != effect.payload["generation"]:
        return
    row.pull_number, row.head_sha = found["number"], found["head_sha"]
    if row.state == State.PROPOSING:
        _opened(row, found)
        return
    row.save(update_fields=["pull_number", "head_sha"])
    if row.state in (State.WITHDRAWN, State.CLOSED):
        effects.close(row, row.created_by, row.reason)


def _opened(row: Request, found: dict[str, Any]) -> None:
    if found["state"] == "open":
        move(
            row, State.IN_REVIEW, by=None, action="proposed", summary=f"#{row.pull_number}", **_counts(found)
        )
        effects.announce(row)
        _merge_by_itself(row)
    else:
        _ended_on_host(row, found)


def _merge_by_itself(row: Request) -> None:
    """What changes nothing but an image, where the company lets that go without a review; and previews."""
    if rules.merges_itself(row):
        ask_merge(row, row.created_by)
    if not row.is_bringing or row.answers.get("fields") or rules.open_needs(row):
        return
    place = Environment.objects.filter(name=row.environments[0]).first()
    if place is not None and queries.is_automatic(place) and not queries.run_out(row):
        ask_merge(row, row.created_by, f"New images go to {place} by themselves")


def _counts(found: dict[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in ("number", "additions", "deletions")}


@transaction.atomic
def proposal_seen(request: Request, found: dict[str, Any]) -> None:
    """What the git host says about the pull request now, whoever did it: merged, closed, or other commits."""
    row = locked(request)
    if row.state not in (State.IN_REVIEW, State.NEEDS_ATTENTION) or row.merge_sha:
        return
    if row.pull_number != found["number"]:
        return
    if found["state"] != "open":
        _ended_on_host(row, found)
    elif row.head_sha != found["head_sha"]:
        _pushed(row, found["head_sha"])
    else:
        effects.announce_over(row)


def _pushed(row: Request, head: str) -> None:
    """Somebody changed the branch: what was approved is not what is there."""
    row.head_sha = head
    row.tree_hash = f"commit:{head}"
    row.approvals.filter(voided_at__isnull=True).update(voided_at=timezone.now())
    note(row, by=None, action="pushed", summary=head[:8])
    say_who(row)


def _ended_on_host(row: Request, found: dict[str, Any]) -> None:
    if found["state"] == "merged":
        merged(row, found)
        return
    row.reason = found["reason"] or "The pull request was closed."
    move(row, State.CLOSED, by=None, action="closed_on_host", summary=row.reason, who=found["closed_by"])


@transaction.atomic
def merge_answered(effect: Effect, found: dict[str, Any]) -> None:
    """Merged; or the host said why not, and nothing was changed."""
    row = _row(effect.payload["request"])
    if row.state not in (State.IN_REVIEW, State.NEEDS_ATTENTION) or row.merge_sha:
        return
    if found.get("state") == "merged":
        merged(row, found)
    else:
        _merge_refused(row, found)


def _merge_refused(row: Request, found: dict[str, Any]) -> None:
    row.merge_asked_by = None
    row.problem = {
        "step": "merge",
        "title": found["title"],
        "message": found["message"],
        "conflicts": found.get("conflicts", []),
        "advice": found.get("advice")
        or "Open the form and submit again: the files are rendered over what is there now.",
    }
    if row.state == State.IN_REVIEW:
        move(row, State.NEEDS_ATTENTION, by=None, action="merge_failed", summary=row.problem["title"])


def merged(row: Request, found: dict[str, Any]) -> None:
    """The files are in the repository: bring them to the environments in order, and into the catalog."""
    row.merge_sha, row.problem = found["merge_sha"], {}
    by = queries.person_named(found["merged_by"]) or row.merge_asked_by
    overruled = _overruled(row)
    move(row, State.MERGED, by=by, action="merged", who=found["merged_by"], sha=row.merge_sha)
    if overruled:
        note(row, by=by, action="merged_over", summary=overruled, who=found["merged_by"])
    row.rollouts.all().delete()
    names = queries.environments_in_order(row.environments)
    rollouts = [row.rollouts.create(environment=name, position=n) for n, name in enumerate(names)]
    if row.is_form:
        _keep_version(row)
    if row.entity:
        effects.enqueue(row, "register", row.merge_sha, by)
    if rollouts:
        effects.apply(row, rollouts[0], by)
    else:
        move(row, State.ROLLING_OUT, by=None, action="nothing_to_apply")
        _arrive(row)


def _overruled(row: Request) -> str:
    """Merged on its host though an exception it needs is over: nobody can undo that here, so it is said."""
    over = dict(queries.over_in(row))
    row.findings = [
        {**found, "overruled": over[place]} if place in over else found
        for place, found in enumerate(row.findings)
    ]
    return next(iter(over.values()), "")


def _keep_version(row: Request) -> None:
    """Which version of which blueprint made each thing it is about."""
    used = [(row.entity_ref, row.blueprint, row.digest)]
    used += [(part.entity_ref, part.blueprint, part.digest) for part in row.parts.all()]
    versions = queries.versions_of(digest for *_, digest in used)
    for ref, blueprint, digest in used:
        said = {"blueprint": blueprint, "digest": digest, "version": versions.get(digest, ""), "request": row}
        Made.objects.update_or_create(entity_ref=ref, defaults=said)


@transaction.atomic
def applied(effect: Effect, found: dict[str, Any]) -> None:
    """The cluster accepted every object of one environment; or the tool that brings them there was asked."""
    row = _row(effect.payload["request"])
    rollout = row.rollouts.filter(environment=effect.payload["environment"]).first()
    if rollout is None or row.merge_sha != effect.payload["merge_sha"] or not found:
        return
    if asked := found.get("delivery"):
        rollout.delivery, rollout.applied_at = asked, None
        rollout.message = f"Waits for {TOOLS[asked['by']]}"
        rollout.save()
        say_who(row)
        return
    _is_there(row, rollout, found["applied"], found.get("removed", []))


def _is_there(
    row: Request, rollout: Rollout, objects: list[dict[str, Any]], removed: list[dict[str, Any]]
) -> None:
    rollout.state, rollout.applied, rollout.removed = Rollout.State.PROGRESSING, objects, removed
    rollout.applied_at, rollout.message = timezone.now(), "Waiting for the cluster"
    rollout.finding = None
    rollout.save()
    summary = _objects(rollout)
    if row.state == State.MERGED:
        move(
            row,
            State.ROLLING_OUT,
            by=None,
            action="applied",
            summary=summary,
            environment=rollout.environment,
        )
    else:
        note(row, by=None, action="applied", summary=summary, environment=rollout.environment)


def _objects(rollout: Rollout) -> str:
    """ "7 objects in staging; removed 2; left PersistentVolumeClaim data, which holds data"."""
    became = {word: [each for each in rollout.removed if each["became"] == word] for word in _LEFT}
    left = [
        f"left {each['kind']} {each['name']}, {why}" for word, why in _LEFT.items() for each in became[word]
    ]
    gone = len(rollout.removed) - len(left)
    parts = [f"{len(rollout.applied)} objects in {rollout.environment}"]
    return "; ".join([*parts, *([f"removed {gone}"] if gone else []), *left])


_LEFT = {
    "data": "which holds data",
    "foreign": "which is not its own any more",
    "kept": "which is not pruned",
}


@transaction.atomic
def rollouts_seen(request: Request, pictures: Mapping[str, queries.Picture]) -> None:
    """Moves a rollout by what the cluster shows: on to the next environment, live, failing, or recovered.

    Only pictures that already contain what was applied count; an old picture moves nothing.
    """
    row = locked(request)
    failed_before = row.state == State.NEEDS_ATTENTION and row.problem.get("step") == "rollout"
    if row.state not in (State.MERGED, State.ROLLING_OUT) and not failed_before:
        return
    if later := _overtaken_by(row):
        took_back = later.kind == Request.Kind.REVERT
        row.reason = f"{later.ref} took it back." if took_back else f"{later.ref} brought a later one."
        move(row, State.CLOSED, by=None, action="overtaken", summary=row.reason)
        return
    rollouts = list(row.rollouts.all())
    for rollout in rollouts:
        _look(row, rollout, pictures.get(rollout.environment))
    _judge(row, rollouts)


def _overtaken_by(row: Request) -> Request | None:
    """What was merged after it into the same place: its image, or all of it, will not be seen any more."""
    undone = queries.reverting(row)
    if undone is not None and undone.merge_sha:
        return undone
    if not row.is_bringing:
        return None
    later = Request.objects.bringing(row.entity_ref, row.environments[0]).filter(number__gt=row.number)
    return later.exclude(merge_sha="").order_by("number").first()


def _look(row: Request, rollout: Rollout, picture: queries.Picture | None) -> None:
    if picture is None or not picture.current:
        return
    if rollout.is_on_its_way:
        _look_at_delivery(row, rollout, picture)
        return
    following = (Rollout.State.PROGRESSING, Rollout.State.HEALTHY, Rollout.State.FAILING)
    if rollout.state not in following:
        return
    before = rollout.state
    rollout.state, rollout.message, rollout.finding = picture.state, picture.message, picture.finding
    rollout.ready, rollout.desired, rollout.as_of = picture.ready, picture.desired, picture.as_of
    rollout.parts = list(picture.parts)
    if rollout.state == Rollout.State.HEALTHY:
        rollout.healthy_at = rollout.healthy_at or timezone.now()
    rollout.save()
    if before != rollout.state:
        said = {"environment": rollout.environment, "state": rollout.state}
        note(row, by=None, action="rollout_changed", summary=rollout.message, **said)


def _look_at_delivery(row: Request, rollout: Rollout, picture: queries.Picture) -> None:
    """Its wait and the reason for it, each said once; or that the commit is there."""
    if (arrived := picture.arrived) is not None:
        rollout.delivery = rollout.delivery | {"revision": arrived.revision}
        _is_there(row, rollout, arrived.applied, arrived.removed)
        return
    is_news = (rollout.state, rollout.message) != (picture.state, picture.message)
    rollout.state, rollout.message, rollout.finding = picture.state, picture.message, picture.finding
    rollout.as_of = picture.as_of
    rollout.save()
    if is_news:
        note(row, by=None, action="delivery_seen", summary=picture.message, environment=rollout.environment)


def _judge(row: Request, rollouts: Sequence[Rollout]) -> None:
    failing = next((r for r in rollouts if r.state == Rollout.State.FAILING), None)
    if failing is not None:
        _failing(row, failing)
        return
    if all(r.state == Rollout.State.HEALTHY for r in rollouts):
        _arrive(row)
        return
    if row.state == State.NEEDS_ATTENTION:
        row.problem = {}
        begun = any(r.applied_at for r in rollouts)
        move(row, State.ROLLING_OUT if begun else State.MERGED, by=None, action="recovered")
    _start_next(row, rollouts)


def _arrive(row: Request) -> None:
    """Everything is where it was to be; what was retired leaves the catalog as well."""
    row.problem = {}
    if row.kind != Request.Kind.RETIRE and not _took_away(row):
        ended = row.kind == Request.Kind.END
        move(row, State.LIVE, by=None, action="ended" if ended else "live")
        return
    catalog.retire(ref=row.entity_ref, paths=row.removed, by=row.created_by)
    move(row, State.LIVE, by=None, action="retired")


def _took_away(row: Request) -> bool:
    """Whether a revert took back the very making of the service."""
    if row.kind != Request.Kind.REVERT or row.reverts is None or row.entity:
        return False
    made = Request.objects.filter(number=row.reverts).values_list("entity", "origin").first()
    return bool(made and made[0] and not made[1])


def _start_next(row: Request, rollouts: Sequence[Rollout]) -> None:
    for rollout in rollouts:
        if rollout.state == Rollout.State.WAITING:
            effects.apply(row, rollout)
        if rollout.state != Rollout.State.HEALTHY:
            return


def _failing(row: Request, rollout: Rollout) -> None:
    finding = rollout.finding or {}
    problem = {
        "step": "rollout",
        "environment": rollout.environment,
        "title": finding.get("title") or f"Not healthy in {rollout.environment}",
        "message": rollout.message,
        "evidence": finding.get("evidence", []),
        "advice": finding.get("advice", ""),
        "fix": finding.get("fix"),
    }
    if row.problem == problem:
        return
    row.problem = problem
    if row.state != State.NEEDS_ATTENTION:
        move(row, State.NEEDS_ATTENTION, by=None, action="rollout_failed", summary=problem["title"])
    else:
        row.save()


@transaction.atomic
def gave_up(effect: Effect) -> None:
    """An effect was tried often enough: the request says so, and offers to try again.

    Unless it is past that step: the reconciler may have seen done what the effect's workers died of telling.
    """
    row = _row(effect.payload["request"])
    step = effect.kind.removeprefix("onboarding.")
    if effect.payload["generation"] != row.generation or row.state not in _WAITS.get(step, ()):
        return
    row.merge_asked_by = None if step == "merge" else row.merge_asked_by
    row.problem = {"step": step, "title": _TITLE[step], "message": effect.last_error}
    row.problem["environment"] = effect.payload.get("environment", "")
    move(row, State.NEEDS_ATTENTION, by=None, action=f"{step}_failed", summary=effect.last_error)


# Where a request waits for each step.
_WAITS = {
    "propose": (State.PROPOSING,),
    "merge": (State.IN_REVIEW,),
    "apply": (State.MERGED, State.ROLLING_OUT),
    "register": (State.MERGED, State.ROLLING_OUT),
}
_TITLE = {
    "propose": "The pull request could not be opened",
    "merge": "The pull request could not be merged",
    "apply": "The cluster did not accept the objects",
    "register": "The catalog did not accept the entity",
}

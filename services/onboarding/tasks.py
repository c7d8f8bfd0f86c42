"""What a request does outside, as effects; and the reconciler that looks what happened there.

Every handler is find, else create, else find: the git host finds a pull request by its branch, a cluster
finds an object by its name, the catalog an entity by its reference.
"""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

import structlog
from celery import shared_task
from django.conf import settings
from django.db import transaction
from django.db.models import prefetch_related_objects
from django.utils import timezone

from services.catalog import actions as catalog
from services.catalog import queries as catalog_queries
from services.clusters.models import Environment
from services.effects import crashpoints, silences
from services.effects.bell import bell
from services.effects.errors import OutsideError
from services.effects.handlers import Claim, Done, Later, register
from services.effects.models import Effect
from services.integrations import githosts
from services.integrations.errors import NotFound, Refused, Unavailable
from services.integrations.githosts.base import GitHost, Proposal
from services.integrations.githosts.errors import HeadMoved, MergeConflict, NotAllowedYet, NotOpen
from services.notices import actions as notices

from . import announcing, masking, proposals, queries, rules, telling
from .errors import HostSilent, Refusal
from .models import Request, State

log = structlog.get_logger(__name__)
WHILE_TOLD = timedelta(seconds=3)
LOOK_AGAIN = timedelta(seconds=2)
crashpoints.declare_commit("catalog.entity")


def _request(claim: Claim) -> Request | None:
    """The request of an effect, None when a later submission made the effect pointless."""
    rows = Request.objects.select_related("created_by", "team", "merge_asked_by")
    row = rows.get(pk=claim.payload["request"])
    return row if row.generation == claim.payload["generation"] else None


def _host(row: Request) -> GitHost:
    return githosts.get(row.provider)


def as_result(found: Proposal) -> dict[str, Any]:
    names = (
        "number",
        "state",
        "head_sha",
        "merge_sha",
        "merged_by",
        "closed_by",
        "reason",
        "additions",
        "deletions",
    )
    return {name: getattr(found, name) for name in names}


def _gave_up(effect: Effect) -> None:
    from services.onboarding import actions

    actions.gave_up(effect)


def _proposed(effect: Effect, result: dict[str, Any]) -> None:
    from services.onboarding import actions

    actions.proposed(effect, result)


def _merge_answered(effect: Effect, result: dict[str, Any]) -> None:
    from services.onboarding import actions

    actions.merge_answered(effect, result)


def _applied(effect: Effect, result: dict[str, Any]) -> None:
    from services.onboarding import actions

    actions.applied(effect, result)


@register("onboarding.propose", on_done=_proposed, on_attention=_gave_up)
def propose(claim: Claim) -> Done | Later:
    row = _request(claim)
    if row is None:
        return Done()
    if row.state != State.PROPOSING:
        return Done(_left_behind(row))
    return Done(as_result(_host(row).propose(row.repo, **proposals.arguments(row))))


def _left_behind(row: Request) -> dict[str, Any]:
    """Nobody wants it any more, but a worker that died may have opened it: then it is to be closed."""
    found = _host(row).find_proposal(row.repo, row.branch)
    return as_result(found) if found else {}


@register("onboarding.merge", on_done=_merge_answered, on_attention=_gave_up)
def merge(claim: Claim) -> Done | Later:
    """Merges what was looked at. A host that refuses has answered: trying again would not change it."""
    row = _request(claim)
    if row is None or row.pull_number is None or row.merge_asked_by is None:
        return Done()
    if over := queries.run_out(row):
        return Done({"title": "An exception it needs is over", "message": over})
    try:
        found = _host(row).merge(
            row.repo,
            row.pull_number,
            by=proposals.person(row.merge_asked_by),
            expected_head=claim.payload["head"],
            message=f"{proposals.one_line(row.title)} (#{row.pull_number})\n\nSlipway-Request: {row.ref}",
        )
    except MergeConflict as conflict:
        details = [asdict(each) for each in masking.quiet(conflict.details)]
        return Done(
            {"title": "Both sides changed the same files", "message": str(conflict), "conflicts": details}
        )
    except NotAllowedYet as refused:
        advice = "Its own rules ask for something first, such as an approval there. Then merge again."
        return Done(
            {"title": "The git host does not allow it yet", "message": str(refused), "advice": advice}
        )
    except (HeadMoved, NotOpen) as refused:
        return Done({"title": "The pull request is not what was looked at", "message": str(refused)})
    return Done(as_result(found))


@register("onboarding.bring")
def bring(claim: Claim) -> Done | Later:
    """Brings the image that came while the pull request could not be touched; the last one told counts."""
    from services.onboarding import actions

    row = Request.objects.select_related("created_by").get(pk=claim.payload["request"])
    if (row.draft_answers or {}).get("image") != claim.payload["image"]:
        return Done()
    if rules.is_on_its_way(row):
        return Later(WHILE_TOLD, "The git host is being told of the image before.")
    try:
        return Done({"request": actions.bring_again(request=row).ref})
    except HostSilent as silent:
        raise Unavailable(silent.message) from silent
    except Refusal as refusal:
        return Done({"refused": refusal.message})


@register("onboarding.announce")
def announce(claim: Claim) -> Done | Later:
    """Labels, reviewers and what our checks came to, of the commit that was proposed."""
    row = _request(claim)
    if row is None or row.pull_number is None or row.state != State.IN_REVIEW:
        return Done()
    head = claim.payload["head"]
    said = announcing.announcement(row, _host(row))
    _host(row).announce(row.repo, row.pull_number, head=head, said=said)
    return Done()


@register("onboarding.review")
def review(claim: Claim) -> Done | Later:
    """Says the reviewer's yes on the host too; of an older commit it says nothing."""
    row, by = _request(claim), queries.person_named(claim.payload["by"])
    if row is None or by is None or row.pull_number is None:
        return Done()
    try:
        _host(row).approve(row.repo, row.pull_number, by=proposals.person(by), head=claim.payload["head"])
    except (HeadMoved, NotOpen) as refused:
        return Done({"refused": str(refused)})
    return Done()


@register("onboarding.close")
def close(claim: Claim) -> Done | Later:
    row = Request.objects.get(pk=claim.payload["request"])
    by = queries.person_named(claim.payload["by"]) or row.created_by
    found = _host(row).find_proposal(row.repo, row.branch)
    if found is None:
        raise Unavailable(f"#{claim.payload['number']} is not to be seen yet")
    if found.state != "open":
        return Done()
    host, reason = _host(row), claim.payload["reason"]
    return Done(as_result(host.close(row.repo, found.number, by=proposals.person(by), reason=reason)))


@register("onboarding.comment")
def comment(claim: Claim) -> Done | Later:
    row = Request.objects.get(pk=claim.payload["request"])
    by = queries.person_named(claim.payload["by"]) or row.created_by
    body, number = claim.payload["body"], claim.payload["number"]
    _host(row).comment(row.repo, number, body=body, author=proposals.person(by), key=claim.key)
    return Done()


@register("onboarding.tell")
def tell(claim: Claim) -> Done | Later:
    """Tells whom it concerns; what a later submission overtook is not said any more."""
    row = _request(claim)
    if row is None:
        return Done()
    prefetch_related_objects([row], "contributors", "approvals")  # asked for several times
    told = 0
    for each in telling.tellings(row, claim.payload["event"], claim.payload["by"]):
        key = f"{claim.key}/{each.to}"
        told += len(notices.tell(people=each.people, key=key, words=each.words, about=row))
    return Done({"told": told})


@register("onboarding.register", on_attention=_gave_up)
def register_entity(claim: Claim) -> Done | Later:
    row = _request(claim)
    if row is None:
        return Done()
    try:
        with transaction.atomic():
            for part in row.parts.all():
                known = row.is_change and catalog_queries.find(part.entity_ref) is not None
                catalog.register(part.entity, by=row.created_by, request="" if known else row.ref)
            entity = catalog.register(row.entity, by=row.created_by, request="" if row.is_change else row.ref)
            crashpoints.around_commit("catalog.entity")
    except catalog.DescriptorRefused as refused:
        raise Refused(str(refused)) from refused
    return Done({"ref": entity.ref})


@register("onboarding.apply", on_done=_applied, on_attention=_gave_up)
def apply(claim: Claim) -> Done | Later:
    """Applies every object of one environment as it stands in the repository at the merge commit.

    Where Argo CD or Flux does, it is asked to look; `follow` then says how far it is.
    """
    from . import applying, delivering  # load the manifest reader and the cluster client; few need them

    row, environment = _request(claim), claim.payload["environment"]
    if row is None or row.merge_sha != claim.payload["merge_sha"]:
        return Done()
    if asked := delivering.ask(row, environment):
        return Done({"delivery": asked})
    done = applying.apply_environment(row, environment, _since(claim))
    if done.waits_for:
        _waits(row, environment, done.waits_for)
        return Later(LOOK_AGAIN, f"Waits for {done.waits_for}.")
    return Done(asdict(done))


def _since(claim: Claim) -> timedelta:
    """How long ago the effect was queued."""
    at = Effect.objects.filter(pk=claim.pk).values_list("created_at", flat=True).first()
    return timezone.now() - at if at else timedelta()


def _waits(row: Request, environment: str, what: str) -> None:
    row.rollouts.filter(environment=environment).update(message=f"Waits for {what}")


@shared_task(name="onboarding.reconcile")
def reconcile() -> int:
    """Looks at everything whose truth is outside; one that cannot be read does not hold up the others."""
    rows = list(queries.to_follow())
    for row in rows:
        follow(row)
    return len(rows)


@register("onboarding.put_back", max_attempts=4)
def put_back(claim: Claim) -> Done | Later:
    """Brings one environment of a service back to what git says; again without effect."""
    from . import restoring

    return Done(restoring.put_back(claim.payload["drift"]))


@shared_task(name="onboarding.drift")
def drift() -> int:
    """Compares with git what runs, a part of it each time."""
    from . import drifting

    return drifting.sweep()


@shared_task(name="onboarding.parity")
def parity() -> int:
    """Compares environments of services with each other, a part of them each time."""
    from . import comparing

    return comparing.sweep()


@shared_task(name="onboarding.readiness")
def readiness() -> int:
    """Looks for what newer versions of Kubernetes do without; a silent git host leaves what was found."""
    from . import readiness as ready

    try:
        return ready.sweep()
    except OutsideError as error:
        log.warning("onboarding.readiness_unseen", error=str(error))
        return 0


@shared_task(name="onboarding.remind")
def remind() -> int:
    """Has people reminded of what waits for their yes."""
    from services.onboarding import actions

    return actions.remind()


@shared_task(name="onboarding.end")
def end() -> int:
    """Proposes the removal of what was wanted until a day that is over; one that fails holds up no other."""
    from services.onboarding import actions

    ended = 0
    for entity, by in queries.over(timezone.localdate()):
        last = entity.spec["until"]
        try:
            actions.retire(entity_ref=entity.ref, by=by, reason=f"Its last day was {last}.")
        except Refusal as refusal:
            log.warning("onboarding.not_ended", entity=entity.ref, error=str(refusal))
        else:
            ended += 1
    return ended


@shared_task(name="onboarding.follow_entity")
def follow_entity(entity_ref: str) -> None:
    for row in queries.to_follow().about(entity_ref):
        follow(row)


def follow(row: Request) -> None:
    from services.onboarding import actions

    try:
        if row.pull_number is not None and not row.merge_sha:
            found = _look(row, row.pull_number)
            if found is not None:
                actions.proposal_seen(row, as_result(found))
        elif row.merge_sha:
            actions.rollouts_seen(row, queries.pictures(row))
    except OutsideError as error:
        log.warning("onboarding.unseen", request=row.ref, error=str(error))


def _look(row: Request, number: int) -> Proposal | None:
    """The pull request as it is; None while the host, or this one, refused us or asked to be left alone."""
    host, mine = f"git {row.provider} {row.repo}", _place(row)
    if silences.hold(host, mine):
        return None
    try:
        found = _host(row)
        if found.capabilities.webhooks:  # it tells by itself; what it forgets is seen a little later
            silences.rest(mine, settings.GIT_LOOK_SECONDS)
        return found.proposal(row.repo, number)
    except OutsideError as error:
        silences.keep(mine if isinstance(error, NotFound) else host, error)
        raise


def _place(row: Request) -> str:
    return f"git {row.provider} {row.repo} #{row.pull_number}"


def on_proposal_changed(
    sender: object, *, provider: str, repo: str, number: int, branch: str, **_: object
) -> None:
    """A git host says that something changed: those it may concern are looked at soon, whatever it says."""
    rows = queries.to_follow().filter(provider=provider, repo=repo, pull_number__isnull=False)
    for row in rows.filter(pull_number=number) if number else rows:
        if number or branch in ("", row.branch):
            silences.lift(_place(row))
            bell.ring(follow_proposal, row.pk)


@shared_task(name="onboarding.follow_proposal")
def follow_proposal(pk: int) -> None:
    for row in queries.to_follow().filter(pk=pk):
        follow(row)


def on_workload_changed(sender: object, *, entity_ref: str, environment: Environment, **_: object) -> None:
    """A workload changed: look soon, if a request waits for it. With no broker at hand, beat looks later."""
    for pk in queries.of_sets_in(environment).values_list("pk", flat=True):
        bell.ring(follow_proposal, pk)
    if queries.to_follow().about(entity_ref).exists():
        bell.ring(follow_entity, entity_ref)

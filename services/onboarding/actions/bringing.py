"""Bringing images to environments: one pull request for each place, brought up to date while it is open."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from services.accounts.models import User
from services.catalog.models import Entity
from services.integrations.errors import IntegrationError

from .. import queries, rules
from ..errors import HostSilent, NotAllowed, WrongState
from ..models import Request, State
from . import effects, writing
from .moves import locked, move, note

SILENT = "The git host does not answer. Nothing was done; try again in a moment."
OPENED, UPDATED, WAITING, UNCHANGED = "opened", "updated", "waiting", "unchanged"


@dataclass(frozen=True)
class Bringing:
    """What came of it, and the request that carries it; None where no request brought what is there."""

    outcome: str
    request: Request | None
    image: str
    before: tuple[str, ...]


def bring_image(
    *, entity_ref: str, environment: str, by: User, image: str = "", digest: str = "", source: str = ""
) -> Bringing:
    """Proposes the image for one environment of a service; `source` says what it was built from.

    One pull request for each service and environment: a later image takes the place of the one in it, the
    same again changes nothing. While the git host is being told, it waits, and is taken up a moment later.
    Refuses: somebody else's service (NotAllowed), an image of another repository, one that is not fixed, what
    a guardrail stops (ImageRefused), while the git host is silent (HostSilent).
    """
    entity = writing.entity_of(entity_ref)
    check_bring(by, entity)
    place = queries.environment_named(environment)
    try:
        where = queries.deployed(entity, place)
    except IntegrationError as error:
        raise HostSilent(SILENT) from error
    found = queries.brought(where, queries.wanted_image(where, image, digest))
    said = {
        "environment": place.name,
        "image": found.image,
        "before": list(found.before),
        "reason": source.strip(),
    }
    title = f"Image {found.version} for {entity.name} in {place.name}"
    return bring(found, by, Request.Kind.IMAGE, said | {"version": found.version}, title)


def check_bring(by: User, entity: Entity) -> None:
    if not rules.can_bring(by, entity):
        owner = entity.owner_ref.rpartition("/")[2] or "nobody"
        raise NotAllowed(f"{entity.name} belongs to {owner}: its own tokens and members bring images to it.")


@transaction.atomic
def bring(found: "queries.Brought", by: User, kind: str, said: dict[str, Any], title: str) -> Bringing:
    entity, place = found.where.entity, found.where.environment
    Entity.objects.select_for_update().get(pk=entity.pk)
    rows = Request.objects.bringing(entity.ref, place.name)
    open_one = rows.open().filter(merge_sha="").first()
    row = locked(open_one) if open_one else None
    if not found.files:
        brought_by = row or rows.exclude(merge_sha="").order_by("-number").first()
        return Bringing(UNCHANGED, brought_by, found.image, found.before)
    if row is not None and (row.kind, row.answers.get("image"), row.files) == (
        kind,
        found.image,
        dict(found.files),
    ):
        _settle(row, None)
        return Bringing(UNCHANGED, row, found.image, found.before)
    if row is not None and rules.is_on_its_way(row):
        if kind == Request.Kind.PROMOTION:
            raise WrongState(f"The git host is being told of {row.ref} just now. Try again in a moment.")
        _settle(row, said | {"by": by.username})
        effects.enqueue(row, "bring", f"bring/{row.version}", by, image=found.image)
        return Bringing(WAITING, row, found.image, found.before)
    sent = _send(row or writing.draft_for(by, kind, "", None), found, by, kind, said, title)
    return Bringing(UPDATED if row else OPENED, sent, found.image, found.before)


def _settle(row: Request, waiting: dict[str, Any] | None) -> None:
    """What is to be taken up next; nothing, where what is there already is what was told last."""
    if row.draft_answers != waiting:
        row.draft_answers = waiting
        note(
            row,
            by=None,
            action="image_waits" if waiting else "image_stays",
            summary=(waiting or row.answers)["image"],
        )


def _send(
    row: Request, found: "queries.Brought", by: User, kind: str, said: dict[str, Any], title: str
) -> Request:
    entity = found.where.entity
    row.kind, row.title, row.blueprint = kind, title[:200], kind
    row.answers, row.draft_answers, row.files = said, None, dict(found.files)
    row.provider, row.repo, row.base_sha = found.where.provider, found.where.repo, found.where.base
    row.tree_hash, row.needs = found.tree_hash, queries.needs_of(found, kind, by)
    row.findings = writing.plain(list(found.findings))
    row.entity_ref, row.environments = entity.ref, [found.where.environment.name]
    row.team = writing.team_of(entity.ref, by)
    row.generation, row.problem, row.reason = row.generation + 1, {}, ""
    row.reminded_at = row.escalated_at = None
    row.submitted_at = row.submitted_at or timezone.now()
    row.contributors.add(by)
    others = row.approvals.filter(voided_at__isnull=True).exclude(tree_hash=row.tree_hash)
    others.update(voided_at=timezone.now())
    effects.drop_stuck(row, by)
    move(row, State.SUBMITTED, by=by, action="submitted", summary=found.image, generation=row.generation)
    writing.send_on(row)
    return row


def bring_again(*, request: Request) -> Request:
    """Takes up what came while the pull request could not be touched. Refuses as `bring_image`."""
    said = request.draft_answers or {}
    by = queries.person_named(str(said.get("by"))) or request.created_by
    found = bring_image(
        entity_ref=request.entity_ref, environment=said["environment"], by=by, image=said["image"],
        source=said.get("reason", ""),
    )  # fmt: skip
    return found.request or request

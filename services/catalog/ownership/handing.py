"""Handing an entity to another team: one asks, the other accepts or declines, nobody both."""

from typing import Any
from uuid import uuid4

from django.db import IntegrityError, transaction
from django.utils import timezone

from services.audit.actions import record
from services.catalog import rules
from services.catalog.importing import writing
from services.catalog.models import OWNABLE, Entity, Handover, Tenure
from services.catalog.ownership import confirming, living
from services.catalog.ownership.places import is_told_by_source
from services.catalog.ownership.reading import owner_of
from services.catalog.ownership.resolution import Standing
from services.catalog.ownership.states import OPEN, TRANSITIONS, State
from services.catalog.refusals import Refused

Person = Any
OWNERS = ("Group", "User")
TOLD = {
    "accept": "accepted",
    "decline": "declined",
    "withdraw": "withdrew",
    "reopen": "reopened",
    "settle": "settled",
    "overtake": "overtook",
}


@transaction.atomic
def ask(*, entity: Entity, to_ref: str, reason: str, by: Person) -> Handover:
    """Ask another team to take an entity.

    Refuses: what cannot have an owner, a taker who is none or cannot answer, the owner it has already, a
    second question while one is open, and who may not speak for it.
    """
    entity = (
        Entity.objects.select_for_update(of=("self",)).select_related("owner", "source").get(pk=entity.pk)
    )
    owner = owner_of(entity)
    if entity.kind not in OWNABLE or owner is None:
        raise Refused(f"A {entity.kind.lower()} has no owner.")
    if not rules.can_hand_over(by, owner):
        raise Refused("Only its owners can say that it is not theirs, and the platform team.")
    _check_taker(to_ref, owner.owner_ref)
    try:
        with transaction.atomic():
            handover = Handover.objects.create(
                entity=entity, from_ref=owner.owner_ref, to_ref=to_ref, reason=reason.strip(), asked_by=by
            )
    except IntegrityError as error:
        raise Refused(f"Somebody has asked already whether {entity.name} goes elsewhere.") from error
    said = f"{by} asked {to_ref} to take {entity.ref} from {owner.owner_ref or 'nobody'}"
    record(by=by, action="catalog.handover_asked", obj=entity, summary=said, details={"reason": reason[:500]})
    return handover


def _check_taker(to_ref: str, from_ref: str) -> None:
    if to_ref == from_ref:
        raise Refused("It belongs to them already.")
    if not Entity.objects.filter(ref=to_ref, kind__in=OWNERS).exists():
        raise Refused(f"{to_ref} is no group or person of the catalog.")
    if why := living.reasons([to_ref]).get(to_ref):
        raise Refused(f"{to_ref} {why}: nobody could answer.")


@transaction.atomic
def step(*, handover: Handover, step: str, by: Person, answer: str = "") -> Handover:
    """One step of a person: accept, decline, withdraw or reopen.

    Accepting changes the owner at once where the catalog itself says whose it is; where a descriptor does, it
    waits for the descriptor. Refuses steps that `TRANSITIONS` does not know, and who may not take them.
    """
    handover = _locked(handover.pk)
    if not rules.can_take_step(by, handover, step):
        raise Refused(_who_may(step))
    _move(handover, step, by, answer)
    if step == "accept" and not is_told_by_source(handover.entity):
        _give(handover.entity, handover.to_ref)
        _settle(handover)
    return handover


def _locked(pk: int) -> Handover:
    rows = Handover.objects.select_for_update(of=("self",)).select_related("entity__source", "decided_by")
    return rows.get(pk=pk)


def _who_may(step: str) -> str:
    return {
        "accept": "Somebody of the team that was asked accepts it, and never who asked.",
        "decline": "Somebody of the team that was asked declines it, and never who asked.",
        "withdraw": "Who asked can withdraw it, and the team it is about.",
    }.get(step, "Who decided can take that back.")


def _move(handover: Handover, step: str, by: Person, answer: str = "") -> None:
    """The one door to another state."""
    target = TRANSITIONS.get((handover.state, step))
    if target is None:
        raise Refused(f"That is not possible any more: {handover.get_state_display().lower()}.")
    handover.state = target
    if by is not None:
        handover.decided_by, handover.decided_at = (None, None) if step == "reopen" else (by, timezone.now())
        handover.answer = answer.strip()
    try:
        with transaction.atomic():
            handover.save(update_fields=["state", "decided_by", "decided_at", "answer"])
    except IntegrityError as error:
        raise Refused("Meanwhile somebody has asked another team.") from error
    said = f"{by or 'The catalog'} {TOLD[step]} the handover of {handover.entity.ref} to {handover.to_ref}"
    record(by=by, action=f"catalog.handover_{target}", obj=handover.entity, summary=said)


def _settle(handover: Handover) -> None:
    """The owner has changed; who accepted has confirmed it with that."""
    accepted = handover.state == State.ACCEPTED
    _move(handover, "settle", None)
    if accepted:
        confirming.write(uuid4(), {handover.entity_id: handover.to_ref}, handover.decided_by)


def _give(entity: Entity, to_ref: str) -> None:
    """Write another owner into what the catalog holds itself."""
    item: dict[str, Any] = writing.snapshot([entity.ref])[0]["before"]["item"]
    item["descriptor"]["spec"] = {**item["descriptor"]["spec"], "owner": to_ref}
    others = [said for said in item["relations"] if said["field"] != "owner"]
    item["relations"] = [*others, {"type": "ownedBy", "target": to_ref, "field": "owner", "evidence": []}]
    writing.write([writing.row_of(item, entity.source, state=entity.state, problem=entity.problem)], [item])
    writing.resolve_links()
    Tenure.objects.update_or_create(
        entity=entity,
        defaults={"name": entity.name, "owner_ref": to_ref, "standing": Standing.OWNED, "via": ""},
    )


@transaction.atomic
def follow() -> int:
    """Settle what has arrived where it was to go, and let go of what went elsewhere. Safe to run twice."""
    moved = 0
    rows = Handover.objects.filter(state__in=OPEN).values_list(
        "pk", "from_ref", "to_ref", "entity__tenure__owner_ref"
    )
    for pk, from_ref, to_ref, owner_ref in list(rows):
        if owner_ref == to_ref:
            _settle(_locked(pk))
        elif owner_ref not in (None, from_ref):
            _move(_locked(pk), "overtake", None)
        else:
            continue
        moved += 1
    return moved

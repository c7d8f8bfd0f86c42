"""Bringing services to newer versions of their blueprints: one through the form, or several at once."""

from collections.abc import Sequence

from django.db import transaction

from services.accounts.models import User
from services.audit import actions as audit
from services.catalog.models import Entity
from services.effects import actions as outbox

from .. import queries, rules
from ..errors import Blocked, NameTaken, NotAllowed, Refusal
from ..models import Request, UpgradeItem, UpgradeRound
from . import writing

MOST_AT_ONCE = 500


def upgrade_service(*, entity_ref: str, by: User) -> Request:
    """A draft of the person's in the newer version's form, filled in with the answers in the repository.

    A second call finds the same draft. While a request for the entity is open, that one is returned.
    Refuses: somebody else's (NotAllowed), what no form made (NotOnboarded), what is at the newest version.
    """
    entity = writing.entity_of(entity_ref)
    writing.check_change(by, entity)
    return queries.open_for(entity) or _draft(entity, by, "")


def _draft(entity: Entity, by: User, token: str) -> Request:
    found = queries.upgrading(entity, by)
    with transaction.atomic():
        Entity.objects.select_for_update().get(pk=entity.pk)
        row = None if token else queries.upgrade_draft_of(entity, by)
        row = row or writing.draft_for(by, found.request.blueprint, token, None)
        if row.submitted_at:
            return row
        row.entity_ref, row.origin, row.upgrade = entity.ref, found.origin, found.request.upgrade
        row.blueprint = found.request.blueprint
        row.save(update_fields=["entity_ref", "origin", "upgrade", "blueprint", "updated_at"])
        return writing.save_draft(by=by, blueprint=row.blueprint, answers=found.answers, request=row)


def propose_upgrade(*, entity_ref: str, by: User, token: str) -> Request:
    """Sends the upgrade of a service as it is, without anybody at a form; the same token is the same request.

    What people changed by hand stays where the newer version changes it too. Refuses: as `upgrade_service`
    and `submit`; what the newer version asks and nobody answered (Blocked); one open already (NameTaken).
    """
    sent = Request.objects.filter(created_by=by, token=token, submitted_at__isnull=False).first()
    if sent is not None:
        return sent
    entity = writing.entity_of(entity_ref)
    writing.check_change(by, entity)
    if under_way := queries.open_for(entity):
        raise NameTaken(f"{under_way.ref} is open for {entity.name} already.")
    draft = _draft(entity, by, token)
    return writing.submit(by=by, blueprint=draft.blueprint, answers=draft.answers, request=draft)


@transaction.atomic
def upgrade_several(*, refs: Sequence[str], by: User) -> UpgradeRound:
    """Has an upgrade proposed for each service: one request each, as effects that do not wait for another.

    Refuses: nothing chosen, too many (Refusal), anybody but the platform team (NotAllowed).
    """
    if not rules.can_upgrade_several(by):
        raise NotAllowed("Upgrading several services at once is for the platform team.")
    wanted = list(dict.fromkeys(refs))
    if not wanted:
        raise Refusal("Choose at least one service.")
    if len(wanted) > MOST_AT_ONCE:
        raise Refusal(f"{MOST_AT_ONCE} services at once are the most; {len(wanted)} were chosen.")
    known = queries.fleet().filter(entity_ref__in=wanted).values_list("entity_ref", flat=True)
    if unknown := sorted({*wanted} - {*known}):
        raise Refusal(f"No form made {', '.join(unknown[:5])}.")
    round = UpgradeRound.objects.create(created_by=by)
    items = UpgradeItem.objects.bulk_create(UpgradeItem(round=round, entity_ref=ref) for ref in wanted)
    audit.record(by=by, action="upgrade_round.started", obj=round, summary=f"{len(items)} services")
    for item in items:
        _enqueue(item, by)
    return round


def _enqueue(item: UpgradeItem, by: User) -> None:
    key = f"{item.token}/{item.attempt}"
    outbox.enqueue(kind="onboarding.upgrade", key=key, payload={"item": item.pk}, subject=item.round, by=by)


@transaction.atomic
def upgrade_again(*, round: UpgradeRound, by: User) -> int:
    """Tries again what failed or needed a person; returns how many. Refuses as `upgrade_several`."""
    if not rules.can_upgrade_several(by):
        raise NotAllowed("Upgrading several services at once is for the platform team.")
    again = (UpgradeItem.State.FAILED, UpgradeItem.State.REFUSED)
    items = list(round.items.select_for_update().filter(state__in=again))
    for item in items:
        item.state, item.message, item.attempt = UpgradeItem.State.WAITING, "", item.attempt + 1
        item.save(update_fields=["state", "message", "attempt"])
        _enqueue(item, by)
    return len(items)


def upgraded(item: UpgradeItem, found: dict[str, str]) -> None:
    """What came of one: its request, or why there is none yet."""
    item = UpgradeItem.objects.select_for_update().get(pk=item.pk)
    refused = found.get("refused", "")
    item.state = UpgradeItem.State.REFUSED if refused else UpgradeItem.State.PROPOSED
    item.message = refused
    item.request = Request.objects.filter(number=found["number"]).first() if found.get("number") else None
    item.save(update_fields=["state", "message", "request"])


def upgrade_failed(item: UpgradeItem, message: str) -> None:
    UpgradeItem.objects.filter(pk=item.pk).update(state=UpgradeItem.State.FAILED, message=message)


def said_of(refusal: Refusal) -> str:
    """Why it did not go by itself; what is asked for by name."""
    if not isinstance(refusal, Blocked):
        return refusal.message
    asked = [each.label for each in queries.needed(refusal.evaluation)]
    if asked:
        return f"The newer version asks for {', '.join(asked)}."
    stops = [each.message for each in refusal.evaluation.errors]
    stops += [each.title for each in refusal.evaluation.findings if each.severity == "block"]
    return f"It does not pass yet: {'; '.join(stops[:3])}."

"""What owners see on home, on the page of an entity, and on their team's."""

from collections.abc import Iterator
from typing import Any

from django.urls import reverse
from django.utils import timezone

from portal.shell import registry
from portal.shell.http import HttpRequest
from portal.shell.registry import Deeds, EntityPanel, NeedsItem
from services.catalog import health, maps, queries, rules
from services.catalog.models import Confirmation, Entity, Handover
from services.catalog.ownership import commits, desk, evidence, living, tenures
from services.catalog.ownership.reading import owner_of
from services.catalog.ownership.states import OPEN, State


def register() -> None:
    registry.needs_me.add(needs)
    registry.deeds.add(Deeds("commits", 10, "commit", "commits", commits.gather))
    panels = (
        EntityPanel("ownership", 60, "catalog/ownership_panel.html", of_entity, area="side"),
        EntityPanel("map", 1, "catalog/map.html", map_of),
        EntityPanel("owner-tiles", 2, "catalog/owner_tiles.html", tiles_of),
        EntityPanel("person-work", 30, "catalog/person_work.html", work_of),
        EntityPanel("team-due", 5, "catalog/team_due.html", of_owner),
    )
    for panel in panels:
        registry.entity_panels.add(panel)


def needs(request: HttpRequest) -> Iterator[NeedsItem]:
    """One line for each team, however much it has to confirm, and one for each handover to decide."""
    refs = queries.refs_of(request.user)
    if not refs:
        return
    for tally in desk.tallies(refs):
        many, who = tally["number"], desk.short(tally["owner_ref"])
        title = f"Is this still yours? {many} thing{'' if many == 1 else 's'} of {who}"
        text = f"The owners say so every {tenures.period().days} days."
        url = reverse("catalog:confirm_list")
        yield NeedsItem("user-question", "idle", title, text, url, "Confirm", tally["since"], order=70)
    for handover in desk.waiting_for(refs, request.user):
        yield _handover(handover)


def _handover(handover: Handover) -> NeedsItem:
    name, url = handover.entity.name, handover.get_absolute_url()
    if handover.state == State.ACCEPTED:
        text = f"{desk.short(handover.to_ref)} accepted it. Its descriptor does not name them yet."
        title = f"Change the owner of {name}"
        return NeedsItem("arrow-right", "info", title, text, url, "See where", handover.decided_at, order=45)
    title = f"Is {name} yours, {desk.short(handover.to_ref)}?"
    text = f"{handover.asked_by or 'Somebody'} says so" + (f": {handover.reason}" if handover.reason else ".")
    return NeedsItem("arrow-right", "warn", title, text[:200], url, "Decide", handover.asked_at, order=28)


def of_entity(request: HttpRequest, entity: Entity) -> dict[str, Any] | None:
    """Who confirmed it until when, whether it goes elsewhere, and what one may do about it."""
    owner = owner_of(entity)
    if owner is None:
        return None
    handover = Handover.objects.filter(entity=entity, state__in=OPEN).select_related("asked_by").first()
    said = Confirmation.objects.filter(entity=entity, owner_ref=owner.owner_ref).select_related("by").first()
    tenure = getattr(entity, "tenure", None)
    return {
        "entity": entity,
        "owner": owner,
        "handover": handover,
        "confirmed": said,
        "is_due": bool(tenure and tenure.due_at and tenure.due_at <= timezone.now()),
        "due_at": tenure.due_at if tenure else None,
        "workers": evidence.workers(entity),
        "weighed": getattr(entity, "weighed", None),
        "can_confirm": owner.is_answered
        and not handover
        and rules.can_confirm(request.user, owner.owner_ref),
        "can_hand_over": not handover and rules.can_hand_over(request.user, owner),
    }


def map_of(request: HttpRequest, entity: Entity) -> dict[str, Any] | None:
    """The diagram of a system or domain; hidden where nothing is in it."""
    found = maps.map_of(entity)
    return None if found is None or found.is_empty else {"map": found}


def tiles_of(request: HttpRequest, entity: Entity) -> dict[str, Any] | None:
    """The numbers of a team or person: what they own, how it is, what they have to say."""
    if entity.kind not in ("Group", "User"):
        return None
    tally = desk.summary(entity.ref)
    services = list(
        tenures.held_by([entity.ref])
        .filter(entity__kind="Component")
        .values_list("entity__ref", flat=True)[:300]
    )
    states = health.by_entity(services) if services else {}
    ill = [ref for ref, found in states.items() if health.worst(found) in ("Degraded", "Missing")]
    return {
        **tally,
        "ref": entity.ref,
        "services": len(services),
        "ill": len(ill),
        "why_dead": living.reasons([entity.ref]).get(entity.ref, ""),
    }


def work_of(request: HttpRequest, entity: Entity) -> dict[str, Any] | None:
    """On the page of a person: what they did lately, by what."""
    if entity.kind != "User" or entity.namespace != "default":
        return None
    rows = evidence.work_of(entity.name)
    return {"rows": rows} if rows else None


def of_owner(request: HttpRequest, entity: Entity) -> dict[str, Any] | None:
    """On the page of a team or person: what they have to confirm, and what is handed over."""
    if entity.kind not in ("Group", "User"):
        return None
    due, asked = desk.due_of([entity.ref]), desk.asked_of([entity.ref])
    if not due.rows and not asked:
        return None
    return {"due": due, "asked": asked, "may": rules.can_confirm(request.user, entity.ref)}

"""What owners see on home, on the page of an entity, and on their team's."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone

from portal.shell import registry
from portal.shell.http import HttpRequest
from portal.shell.once import once
from portal.shell.registry import Deeds, EntityPanel, NeedsItem
from services.catalog import about, maps, queries, rules
from services.catalog.models import Entity, Handover
from services.catalog.ownership import commits, desk, evidence, tenures
from services.catalog.ownership.reading import Said, said_of
from services.catalog.ownership.states import State

OWNERS = ("Group", "User")


def register() -> None:
    registry.needs_me.add(needs)
    registry.deeds.add(Deeds("commits", 10, "commit", "commits", commits.gather))
    panels = (
        EntityPanel("ownership", 60, "catalog/ownership_panel.html", of_entity, area="side"),
        EntityPanel("map", 1, "catalog/map.html", map_of, area="wide"),
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


def owner_here(request: HttpRequest, entity: Entity) -> Said | None:
    """Who the entity of a page belongs to, read once for all parts of the page."""
    return once(request, f"owner of {entity.ref}", lambda: said_of(entity))


def below(request: HttpRequest, entity: Entity) -> dict[str, Any] | None:
    """What the page of a team, person, system or domain lists, read once for all parts of the page."""
    return once(request, f"below {entity.ref}", lambda: about.below(entity))


def holdings(request: HttpRequest, entity: Entity) -> desk.Holdings:
    return once(request, f"holdings of {entity.ref}", lambda: desk.holdings(entity.ref))


def of_entity(request: HttpRequest, entity: Any) -> dict[str, Any] | None:
    """Who confirmed it until when, whether it goes elsewhere, and what one may do about it."""
    said_owner = owner_here(request, entity)
    if said_owner is None:
        return None
    owner, tenure, weighed = said_owner.ownership, _one(entity, "tenure"), _one(entity, "weighed")
    said = entity.said if entity.said and entity.said["owner"] == owner.owner_ref else None
    due_at = tenure.due_at if tenure else None
    moving = entity.moving
    return {
        "entity": entity,
        "owner": owner,
        "handover": moving,
        "confirmed": said and {"by": said["by"], "at": datetime.fromisoformat(said["at"])},
        "is_due": bool(due_at and due_at <= timezone.now() and owner.is_answered),
        "due_at": due_at,
        "workers": evidence.workers(weighed),
        "weighed": weighed,
        "can_confirm": owner.is_answered and not moving and rules.can_confirm(request.user, owner.owner_ref),
        "can_hand_over": not moving and rules.can_hand_over(request.user, owner),
    }


def _one(entity: Entity, name: str) -> Any:
    """The row beside an entity, None where there is none yet."""
    return getattr(entity, name, None)


def map_of(request: HttpRequest, entity: Entity) -> dict[str, Any] | None:
    """The diagram of a system or domain; hidden where nothing is in it."""
    if entity.kind not in ("System", "Domain"):
        return None
    rows = (below(request, entity) or {"rows": []})["rows"]
    found = maps.map_of(entity, [row for row, _, _ in rows], {row.ref: worst for row, worst, _ in rows})
    return None if found.is_empty else {"map": found}


def tiles_of(request: HttpRequest, entity: Any) -> dict[str, Any] | None:
    """The numbers of a team or person: what they own, how it is, what they have to say."""
    if entity.kind not in OWNERS:
        return None
    listed = (below(request, entity) or {"rows": [], "more": False})["rows"]
    services = [worst for row, worst, _ in listed if row.kind == "Component"]
    ill = [worst for worst in services if worst in ("Degraded", "Missing")]
    held = holdings(request, entity)
    return {
        "held": held,
        "ref": entity.ref,
        "services": len(services),
        "ill": len(ill),
        "why": entity.why_dead,
    }


def work_of(request: HttpRequest, entity: Entity) -> dict[str, Any] | None:
    """On the page of a person: what they did lately, by what."""
    if entity.kind != "User" or entity.namespace != "default":
        return None
    rows = evidence.work_of(entity.name)
    return {"rows": rows} if rows else None


def of_owner(request: HttpRequest, entity: Any) -> dict[str, Any] | None:
    """On the page of a team or person: what they have to confirm, and what is handed over."""
    if entity.kind not in OWNERS:
        return None
    due = holdings(request, entity).due
    asked = desk.handovers_of(entity)
    if not due.rows and not asked:
        return None
    return {"due": due, "asked": asked, "may": rules.can_confirm(request.user, entity.ref)}

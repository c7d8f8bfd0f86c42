"""What requests add to the pages of the shell and the catalog."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.urls import reverse

from portal.shell import registry
from portal.shell.frozen import Counted, Keys
from portal.shell.http import HttpRequest
from portal.shell.once import once
from portal.shell.registry import EntityAction, EntityPanel, NavItem, NeedsItem, PaletteItem, Panel, Tab
from services.clusters import fixes

# Row 75: what teams ask for again and again.
OFTEN = ("web-service", "postgres", "cache", "scheduled-job")

MADE = ("Component", "Resource")  # what forms make


def register() -> None:
    registry.nav.add(NavItem("new", "New", "square-plus", "onboarding:blueprint_list", order=30))
    registry.nav.add(
        NavItem(
            "requests", "Requests", "git-pull-request", "onboarding:request_list", order=40, badge=waiting
        )
    )
    registry.nav.add(
        NavItem(
            "exceptions", "Exceptions", "shield", "onboarding:exemption_list", order=45, section="platform",
            badge=to_decide, visible=lambda request: bool(request.user.is_platform),
        )
    )  # fmt: skip
    registry.nav.add(
        NavItem(
            "playground", "Playground", "code", "onboarding:playground", order=46, section="platform",
            visible=lambda request: bool(request.user.is_platform),
        )
    )  # fmt: skip
    registry.nav.add(
        NavItem(
            "upgrades", "Upgrades", "arrow-up", "onboarding:upgrade_list", order=47, section="platform",
            visible=lambda request: bool(request.user.is_platform),
        )
    )  # fmt: skip
    registry.entity_panels.add(
        EntityPanel("version", 50, "onboarding/entity_version.html", version_of, area="side")
    )
    registry.nav.add(NavItem("parity", "Parity", "layout-columns", "onboarding:parity_list", order=56))
    registry.nav.add(NavItem("drift", "Drift", "git-compare", "onboarding:drift_list", order=55))
    registry.nav.add(
        NavItem(
            "readiness", "Upgrade readiness", "versions", "onboarding:readiness_report", order=48,
            section="platform", visible=lambda request: bool(request.user.is_platform),
        )
    )  # fmt: skip
    fixes.sources.append(form_of)
    registry.entity_actions.add(change)
    registry.entity_actions.add(promote)
    registry.palette.add(found)
    registry.palette.add(forms)
    registry.needs_me.add(needs)
    registry.home_panels.add(Panel("requests", "My requests", 30, "onboarding/home_requests.html", mine))
    registry.home_panels.add(Panel("start", "Start", 10, "onboarding/home_start.html", starts, area="side"))
    registry.entity_tabs.add(
        Tab("requests", "Requests", 40, "onboarding/entity_requests.html", of_entity, badge=open_for_entity)
    )


def form_of(request: HttpRequest, entity: Any, fix: Mapping[str, Any]) -> str:
    """The form that corrects it: of the request that is open, else of the service with the fix filled in."""
    if row := _under_way(request, entity):
        return str(row.get_absolute_url())
    if not _may_change(request.user, entity):
        return ""
    said = {name: str(fix[name]) for name in ("field", "value") if fix.get(name) is not None}
    return f"{change_url(entity)}?{urlencode(said)}#field-{fix.get('field', '')}"


def _under_way(request: HttpRequest, entity: Any) -> Any:
    """The request that is open for it; nothing is asked where the number on its tab says that none is."""
    from services.onboarding import queries

    if not getattr(entity, "badges", {"requests": True}).get("requests"):
        return None
    return once(request, f"open for {entity.ref}", lambda: queries.open_for(entity))


def _may_change(user: Any, entity: Any) -> bool:
    from services.onboarding import rules

    return bool(entity.onboarded_request) and rules.can_change(user, entity)


def change_url(entity: Any) -> str:
    return reverse("onboarding:service_change", args=[entity.kind.lower(), entity.namespace, entity.name])


def change(request: HttpRequest, entity: Any) -> Iterator[EntityAction]:
    """To those who may: what came through a form, and what runs and is read into one."""
    from services.clusters.pages import states_for
    from services.onboarding import rules

    is_ours = _may_change(request.user, entity)
    if is_ours or (
        entity.kind == "Component" and rules.can_change(request.user, entity) and states_for(request, entity)
    ):
        yield EntityAction("Change", change_url(entity), "pencil", order=20)
    if is_ours:
        where = [entity.kind.lower(), entity.namespace, entity.name]
        yield EntityAction("Retire", reverse("onboarding:service_retire", args=where), "archive", order=90)


def version_of(request: HttpRequest, entity: Any) -> dict[str, Any] | None:
    """Which version of its blueprint made it, and the newer one, with the way there for those who may."""
    from services.onboarding import queries, rules

    is_made = entity.kind in MADE and not _under_way(request, entity)
    found = queries.made_of(entity.ref) if is_made else None
    if found is None or not (found.blueprint.version or found.is_behind):
        return None
    where = [entity.kind.lower(), entity.namespace, entity.name]
    url = reverse("onboarding:service_upgrade", args=where) if found.is_behind else ""
    return {"found": found, "url": url if rules.can_change(request.user, entity) else ""}


def promote(request: HttpRequest, entity: Any) -> Iterator[EntityAction]:
    """From one place it runs in to the next, to those who may."""
    from services.clusters.pages import states_for
    from services.onboarding import queries, rules

    if entity.kind != "Component" or not rules.can_bring(request.user, entity):
        return
    states = sorted(states_for(request, entity), key=lambda each: each.environment.position)
    runs = [queries.Standing(each.environment, each.image) for each in states]
    if (pair := queries.pair_of(runs)) is not None:
        source, target = (each.environment for each in pair)
        where = reverse(
            "onboarding:service_promote", args=[entity.kind.lower(), entity.namespace, entity.name]
        )
        url = f"{where}?{urlencode({'from': source.name, 'to': target.name})}"
        yield EntityAction(f"Promote {source.name} → {target.name}", url, "arrow-right", order=30)


def _started(person: int) -> QuerySet[Any]:
    from services.onboarding.models import Request

    return Request.objects.filter(created_by=person).open()


def _undecided(person: int) -> QuerySet[Any]:
    from services.onboarding.models import Exemption

    return Exemption.objects.asked().exclude(asked_by=person)


started, undecided = Counted(_started, person=0), Counted(_undecided, person=0)


def waiting(request: HttpRequest) -> Keys:
    """Open requests of this person."""
    return started.of(person=request.user.pk)


def to_decide(request: HttpRequest) -> Keys:
    return undecided.of(person=request.user.pk)


def found(request: HttpRequest, query: str) -> Iterator[PaletteItem]:
    from services.onboarding.models import Request

    rows = Request.objects.visible_to(request.user).listed()
    number = query.upper().removeprefix("R-")
    if number.isascii() and number.isdigit() and len(number) < 10:
        rows = rows.filter(number=int(number))
    elif query:
        rows = rows.filter(title__icontains=query)
    else:
        rows = rows.filter(created_by=request.user)
    for row in rows.order_by("-updated_at")[:6]:
        hint = f"{row.ref} · {row.get_state_display().lower()}"
        yield PaletteItem("Requests", row.title, row.get_absolute_url(), "git-pull-request", hint)


def forms(request: HttpRequest, query: str) -> Iterator[PaletteItem]:
    from services.onboarding import queries

    for blueprint in queries.blueprints().values():
        url = reverse("onboarding:request_new", args=[blueprint.name])
        yield PaletteItem("New", f"New {blueprint.noun}", url, blueprint.icon, "Form")
    for bundle in queries.library().bundles.values():
        url = reverse("onboarding:request_new", args=[bundle.blueprint])
        several = urlencode([("with", name) for name in bundle.brings])
        yield PaletteItem("New", f"New {bundle.title.lower()}", f"{url}?{several}", bundle.icon, "Forms")


def needs(request: HttpRequest) -> Iterator[NeedsItem]:
    """What this person can move: approvals, reviews, merges, and failures of their own."""
    from services.onboarding import queries
    from services.onboarding.models import State

    for row in queries.waits_for(request.user):
        yield _need(row, State(row.state), request.user)
    for exemption in queries.to_decide(request.user):
        title, text = f"Exception: {exemption}", f"{exemption.asked_by} asks. {exemption.reason}"
        url, at = exemption.get_absolute_url(), exemption.asked_at
        yield NeedsItem("shield", "warn", title, text, url, "Decide", at, order=22)
    for exemption in queries.ending_for(request.user):
        text = f"It ends after {exemption.until:%-d %B}; then “{exemption.title}” stops again."
        url = exemption.get_absolute_url()
        yield NeedsItem("clock", "warn", f"Exception: {exemption}", text, url, "See it", order=40)


def _need(row: Any, state: Any, user: Any) -> NeedsItem:
    from services.onboarding.models import State

    url, title = row.get_absolute_url(), f"{row.title} ({row.ref})"
    if state == State.NEEDS_ATTENTION:
        text = str(row.problem.get("title", "It did not work.")) + "."
        return NeedsItem("alert-triangle", "bad", title, text, url, "See the fix", row.updated_at, order=10)
    changes = reverse("onboarding:proposal_detail", args=[row.ref])
    if state == State.AWAITING_APPROVAL:
        reasons = "; ".join(need["reason"] for need in row.needs)
        text = f"{row.created_by} asks. {reasons}."
        return NeedsItem("hourglass-low", "warn", title, text, url, "Decide", row.updated_at, order=20)
    if row.created_by_id == user.pk:
        text = "Approved by somebody else; merge it when you like."
        return NeedsItem("git-merge", "ok", title, text, changes, "Merge", row.updated_at, order=25)
    text = f"{row.created_by} waits for a review."
    return NeedsItem("eye-check", "info", title, text, changes, "Review", row.updated_at, order=30)


def mine(request: HttpRequest) -> dict[str, Any] | None:
    from services.onboarding import page_of
    from services.onboarding.models import TERMINAL, Request

    rows = Request.objects.filter(created_by=request.user).listed().exclude(state__in=TERMINAL)
    lines = [page_of.line(row) for row in rows.prefetch_related("hops").order_by("-updated_at")[:6]]
    return {"lines": lines, "filled": bool(lines)}


def starts(request: HttpRequest) -> dict[str, Any]:
    from services.onboarding import queries

    known = queries.blueprints()
    often = [known[name] for name in OFTEN if name in known]
    return {"blueprints": often, "count": len(known), "filled": False}


def of_entity(request: HttpRequest, entity: Any) -> dict[str, Any]:
    from services.onboarding import page_of

    return {
        "lines": [page_of.line(row) for row in _for_entity(request, entity).prefetch_related("hops")[:50]]
    }


def open_for_entity(request: HttpRequest, entity: Any) -> QuerySet[Any]:
    rows: QuerySet[Any] = _for_entity(request, entity).open()
    return rows


def _for_entity(request: HttpRequest, entity: Any) -> Any:
    from services.onboarding.models import Request

    rows = Request.objects.visible_to(request.user).listed().filter(_concerns(entity))
    return rows.select_related("created_by", "team").order_by("-updated_at")


def _concerns(entity: Any) -> Q:
    """Requests about an entity; of a team what it asks for, of a person what they asked for."""
    from services.onboarding.models import RequestPart

    if entity.ref.startswith("group:default/"):
        return Q(team__slug=entity.name.lower())
    if entity.ref.startswith("user:default/"):
        return Q(created_by__username__iexact=entity.name)
    return Q(entity_ref=entity.ref) | Q(
        pk__in=RequestPart.objects.filter(entity_ref=entity.ref).values("request")
    )

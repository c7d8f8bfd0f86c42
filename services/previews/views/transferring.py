"""Copying a set to another environment, and moving it: what would be added; then parity and a checklist."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.shell import toasts
from portal.shell.http import HttpRequest
from portal.shell.limits import limited
from portal.shell.policies import policy, signed_in
from services.catalog.models import Entity
from services.clusters.models import Environment
from services.integrations.errors import IntegrationError
from services.onboarding import asking
from services.onboarding.errors import Refusal
from services.onboarding.views.access import said
from services.onboarding.views.change import entity_for
from services.previews import actions, planning, queries, rules
from services.previews.forms import MOST_REFS, team_of
from services.previews.models import Transfer, entities_of
from services.previews.planning.traffic import SHARES, SWITCH, WORDS


@policy(signed_in)
@limited("submit", when=lambda request: "_ask" in request.POST)
@limited("form", when=lambda request: request.method == "POST" and "_ask" not in request.POST)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def transfer_new(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    entity = entity_for(request, kind, namespace, name)
    if not rules.can_ask(request.user, entity):
        toasts.refused(request, f"{entity.name} is copied by the team it belongs to.")
        return redirect(entity)
    places, problem = {each.name: each for each in queries.bases()}, ""
    wish, target = _wish(request, entity, places)
    move = request.POST.get("move", request.GET.get("move", "")) == "on"
    if "_ask" in request.POST and wish and target:
        try:
            return redirect(actions.transfer(by=request.user, wish=wish, target=target, move=move))
        except Refusal as refusal:
            problem = said(refusal)
    context = {"entity": entity, "places": places, "move": move, **_plan(wish, target, problem)}
    template = "previews/transfer_new.html" + ("#plan" if request.headers.get("HX-Request") else "")
    return render(request, template, context, status=422 if "_ask" in request.POST else 200)


def _wish(request: HttpRequest, entity: Entity, places: dict[str, Environment]) -> tuple[Any, Any]:
    given = request.POST
    base = places.get(given.get("base", "")) or next(iter(places.values()), None)
    others = [each for each in places.values() if base is not None and each.pk != base.pk]
    wanted = places.get(given.get("target", ""))
    target = wanted if wanted in others else next(iter(others), None)
    team = team_of(entity, request.user)
    if base is None or team is None:
        return None, None
    kept = set(given.getlist("with")[:MOST_REFS])
    left = frozenset(each for each in given.getlist("seen")[:MOST_REFS] if each not in kept)
    return planning.Wish(entity, base, entity.name[:40], team, left), target


def _plan(wish: Any, target: Any, problem: str) -> dict[str, Any]:
    known: dict[str, Any] = {"wish": wish, "target": target, "plan": None}
    if wish is None or target is None:
        return known | {"problem": problem or "There is no second environment to copy it to yet."}
    try:
        found = planning.elsewhere(wish, target)
    except Refusal as refusal:
        return known | {"problem": problem or refusal.message}
    except IntegrationError as error:
        return known | {"problem": problem or f"The repository cannot be read just now: {error}"}
    names = asking.team_names(found.needs)
    needs = [(need, asking.who(need, names)) for need in found.needs]
    told = [each for each in found.findings if each.severity in ("block", "warn")][:30]
    return known | {"plan": found, "problem": problem, "needs": needs, "told": told}


def transfer_for(request: HttpRequest, pk: int) -> Transfer:
    return get_object_or_404(
        Transfer.objects.select_related("request", "shift_request", "team", "created_by"), pk=pk
    )


@policy(signed_in)
@never_cache
@require_safe
def transfer_detail(request: HttpRequest, pk: int) -> HttpResponse:
    row = transfer_for(request, pk)
    entities = entities_of(row.refs)
    try:
        found, problem = planning.parity(row.refs, list(entities.values()), row.base, row.target), ""
    except IntegrationError as error:
        found, problem = {}, f"The repository cannot be read just now: {error}"
    alike = [ref.rpartition("/")[2] for ref, some in found.items() if not some]
    unlike = [(ref.rpartition("/")[2], entities.get(ref), some) for ref, some in found.items() if some]
    may = rules.can_tick(request.user, row)
    context = {"row": row, "alike": alike, "unlike": unlike, "problem": problem, "may": may}
    context |= _traffic(row, may)
    return render(request, "previews/transfer_detail.html", context)


def _traffic(row: Transfer, may: bool) -> dict[str, Any]:
    """How much goes there now, by which means, and which shares can be asked for."""
    if not row.is_move:
        return {}
    try:
        found = planning.shift(row, 100 if row.share == 0 else 0)
    except Refusal as refusal:
        return {"traffic_missing": refusal.message}
    except IntegrationError as error:
        return {"traffic_missing": f"The repository cannot be read just now: {error}"}
    shares = [each for each in SHARES if each != row.share and (each in (0, 100) or found.how != SWITCH)]
    return {"means": WORDS[found.how], "hosts": found.hosts, "shares": shares if may else []}


@policy(signed_in)
@limited("submit")
@require_POST
def transfer_shift(request: HttpRequest, pk: int) -> HttpResponse:
    row = transfer_for(request, pk)
    said_share = request.POST.get("share", "")
    share = int(said_share) if said_share in {str(each) for each in SHARES} else -1
    try:
        return redirect(actions.shift(transfer=row, by=request.user, share=share))
    except Refusal as refusal:
        toasts.refused(request, said(refusal))
    return redirect(row)


@policy(signed_in)
@limited("submit")
@require_POST
def transfer_tick(request: HttpRequest, pk: int) -> HttpResponse:
    row = transfer_for(request, pk)
    key, done = request.POST.get("key", ""), request.POST.get("done") == "on"
    try:
        actions.tick(transfer=row, by=request.user, key=key, done=done)
    except Refusal as refusal:
        toasts.refused(request, said(refusal))
    return redirect(row)

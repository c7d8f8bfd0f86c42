"""The plan of a preview: what comes along, what stays shared, what guardrails say; then it is asked for."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from portal.shell import toasts
from portal.shell.http import HttpRequest
from portal.shell.limits import limited
from portal.shell.policies import policy, signed_in
from services.catalog.models import Entity
from services.integrations.errors import IntegrationError
from services.onboarding import asking
from services.onboarding import queries as requests
from services.onboarding.errors import Refusal
from services.onboarding.models import Request
from services.onboarding.views.access import said
from services.onboarding.views.change import entity_for
from services.previews import actions, planning, queries, rules
from services.previews.actions.asking import Lease
from services.previews.forms import PreviewForm
from services.previews.planning import Plan


def _looks(request: HttpRequest) -> bool:
    return request.method == "POST" and "_ask" not in request.POST


@policy(signed_in)
@limited("submit", when=lambda request: "_ask" in request.POST)
@limited("form", when=_looks)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def preview_new(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    entity = entity_for(request, kind, namespace, name)
    if not rules.can_ask(request.user, entity):
        toasts.refused(request, f"Previews of {entity.name} are for the team it belongs to.")
        return redirect(entity)
    shown = _request_of(request, entity)
    initial = {"name": f"{entity.name[:30]}-{shown.ref.lower()}"} if shown else {}
    form = PreviewForm(entity, request.user, request.POST if request.method == "POST" else None, **initial)
    asked = "_ask" in request.POST and form.is_valid()
    try:
        if asked and (wish := form.wish(shown)):
            lease = Lease(form.cleaned_data["hours"], form.cleaned_data["sleeps"], shown)
            return redirect(actions.ask(by=request.user, wish=wish, lease=lease))
        problem = ""
    except Refusal as refusal:
        problem = said(refusal)
    context = {"entity": entity, "form": form, "of_request": shown, **_plan(form, shown, problem)}
    context["argo_missing"] = _argo_missing()
    template = "previews/preview_new.html" + ("#plan" if request.headers.get("HX-Request") else "")
    refused = problem or (asked is False and "_ask" in request.POST)
    return render(request, template, context, status=422 if refused else 200)


def _argo_missing() -> str:
    """Why Argo CD makes no previews here; empty where one environment's cluster has it, or may have."""
    reasons = [planning.why_not(each) for each in queries.bases()]
    return "" if "" in reasons else next(iter(reasons), "there is no environment yet")


def _request_of(request: HttpRequest, entity: Entity) -> Request | None:
    """The request whose pull request is to be looked at; only one of this service."""
    ref = request.POST.get("of", "") or request.GET.get("of", "")
    row = requests.find(ref, request.user) if ref else None
    return row if row is not None and row.entity_ref == entity.ref and row.is_form else None


def _plan(form: PreviewForm, shown: Request | None, problem: str) -> dict[str, Any]:
    wish = form.wish(shown)
    if wish is None:
        return {"plan": None, "problem": problem or "There is no environment to make a preview from yet."}
    try:
        found = planning.plan(wish)
    except Refusal as refusal:
        return {"plan": None, "problem": problem or refusal.message}
    except IntegrationError as error:
        return {"plan": None, "problem": problem or f"The repository cannot be read just now: {error}"}
    return {"plan": found, "problem": problem, "needs": _needs(found), "shown_findings": _told(found)}


def _needs(found: Plan) -> list[str]:
    return [asking.who(need, asking.team_names([need])) for need in found.needs]


def _told(found: Plan) -> list[Any]:
    """The worst first; what is merely for information is counted, not listed."""
    order = {"block": 0, "warn": 1}
    told = [each for each in found.findings if each.severity in order]
    return sorted(told, key=lambda each: (order[each.severity], each.object))[:30]

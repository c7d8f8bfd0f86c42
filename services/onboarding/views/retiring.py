"""A service that goes: what goes with it and who would miss it, before anything is done; and back again."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from portal.shell import toasts
from portal.shell.http import HttpRequest
from portal.shell.limits import limited
from portal.shell.policies import policy, signed_in
from services.integrations.errors import IntegrationError
from services.onboarding import actions, asking, forms, queries, rules
from services.onboarding.errors import NotOnboarded, Refusal
from services.onboarding.views.access import refusals_as_toasts, request_for, said
from services.onboarding.views.change import entity_for


@policy(signed_in)
@limited("submit", when=lambda request: request.method == "POST")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def service_retire(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    entity = entity_for(request, kind, namespace, name)
    if not rules.can_change(request.user, entity):
        toasts.refused(request, f"{entity.name} is retired by the team it belongs to, and the platform team.")
        return redirect(entity)
    if row := queries.open_for(entity):
        toasts.refused(request, f"{row.ref} is open for {entity.name}. Let it end, or withdraw it first.")
        return redirect(row)
    form = forms.RetireForm(entity.name, request.POST or None)
    try:
        if request.method == "POST" and form.is_valid():
            reason = form.cleaned_data["reason"]
            return redirect(actions.retire(entity_ref=entity.ref, by=request.user, reason=reason))
        found = queries.retirement(entity, request.user)
    except (NotOnboarded, Refusal, IntegrationError) as refusal:
        toasts.refused(request, said(refusal) if isinstance(refusal, Refusal) else f"{refusal}")
        return redirect(entity)
    needs = [asking.who(need, asking.team_names([need])) for need in found.needs]
    context = {"entity": entity, "found": found, "form": form, "needs": needs}
    context["came_with"] = queries.came_with(entity)
    return render(request, "onboarding/service_retire.html", context, status=422 if form.errors else 200)


@policy(signed_in)
@limited("submit")
@require_POST
@refusals_as_toasts
def request_bring_back(request: HttpRequest, ref: str) -> HttpResponse:
    row = actions.bring_back(request=request_for(request, ref), by=request.user)
    toasts.done(request, f"{row.ref} brings it back as it was.")
    return redirect(row)


@policy(signed_in)
@limited("submit")
@require_POST
@refusals_as_toasts
def request_revert(request: HttpRequest, ref: str) -> HttpResponse:
    reason = forms.words(request.POST, "reason")
    row = actions.revert(request=request_for(request, ref), by=request.user, reason=reason)
    toasts.done(request, f"{row.ref} proposes the reverse of {ref}.")
    return redirect(row)

"""From one environment of a service to another: what differs, and the pull request that brings it over."""

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
from services.onboarding import actions, promotion_page, rules
from services.onboarding.errors import Refusal
from services.onboarding.views.access import said
from services.onboarding.views.change import entity_for

MOST_FIELDS = 200


@policy(signed_in)
@limited("submit", when=lambda request: request.method == "POST")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def service_promote(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    entity = entity_for(request, kind, namespace, name)
    if not rules.can_bring(request.user, entity):
        toasts.refused(request, f"{entity.name} is promoted by its own team, and the platform team.")
        return redirect(entity)
    try:
        if request.method == "POST":
            return _promoted(request, entity)
        context = promotion_page.context(entity, request.user, **_asked(request.GET))
    except Refusal as refusal:
        toasts.refused(request, said(refusal))
        return redirect(request.get_full_path() if request.method == "POST" else entity)
    except IntegrationError as error:
        toasts.refused(request, f"The repository cannot be read just now: {error}")
        return redirect(entity)
    template = "onboarding/service_promote.html"
    return render(request, f"{template}#change" if request.htmx else template, context)


def _asked(data: Any) -> dict[str, Any]:
    return {
        "source": data.get("from", ""),
        "target": data.get("to", ""),
        "fields": data.getlist("field")[:MOST_FIELDS],
    }


def _promoted(request: HttpRequest, entity: Entity) -> HttpResponse:
    content = request.POST.get("content", "")[:100]
    found = actions.promote(entity_ref=entity.ref, by=request.user, content=content, **_asked(request.POST))
    if found.request is None:
        toasts.done(request, "It has all of that already.")
        return redirect(entity)
    return redirect(found.request)

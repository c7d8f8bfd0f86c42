"""The form of a service that runs already: looking at it keeps nothing, typing makes a draft."""

from collections.abc import Callable

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from portal.shell import toasts
from portal.shell.http import HttpRequest
from portal.shell.limits import limited
from portal.shell.policies import policy, signed_in
from services.catalog import queries as catalog
from services.catalog.models import Entity
from services.integrations.errors import IntegrationError
from services.onboarding import actions, queries, rules
from services.onboarding.errors import Refusal
from services.onboarding.form_page import FormPage
from services.onboarding.models import Request
from services.onboarding.views.access import said
from services.onboarding.views.new import evaluates, posted, submits


def entity_for(request: HttpRequest, kind: str, namespace: str, name: str) -> Entity:
    entity = catalog.find(f"{kind}:{namespace}/{name}")
    if entity is None:
        raise Http404
    return entity


@policy(signed_in)
@limited("submit", when=submits)
@limited("form", when=evaluates)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def service_change(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    entity = entity_for(request, kind, namespace, name)
    if not rules.can_change(request.user, entity):
        toasts.refused(request, f"{entity.name} is changed by the team it belongs to, and the platform team.")
        return redirect(entity)
    return form_of(request, entity, _page, "this change can go with it")


def form_of(
    request: HttpRequest, entity: Entity, page_of: Callable[[HttpRequest, Entity], FormPage], else_: str
) -> HttpResponse:
    """The form of what runs already, or why there is none; `else_` says what the open request means."""
    if row := queries.open_for(entity):
        toasts.refused(request, f"{row.ref} is open for {entity.name} already: {else_}.")
        return redirect(row)
    try:
        page = page_of(request, entity)
    except Refusal as refusal:
        toasts.refused(request, said(refusal))
        return redirect(entity)
    except IntegrationError as error:
        toasts.refused(request, f"The repository cannot be read just now: {error}")
        return redirect(entity)
    if request.method == "POST":
        return posted(request, page)
    return render(request, "onboarding/request_new.html", page.context())


def _page(request: HttpRequest, entity: Entity) -> FormPage:
    """Posted: the draft, kept. Looked at: the answers in the repository, with the fix the link names."""
    address = reverse("onboarding:service_change", args=[entity.kind.lower(), entity.namespace, entity.name])
    if request.method == "POST":
        row = queries.draft_of(entity, request.user)
        row = row or actions.change_service(entity_ref=entity.ref, by=request.user)
        return page_for(request, row, row, address)
    fix = request.GET.get("field", ""), request.GET.get("value", "")
    opened = queries.opening(entity, request.user, fix=fix)
    kept = opened.request if opened.request.pk else None
    page = page_for(request, opened.request, kept, address)
    page.opened_at = timezone.now()
    page.evaluate(opened.answers)
    if isinstance(image := opened.answers.get("image"), str):
        page.apart = queries.brought_apart(entity, image)
    page.seen = set(page.answers)
    return page


def page_for(request: HttpRequest, row: Request, kept: Request | None, address: str) -> FormPage:
    page = FormPage(request.user, queries.blueprints()[row.blueprint], kept, address)
    page.unkept = row
    page.generation = 0
    return page

"""The form of a blueprint: drawn, evaluated as one types, kept as a draft, submitted."""

import uuid
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import replace_url

from portal.shell import toasts
from portal.shell.http import HttpRequest
from portal.shell.limits import limited
from portal.shell.policies import policy, signed_in
from services.onboarding import actions, form_page, queries, rules
from services.onboarding.blueprints import Blueprint
from services.onboarding.blueprints.parts import with_part
from services.onboarding.errors import Blocked, Refusal
from services.onboarding.models import Request
from services.onboarding.views.access import request_for, said


@policy(signed_in)
@require_safe
def blueprint_list(request: HttpRequest) -> HttpResponse:
    drafts = Request.objects.drafts().filter(created_by=request.user).order_by("-updated_at")
    words = request.GET.get("q", "")[:100]
    broken = queries.library().broken if request.user.is_platform else {}
    context = {"groups": queries.offers(words), "q": words, "drafts": drafts, "broken": broken}
    return render(request, "onboarding/blueprint_list.html", context)


def submits(request: HttpRequest) -> bool:
    return request.method == "POST" and request.POST.get("_intent") == "submit"


def evaluates(request: HttpRequest) -> bool:
    """Typed or saved: the form is worked out, nothing is asked of anybody."""
    return request.method == "POST" and not submits(request)


def _blueprint_for(name: str) -> Blueprint:
    found = queries.blueprints().get(name)
    if found is None:
        raise Http404
    return found


def _with_parts(names: list[str]) -> dict[str, Any]:
    """The answers of a form that begins with these parts; what does not join others is left out."""
    known, answers = queries.blueprints(), dict[str, Any]()
    for name in names:
        answers = with_part(answers, known[name]) if name in known else answers
    return answers


@policy(signed_in)
@limited("submit", when=submits)
@limited("form", when=evaluates)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def request_new(request: HttpRequest, blueprint: str) -> HttpResponse:
    """A new form; what is typed becomes a draft of its own."""
    found = _blueprint_for(blueprint)
    page = form_page.FormPage(request.user, found, None, reverse("onboarding:request_new", args=[blueprint]))
    if request.method == "POST":
        return posted(request, page)
    page.token, page.opened_at = uuid.uuid4().hex, timezone.now()
    page.evaluate(_with_parts(request.GET.getlist("with")))
    return render(request, "onboarding/request_new.html", page.context())


@policy(signed_in)
@limited("submit", when=submits)
@limited("form", when=evaluates)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def request_edit(request: HttpRequest, ref: str) -> HttpResponse:
    """The form filled in: a draft again, or a request that is corrected on its way."""
    row = request_for(request, ref)
    if not rules.can_edit(request.user, row):
        toasts.refused(request, f"{row.ref} cannot be edited any more.")
        return redirect(row)
    found = _blueprint_for(row.blueprint)
    page = form_page.FormPage(request.user, found, row, reverse("onboarding:request_edit", args=[row.ref]))
    if request.method == "POST":
        return posted(request, page)
    page.token, page.opened_at = row.token, row.created_at
    page.evaluate(row.answers if row.draft_answers is None else row.draft_answers)
    page.seen = set(page.answers)
    return render(request, "onboarding/request_new.html", page.context())


def posted(request: HttpRequest, page: form_page.FormPage) -> HttpResponse:
    page.read(request.POST)
    intent = request.POST.get("_intent", "evaluate")
    try:
        if intent == "submit":
            return redirect(_submit(request, page))
        page.save()
    except Blocked as refusal:
        page.evaluation, page.draft, page.seen = refusal.evaluation, refusal.request, None
        return _draw(request, page, 422)
    except Refusal as refusal:
        toasts.refused(request, said(refusal))
        page.evaluate(page.answers)
        return _draw(request, page, refusal.status)
    if intent == "save":
        return redirect("onboarding:blueprint_list")
    page.evaluate(page.answers)
    return _draw(request, page, 200)


def _submit(request: HttpRequest, page: form_page.FormPage) -> Request:
    common: dict[str, Any] = {"by": page.user, "answers": page.answers}
    if page.row is not None and page.row.submitted_at:
        row = actions.edit_and_resubmit(request=page.row, generation=page.generation, **common)
    else:
        row = actions.submit(
            blueprint=page.blueprint.name,
            token=page.token,
            request=page.row,
            opened_at=page.opened_at,
            **common,
        )
    toasts.done(request, f"{row.ref} is submitted. You can close this page; it goes on by itself.")
    return row


def _draw(request: HttpRequest, page: form_page.FormPage, status: int) -> HttpResponse:
    template = "onboarding/request_live.html" if request.htmx else "onboarding/request_new.html"
    page.refused = status == 422
    response = render(request, template, page.context(), status=status)
    if request.htmx and page.draft is not None and not page.post_url.endswith("/edit/"):
        return replace_url(response, reverse("onboarding:request_edit", args=[page.draft.ref]))
    return response

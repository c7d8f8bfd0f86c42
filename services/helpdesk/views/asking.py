"""Asking for help: what is known about the service first, then the question."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.shell import toasts
from portal.shell.http import HttpRequest
from portal.shell.limits import always, limited
from portal.shell.policies import policy, signed_in
from services.catalog import queries as catalog
from services.helpdesk import actions, answering, fitting, live, queries
from services.helpdesk.forms import AskForm, AskPageForm
from services.helpdesk.states import Impact, Urgency
from services.helpdesk.styling import styled


@policy(signed_in)
@limited("ticket")
@require_http_methods(["GET", "HEAD", "POST"])
def ticket_new(request: HttpRequest) -> HttpResponse:
    """The form, and on POST the ticket. Bad input comes back with everything still in it."""
    form = styled(
        AskPageForm(request.POST or None, request.FILES or None, initial=_initial(request), asking=True)
    )
    if request.method == "POST" and form.is_valid():
        given = {name: value for name, value in form.cleaned_data.items() if name != "masked"}
        entity_ref, files = given.pop("entity"), given.pop("attached")
        ticket = actions.open_ticket(
            by=request.user,
            entity_ref=entity_ref,
            files=files,
            snapshot=live.freeze(entity_ref, given["environment"]),
            **given,
        )
        toasts.done(request, f"{ticket.key} is open. The platform team can see it now.")
        return redirect(ticket)
    context = {"form": form, "impacts": Impact.choices, "urgencies": Urgency.choices, **_about(request, form)}
    return render(request, "helpdesk/ticket_new.html", context, status=422 if form.errors else 200)


@policy(signed_in)
@require_safe
def ticket_live(request: HttpRequest) -> HttpResponse:
    """How the chosen service is, with what is wrong and the form that fixes it."""
    return render(request, "helpdesk/ticket_new.html#live", _live(request.GET))


@policy(signed_in)
@limited("search", when=always)
@require_safe
def ticket_similar(request: HttpRequest) -> HttpResponse:
    """Open tickets that may be the same trouble."""
    return render(
        request, "helpdesk/ticket_new.html#similar", _similar(request, request.GET, _live(request.GET))
    )


@policy(signed_in)
@require_safe
def ticket_asks(request: HttpRequest) -> HttpResponse:
    """What the chosen category wants to know."""
    form = styled(AskForm(initial={"category": request.GET.get("category", "")[:40]}, asking=True))
    return render(request, "helpdesk/ticket_new.html#asks", {"form": form})


@policy(signed_in)
@limited("form")
@require_POST
def markdown_preview(request: HttpRequest) -> HttpResponse:
    return render(request, "helpdesk/parts/markdown.html", {"text": request.POST.get("body", "")[:20_000]})


def _initial(request: HttpRequest) -> dict[str, Any]:
    """Where somebody comes from fills the form: the service page, the palette, a failed request."""
    asked = {k: request.GET[k] for k in ("environment", "title", "body", "category") if k in request.GET}
    return {**asked, "entity": short(request.GET.get("entity", ""))}


def short(ref: str) -> str:
    """A reference as people type it: a component of the default namespace is its name."""
    return ref.removeprefix("component:default/")


def _about(request: HttpRequest, form: AskForm) -> dict[str, Any]:
    source = {k: form[k].value() or "" for k in ("entity", "environment", "title", "category")}
    known = _live(source)
    return {
        "categories": queries.categories(),
        "environments": live.environments(),
        "entities": [short(ref) for ref in catalog.services().values_list("ref", flat=True)[:500]],
        **known,
        **_similar(request, source, known),
    }


def _live(source: Any) -> dict[str, Any]:
    entity = catalog.find(source["entity"]) if source.get("entity") else None
    entity_ref = entity.ref if entity else ""
    everywhere = live.states(entity_ref)
    environment = source.get("environment", "")
    here = [s for s in everywhere if not environment or s.environment.name == environment]
    return {
        "entity_ref": entity_ref,
        "entity": entity,
        "states": everywhere,
        "environment": environment,
        "findings": live.findings(here or everywhere),
    }


def _similar(request: HttpRequest, source: Any, known: dict[str, Any]) -> dict[str, Any]:
    """What is known already: problems, answers, forms that do it, open tickets like it."""
    text = source.get("title", "")[:200].replace("\x00", "")
    about = known["entity_ref"]
    now = answering.situation(
        entity_ref=about, environment=known["environment"], category=source.get("category") or "",
        states=known["states"], findings=known["findings"],
    )  # fmt: skip
    incidents = answering.incidents(about, text, request.user)
    similar = queries.similar_open(request.user, text, entity_ref=about)
    return {
        "incidents": incidents,
        "answers": answering.fitting(request.user, text, now, entity_ref=about),
        "blueprints": fitting.blueprints(text) if len(fitting.words(text)) > 1 else [],
        "similar": [ticket for ticket in similar if ticket not in incidents],
        "asked_about": about,
    }

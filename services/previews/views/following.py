"""Previews by Argo CD: what it would be given, asked for by a pull request; ended again."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from portal.shell import toasts
from portal.shell.http import HttpRequest
from portal.shell.limits import limited
from portal.shell.policies import policy, signed_in
from services.catalog.about import repository
from services.catalog.models import Entity
from services.integrations.errors import IntegrationError
from services.onboarding import asking
from services.onboarding.errors import Refusal
from services.onboarding.views.access import said
from services.onboarding.views.change import entity_for
from services.previews import actions, planning, queries, rules
from services.previews.forms import MOST_REFS, FollowForm, team_of

ASKS = ("_ask", "_end")


def _asks(request: HttpRequest) -> bool:
    return any(name in request.POST for name in ASKS)


@policy(signed_in)
@limited("submit", when=_asks)
@limited("form", when=lambda request: request.method == "POST" and not _asks(request))
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def preview_follow(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    entity = entity_for(request, kind, namespace, name)
    if not rules.can_ask(request.user, entity):
        toasts.refused(request, f"Previews of {entity.name} are for the team it belongs to.")
        return redirect(entity)
    wish, problem = _wish(request, entity), ""
    form = _form(request, wish, entity)
    try:
        if "_end" in request.POST:
            return redirect(actions.unfollow(by=request.user, entity=entity))
        if wish and "_ask" in request.POST and form.is_valid():
            about = planning.about(wish, form.cleaned_data)
            return redirect(actions.follow(by=request.user, wish=wish, about=about))
    except Refusal as refusal:
        problem = said(refusal)
    context = {"entity": entity, "form": form, "wish": wish, **_shown(wish, form, problem)}
    context["standing"] = queries.followed(entity)
    template = "previews/preview_follow.html" + ("#plan" if request.headers.get("HX-Request") else "")
    return render(request, template, context, status=422 if _asks(request) else 200)


def _wish(request: HttpRequest, entity: Entity) -> planning.Wish | None:
    """The environment that is asked for, else the first that has Argo CD."""
    places, team = queries.bases(), team_of(entity, request.user)
    able = sorted(places, key=lambda each: bool(planning.why_not(each)))
    named = [each for each in places if each.name == request.POST.get("base", "")]
    if team is None or not places:
        return None
    kept = set(request.POST.getlist("with")[:MOST_REFS])
    left = frozenset(each for each in request.POST.getlist("seen")[:MOST_REFS] if each not in kept)
    return planning.named(planning.Wish(entity, (named or able)[0], entity.name, team, left))


def _form(request: HttpRequest, wish: planning.Wish | None, entity: Entity) -> FollowForm:
    begin: dict[str, str] = {}
    if wish is not None:
        try:
            begin = planning.guessed(wish, repository(entity)) | {"base": wish.base.name}
        except IntegrationError:
            begin = {"base": wish.base.name}
    return FollowForm(queries.bases(), request.POST if request.method == "POST" else None, begin)


def _shown(wish: planning.Wish | None, form: FollowForm, problem: str) -> dict[str, Any]:
    """With what is wrong in the form left as it may be: the files are shown all the same."""
    if wish is None:
        return {"found": None, "problem": problem or "There is no environment to make previews from yet."}
    given = {name: str(form[name].value() or "") for name in form.fields}
    given["provider"] = given["provider"] if given["provider"] in ("github", "gitlab") else "github"
    try:
        found = planning.following(wish, planning.about(wish, given))
    except Refusal as refusal:
        return {"found": None, "problem": problem or refusal.message}
    except IntegrationError as error:
        return {"found": None, "problem": problem or f"The repository cannot be read just now: {error}"}
    names = asking.team_names(found.needs)
    needs = [(need, asking.who(need, names)) for need in found.needs]
    told = [each for each in found.findings if each.severity in ("block", "warn")][:30]
    shown = next(text for path, text in found.files.items() if path.endswith("/applicationset.yaml"))
    return {"found": found, "problem": problem, "needs": needs, "told": told, "shown": shown}

"""The door, and what people set for themselves."""

from typing import Any

from django.conf import settings
from django.contrib import auth
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from portal.shell import openapi, proxies, toasts
from portal.shell.http import HttpRequest, inside
from portal.shell.policies import policy, public, signed_in
from services.accounts import actions, queries
from services.accounts.bearer import ANY, api
from services.accounts.forms import DelegationForm, ProfileForm, SignInForm, ThemeForm, TokenForm


def _way_on(request: HttpRequest) -> str:
    """Where the person wanted to go, if that is in this portal."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    return inside(request, wanted) or resolve_url(settings.LOGIN_REDIRECT_URL)


@policy(public)
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    form = SignInForm(request, request.POST or None)
    if request.method == "POST":
        if form.is_valid():
            auth.login(request, form.user)
            actions.note_sign_in(user=form.user, how="password")
            return redirect(_way_on(request))
        if form.is_wrong:
            actions.note_failure(username=form.meant, address=proxies.address_of(request) or None)
    people = sorted(queries.demo_people(), key=lambda p: settings.DEMO_PEOPLE.index(p.username))
    context = {"form": form, "people": people, "next": _way_on(request), "company": settings.COMPANY}
    response = render(request, "accounts/sign_in.html", context, status=422 if form.errors else 200)
    return form.refusal.on(response) if form.refusal else response


@policy(signed_in)
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    auth.logout(request)
    return redirect("accounts:sign_in")


@policy(public)
@require_POST
def become(request: HttpRequest) -> HttpResponse:
    """Only in the demo, only the people of the demo."""
    if not settings.DEMO:
        raise Http404
    person = get_object_or_404(
        queries.demo_people(), username=request.POST.get("username", "").replace("\x00", "")
    )
    auth.logout(request)
    auth.login(request, person)
    actions.note_sign_in(user=person, how="demo")
    return redirect(_way_on(request))


@policy(signed_in)
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        actions.save_profile(by=request.user, **form.cleaned_data)
        toasts.done(request, "Saved.")
        return redirect("accounts:account")
    return _account(request, form=form)


def _account(request: HttpRequest, **context: Any) -> HttpResponse:
    """The page; `secret` is that of a token made just now, and is shown this once."""
    context = {
        "form": ProfileForm(instance=request.user),
        "token_form": TokenForm(request.user),
        "tokens": queries.tokens_of(request.user),
        "away_form": DelegationForm(request.user),
        "away": queries.delegations_of(request.user).first(),
        "colleagues": queries.colleagues(request.user)[:200],
        **context,
    }
    wrong = any(context[name].errors for name in ("form", "token_form", "away_form"))
    return render(request, "accounts/account.html", context, status=422 if wrong else 200)


@policy(signed_in)
@never_cache
@require_POST
def token_new(request: HttpRequest) -> HttpResponse:
    form = TokenForm(request.user, request.POST)
    if form.is_valid():
        try:
            token, secret = actions.create_token(by=request.user, **form.said)
        except actions.Refused as refused:
            form.add_error("name", str(refused))
        else:
            return _account(request, made=token, secret=secret)
    return _account(request, token_form=form)


@policy(signed_in)
@require_POST
def token_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(queries.tokens_of(request.user), pk=pk)
    actions.revoke_token(token=token, by=request.user)
    toasts.done(request, f"{token} opens nothing any more.")
    return redirect("accounts:account")


@policy(signed_in)
@require_POST
def delegate(request: HttpRequest) -> HttpResponse:
    form = DelegationForm(request.user, request.POST)
    if form.is_valid():
        try:
            made = actions.delegate(by=request.user, **form.cleaned_data)
        except actions.Refused as refused:
            form.add_error("until", str(refused))
        else:
            toasts.done(request, f"{made.to} decides for you until then. Your own yes still counts.")
            return redirect("accounts:account")
    return _account(request, away_form=form)


@policy(signed_in)
@require_POST
def delegation_end(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(queries.delegations_of(request.user), pk=pk)
    actions.end_delegation(delegation=found, by=request.user)
    toasts.done(request, f"{found.to} no longer decides for you.")
    return redirect("accounts:account")


@policy(signed_in)
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    form = ThemeForm(request.POST)
    if not form.is_valid():
        return HttpResponse("light, dark or system", status=422, content_type="text/plain")
    actions.set_theme(by=request.user, theme=form.cleaned_data["theme"])
    return HttpResponse(status=204) if request.htmx else redirect(_way_on(request))


@api(GET=ANY)
def openapi_json(request: HttpRequest) -> HttpResponse:
    """This description, for programs that write programs."""
    return JsonResponse(openapi.description())


@api(GET=ANY)
def me(request: HttpRequest) -> HttpResponse:
    """Who asks, for a program that wants to try its token."""
    token = getattr(request, "token", None)
    return JsonResponse(
        {
            "name": str(request.user),
            "username": request.user.get_username(),
            "scopes": token.scopes if token else None,
            "expires_at": token.expires_at.isoformat() if token else None,
        }
    )

"""Programs at the door: a bearer token, or the session of whoever is signed in.

A view under `api` is asked by scripts, so it never sends anybody to the sign-in page. Where a token is
brought, it alone decides: no session is looked at, and so no form token is needed, for no other site can make
a browser send the header. Everywhere else the header means nothing.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

import structlog
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase

from portal.shell import limits
from portal.shell.api import ApiError, refusal
from portal.shell.http import HttpRequest
from services.accounts import actions, queries
from services.accounts.models import SCOPES, ApiToken, Membership

View = Callable[..., HttpResponseBase]
SCHEME: Final = "bearer"
ANY: Final = ""


class Machine:
    """Who asks with a token of a team: nobody in person, with no role of anybody's."""

    pk = None
    is_authenticated = is_active = True
    is_anonymous = is_platform = False

    def __init__(self, token: ApiToken) -> None:
        self.token, self.roles = token, dict[str, Membership]()

    def __str__(self) -> str:
        return f"{self.token} of {self.token.team}"

    def get_username(self) -> str:
        return f"token-{self.token.pk}"


class BearerMiddleware:
    """Before the check of form tokens: reads the bearer token of views under `api`."""

    def __init__(self, get_response: Callable[[Any], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: View, args: Any, kwargs: Any) -> None:
        if getattr(view, "is_signed", False):
            request.user = AnonymousUser()  # whoever is signed in there has no part in it
            request.csrf_processing_done = True  # type: ignore[attr-defined]  # as Django's own middleware says it
            return
        scopes: dict[str, str] | None = getattr(view, "scopes", None)
        if scopes is None:
            return
        said = request.headers.get("Authorization")
        if said is not None:
            _become(request, said)
        if said is not None or not request.user.is_authenticated:
            request.csrf_processing_done = True  # type: ignore[attr-defined]  # as Django's own middleware says it


def _become(request: HttpRequest, said: str) -> None:
    """The request is the token's from here on; with one that opens nothing it is nobody's."""
    scheme, _, secret = said.partition(" ")
    token, known = queries.at_the_door(secret.strip()) if scheme.lower() == SCHEME else (None, {})
    request.user, request.token, request.beside = AnonymousUser(), token, known  # type: ignore[attr-defined]  # read below
    if token is not None:
        request.user = token.user or Machine(token)
        actions.note_use(token=token)
        structlog.contextvars.bind_contextvars(token_id=token.pk, user_id=request.user.pk)


def signed(view: View) -> View:
    """For what machines send with a signature over the body: cookies mean nothing, the view checks it."""
    view.is_signed = True  # type: ignore[attr-defined]  # read by the middleware
    return view


def api(**scopes: str) -> Callable[[View], View]:
    """Guard a view for programs: the scope a token needs for each method, as `api(GET="catalog:read")`.
    `ANY` is content with a token that has none of them.

    Without a token or a session that counts: 401. Without the scope: 403. Mistakes are answered in JSON.
    """
    assert set(scopes.values()) <= {*SCOPES, ANY}, scopes
    allowed = {**scopes, **({"HEAD": scopes["GET"]} if "GET" in scopes else {})}

    def decorate(view: View) -> View:
        @limits.limited("api", when=limits.always)
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                return _kept_private(_refused(request, allowed) or view(request, *args, **kwargs))
            except ApiError as error:
                return refusal(request, error.status, error.message, error.mistakes)
            except PermissionDenied as error:
                return refusal(request, 403, str(error) or "You may not do that.")
            except Http404 as error:
                return refusal(request, 404, str(error) or "There is no such thing.")

        named = ", ".join(sorted(set(scopes.values()) - {ANY}))
        guarded.policy = f"signed in, or a token with {named or 'any scope'}"  # type: ignore[attr-defined]  # for the matrix
        guarded.scopes = allowed  # type: ignore[attr-defined]  # read by the middleware
        return login_not_required(guarded)

    return decorate


def _kept_private(answer: HttpResponseBase) -> HttpResponseBase:
    """No cache keeps what one program may see."""
    answer.setdefault("Cache-Control", "private, no-store")
    return answer


def _refused(request: HttpRequest, allowed: dict[str, str]) -> HttpResponse | None:
    if not request.user.is_authenticated:
        answer = refusal(request, 401, "Bring a token that counts: Authorization: Bearer slipway_…")
        answer["WWW-Authenticate"] = 'Bearer realm="slipway"'
        return answer
    if request.method not in allowed:
        answer = refusal(request, 405, f"Only {', '.join(sorted(allowed))} here.")
        answer["Allow"] = ", ".join(sorted(allowed))
        return answer
    token: ApiToken | None = getattr(request, "token", None)
    scope = allowed[request.method]
    if token is not None and scope and scope not in token.scopes:
        return refusal(request, 403, f"This token lacks the scope {scope}.")
    return None

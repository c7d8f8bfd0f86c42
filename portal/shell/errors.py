"""Error pages: what happened, who may, a way out, and a reference that finds the log line."""

import re
import sys
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template.loader import get_template

from portal.shell import api, away
from portal.shell.http import HttpRequest

COME_BACK_SECONDS = 10
SAID = {
    400: "This cannot be read.",
    403: "A form token is missing: send the header X-CSRFToken, or a bearer token instead of a session.",
    404: "There is nothing at this address.",
    413: "That is too large.",
}


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return too_large(request) if isinstance(exception, RequestDataTooBig) else _page(request, 400)


def too_large(request: HttpRequest) -> HttpResponse:
    return _page(request, 413, most=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """`exception` may say who may: the sentence a policy or a view raised `PermissionDenied` with."""
    return _page(request, 403, who=str(exception).strip())


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 404)


SECRET = re.compile("passw|kubeconfig|secret", re.IGNORECASE)


def not_now(request: HttpRequest, status: int, said: str) -> HttpResponse:
    """What was sent was not taken; it stands in the page, to be sent again. Secrets and files do not."""
    again, lost = _sent(request)
    return _page(request, status, template="errors/429.html", said=said, again=again, lost=lost)


def _sent(request: HttpRequest) -> tuple[list[tuple[str, str]], bool]:
    """The fields of a form that an error page may send again, and whether there was more than those."""
    if bool(request.FILES) or any(SECRET.search(name) for name in request.POST):
        return [], True
    fields = [(name, value) for name, values in request.POST.lists() for value in values]
    return [field for field in fields if field[0] != "csrfmiddlewaretoken"], False


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _page(request, 403, template="errors/csrf.html")


def server_error(request: HttpRequest) -> HttpResponse:
    """Touches neither database nor session: they may be what broke.

    A database that is away, full or busy is no mistake of the page: 503, with a time to come back. A form
    that was read stands in the page, to be sent again.
    """
    context: dict[str, Any] = {"reference": reference()}
    is_away = away.is_away(sys.exc_info()[1])
    if api.is_api(request):
        return _failed(request, is_away)
    if is_away or hasattr(request, "_post"):  # else reading it now could fail like what brought us here
        context |= {"again": _typed(request), "request": request, "csrf_token": get_token(request)}
    if is_away:
        html = get_template("errors/503.html").render(context)
        return HttpResponse(html, status=503, headers={"Retry-After": str(COME_BACK_SECONDS)})
    html = get_template("errors/500.html").render(context)
    return HttpResponse(html, status=500)


def _typed(request: HttpRequest) -> list[tuple[str, str]]:
    """What a form can send again; nobody may have read it yet, and it may be no form."""
    try:
        return _sent(request)[0]
    except (SuspiciousOperation, MultiPartParserError):
        return []


def _failed(request: HttpRequest, is_away: bool) -> HttpResponse:
    """The same for programs."""
    if not is_away:
        return api.refusal(request, 500, f"Something here is broken. Its reference is {reference()}.")
    response = api.refusal(request, 503, "The database does not answer. Try again.")
    response["Retry-After"] = str(COME_BACK_SECONDS)
    return response


def reference() -> str:
    """The id of this request as the logs have it."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))[:8]


def _page(request: HttpRequest, status: int, *, template: str = "", **context: Any) -> HttpResponse:
    if api.is_api(request):
        return api.refusal(request, status, context.get("said") or context.get("who") or SAID[status])
    context |= {"status": status, "reference": reference()}
    response = render(request, template or f"errors/{status}.html", context, status=status)
    if context.get("who"):
        response["X-Said"] = f"You may not do that. Who may: {context['who']}".encode(
            "ascii", "replace"
        ).decode()
    return response

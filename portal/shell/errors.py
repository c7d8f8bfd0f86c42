"""Error pages: what happened, who may, a way out, and a reference that finds the log line."""

from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import get_template

from portal.shell.http import HttpRequest


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return too_large(request) if isinstance(exception, RequestDataTooBig) else _page(request, 400)


def too_large(request: HttpRequest) -> HttpResponse:
    return _page(request, 413, most=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """`exception` may say who may: the sentence a policy or a view raised `PermissionDenied` with."""
    return _page(request, 403, who=str(exception).strip())


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 404)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _page(request, 403, template="errors/csrf.html")


def server_error(request: HttpRequest) -> HttpResponse:
    """Touches neither database nor session: they may be what broke."""
    html = get_template("errors/500.html").render({"reference": reference()})
    return HttpResponse(html, status=500)


def reference() -> str:
    """The id of this request as the logs have it."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))[:8]


def _page(request: HttpRequest, status: int, *, template: str = "", **context: Any) -> HttpResponse:
    context |= {"status": status, "reference": reference()}
    response = render(request, template or f"errors/{status}.html", context, status=status)
    if context.get("who"):
        response["X-Said"] = f"You may not do that. Who may: {context['who']}".encode(
            "ascii", "replace"
        ).decode()
    return response

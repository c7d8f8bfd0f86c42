"""Before any page reads a request: what no page could use is taken out, what is too large is refused."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpResponse

from portal.shell import errors
from portal.shell.http import HttpRequest

NUL, UNREADABLE = "\x00", "\ufffd"
ENCODED = "%00"
Page = Callable[[Any], HttpResponse]


def without_nul(get_response: Page) -> Page:
    """NUL, which no column of the database can hold or be compared with, never reaches a page by address.

    It is dropped from query strings and cookies; in a path it becomes the sign for what cannot be read, so
    that nothing is found there. What people type into fields is for the forms to refuse.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if NUL in request.path_info:
            request.path_info = request.path_info.replace(NUL, UNREADABLE)
            request.path = request.path.replace(NUL, UNREADABLE)
        request.META["QUERY_STRING"] = _cleaned(request.META.get("QUERY_STRING", ""))
        for name, value in request.COOKIES.items():
            request.COOKIES[name] = value.replace(NUL, "")
        return get_response(request)

    return middleware


def _cleaned(query: str) -> str:
    while ENCODED in query:  # taking one out may bring the next one together
        query = query.replace(ENCODED, "")
    return query.replace(NUL, "")


def refuse_huge_bodies(get_response: Page) -> Page:
    """A body over `MAX_BODY` is refused with 413 before a byte of it is read."""

    def middleware(request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and int(length[:20]) > settings.MAX_BODY:
            return errors.too_large(request)
        return get_response(request)

    return middleware


def keep_private(get_response: Page) -> Page:
    """What was made for one person stays out of every cache, the browser's own included."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if "cookie" in response.get("Vary", "").lower() and not response.has_header("Cache-Control"):
            response["Cache-Control"] = "private, no-store"
        return response

    return middleware

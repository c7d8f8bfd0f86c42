"""The request as views get it: behind `@policy` and the middleware, which types cannot see."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import django.http
from django.utils.http import url_has_allowed_host_and_scheme

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails


class HttpRequest(django.http.HttpRequest):
    """Django's with what our middleware adds; `user` is a User of ours unless the view is public."""

    user: Any
    htmx: "HtmxDetails"


def inside(request: django.http.HttpRequest, *wanted: str) -> str:
    """The first of these addresses that leads into this portal, as a path; empty when none does."""
    for address in wanted:
        if url_has_allowed_host_and_scheme(address, {request.get_host()}, request.is_secure()):
            path = urlsplit(address)._replace(scheme="", netloc="").geturl()
            if path.startswith("/") and not path.startswith("//"):
                return path
    return ""

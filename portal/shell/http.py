"""The request as views get it: behind `@policy` and the middleware, which types cannot see."""

from typing import TYPE_CHECKING, Any

import django.http

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails


class HttpRequest(django.http.HttpRequest):
    """Django's with what our middleware adds; `user` is a User of ours unless the view is public."""

    user: Any
    htmx: "HtmxDetails"

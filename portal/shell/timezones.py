"""Times are shown in the person's own zone."""

import zoneinfo
from collections.abc import Callable
from functools import cache

from django.http import HttpResponse
from django.utils import timezone

from portal.shell.http import HttpRequest


@cache
def _known() -> frozenset[str]:
    """Names of zones; listing them reads hundreds of files, so once is enough."""
    return frozenset(zoneinfo.available_timezones())


def activate_timezone(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        name = getattr(request.user, "timezone", "")
        if name and name in _known():
            with timezone.override(zoneinfo.ZoneInfo(name)):
                return get_response(request)
        return get_response(request)

    return middleware

"""`X-Sql-Count` and `Server-Timing` on every answer when SLIPWAY_PROFILE=1, so that anybody can measure."""

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.db import connection
from django.http import HttpResponse

from portal.shell.http import HttpRequest


class _Counter:
    """Counts queries of one request and the seconds they took."""

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        start = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.count += 1
            self.seconds += time.perf_counter() - start


def profile_requests(get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Middleware; switched off entirely without the setting."""
    if not settings.PROFILE:
        raise MiddlewareNotUsed

    def middleware(request: HttpRequest) -> HttpResponse:
        counter = _Counter()
        start, cpu = time.perf_counter(), time.thread_time()
        with connection.execute_wrapper(counter):
            response = get_response(request)
        total = (time.perf_counter() - start) * 1000
        response["X-Sql-Count"] = str(counter.count)
        worked = (time.thread_time() - cpu) * 1000
        response["Server-Timing"] = (
            f"total;dur={total:.1f}, sql;dur={counter.seconds * 1000:.1f}, cpu;dur={worked:.1f}"
        )
        return response

    return middleware

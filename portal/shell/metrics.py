"""`/metrics` in Prometheus' text format: what the apps registered, and the web's own requests.

gunicorn's processes count into files of a shared folder (PROMETHEUS_MULTIPROC_DIR, see
`portal/run/gunicorn.py`), and each answer adds them up. Without SLIPWAY_METRICS_TOKEN nobody may read it.
"""

import os
import platform
import secrets
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import django
from django.conf import settings
from django.db import Error
from django.http import Http404, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client import values as counting
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

from portal import __version__
from portal.shell import registry
from portal.shell.http import HttpRequest
from portal.shell.policies import policy, public

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    # A file a worker's place, not one a process: recycled workers go on counting where the last one ended.
    counting.ValueClass = counting.MultiProcessValue(lambda: os.environ.get("SLIPWAY_WEB_PLACE", "main"))
own = CollectorRegistry()
requests_total = Counter(
    "slipway_http_requests", "Requests answered.", ["view", "method", "status"], registry=own
)
request_seconds = Histogram(
    "slipway_http_request_seconds", "Time to answer.", ["view"], buckets=BUCKETS, registry=own
)


@policy(public)
@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Hidden without a token in the settings; with one, only for who brings it."""
    if not settings.METRICS_TOKEN:
        raise Http404
    if not _brings_token(request):
        return HttpResponse("Bring the token as `Authorization: Bearer …`.\n", status=401, headers=CHALLENGE)
    return HttpResponse(exposition(), content_type=CONTENT_TYPE)


CHALLENGE = {"WWW-Authenticate": 'Bearer realm="slipway"', "Content-Type": "text/plain; charset=utf-8"}


def _brings_token(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    given = token.strip().encode()
    return scheme.lower() == "bearer" and secrets.compare_digest(given, settings.METRICS_TOKEN.encode())


def exposition() -> bytes:
    """All families. Those of the apps need the database; without it `slipway_database_up` says so."""
    everything = CollectorRegistry()
    everything.register(_Apps())
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(everything)
        return generate_latest(everything)
    return generate_latest(everything) + generate_latest(own)


class _Apps:
    """What the apps registered, as Prometheus' client wants it."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield _family(_build())
        gauges, up = [], 1.0
        try:
            gauges = [gauge for source in registry.metrics for gauge in source()]
        except Error:  # InterfaceError is no DatabaseError
            up = 0.0
        yield _family(registry.Gauge("slipway_database_up", "Whether the database answers.", {(): up}))
        yield from map(_family, gauges)


@cache
def _build() -> registry.Gauge:
    values = {(__version__, platform.python_version(), django.__version__): 1.0}
    return registry.Gauge("slipway_build_info", "What runs here.", values, ("version", "python", "django"))


def _family(gauge: registry.Gauge) -> GaugeMetricFamily:
    family = GaugeMetricFamily(gauge.name, gauge.help, labels=gauge.labels)
    for labels, value in gauge.values.items():
        family.add_metric(labels, value)
    return family


def count_requests(get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Middleware, the outermost: every answer by view, method and status, and the time it took."""

    def middleware(request: HttpRequest) -> HttpResponse:
        start = time.perf_counter()
        response = get_response(request)
        view = request.resolver_match.view_name if request.resolver_match else ""
        method = request.method if request.method in METHODS else "other"
        requests_total.labels(view or "none", method, str(response.status_code)).inc()
        request_seconds.labels(view or "none").observe(time.perf_counter() - start)
        return response

    return middleware


METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

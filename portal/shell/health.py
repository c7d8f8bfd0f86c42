"""`/livez` touches nothing; `/readyz` checks what answering needs.

What pages can do without (the broker, beat) makes a portal degraded, not unready: it still accepts requests.
"""

import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import structlog
from django.conf import settings
from django.db import Error, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.connection import Connection
from kombu.exceptions import KombuError

from portal.broker import is_redis
from portal.embedded import broker_url
from portal.shell import registry
from portal.shell.http import HttpRequest
from portal.shell.policies import policy, public

DATABASE_SECONDS = 1.0
BROKER_SECONDS = 0.5
OK = "ok"
AWAY = "does not answer"
READ_ONLY = "may only be read"
log = structlog.get_logger(__name__)


@policy(public)
@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


@policy(public)
@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    needed = {"database": _database(), "disk": _disk()}
    helpful = _doorbells()
    if needed["database"] == READ_ONLY:  # pages can be read, and what is typed is kept in them
        needed["database"], helpful["database"] = OK, READ_ONLY
    if needed["database"] == OK:
        needed["migrations"] = _migrations()
    if needed.get("migrations") == OK:
        helpful |= {vital.key: _state_of(vital) for vital in registry.vitals}
    ready = _all_ok(needed)
    status = ("ready" if _all_ok(helpful) else "degraded") if ready else "not ready"
    return JsonResponse({"status": status, "checks": needed | helpful}, status=200 if ready else 503)


def _state_of(vital: registry.Vital) -> str:
    """One that cannot be looked at is not well, and hides no other."""
    try:
        return vital.check()
    except Exception:
        log.exception("health.vital", key=vital.key)
        return "cannot be looked at: see the log"


def _all_ok(checks: dict[str, str]) -> bool:
    return all(state == OK for state in checks.values())


def _database() -> str:
    """Asks on a connection of its own, in a thread of its own: no answer must not hold this one up."""
    asking = ThreadPoolExecutor(1)
    try:
        return asking.submit(_ask_database).result(DATABASE_SECONDS)
    except TimeoutError:
        return f"does not answer within {DATABASE_SECONDS:g} s"
    finally:
        asking.shutdown(wait=False)


def _ask_database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW transaction_read_only")
            return READ_ONLY if cursor.fetchone() == ("on",) else OK
    except Error:  # InterfaceError is no DatabaseError
        return AWAY
    finally:
        connection.close()


def _migrations() -> str:
    """Counts what this code knows and the database lacks. More in the database is the next release's."""
    try:
        waiting = _known_migrations() - MigrationRecorder(connection).applied_migrations().keys()
    except Error:
        return AWAY
    return f"{len(waiting)} to apply" if waiting else OK


@cache
def _known_migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).graph.nodes)


def _disk() -> str:
    free = shutil.disk_usage(settings.STATE_DIR).free
    return OK if free > settings.LEAST_FREE_BYTES else f"{free // 2**20} MiB free"


def _doorbells() -> dict[str, str]:
    """The broker, which rings workers, and Redis, which counts attempts to sign in: mostly one."""
    broker, redis = settings.CELERY_BROKER_URL, broker_url(settings.REDIS_URL)
    found = {"broker": _answer_of(broker)}
    return found | {"redis": found["broker"] if redis == broker else _answer_of(redis)}


def _answer_of(url: str) -> str:
    names = ("socket_timeout", "socket_connect_timeout", "read_timeout", "write_timeout")
    options = dict.fromkeys(names, BROKER_SECONDS) | {"max_retries": 1, "interval_start": 0}
    broker = Connection(url, connect_timeout=BROKER_SECONDS, transport_options=options)
    try:
        with broker:
            channel: Any = broker.default_channel  # connects, and asks Redis for a sign of life
            if is_redis(url):
                channel.client.set("slipway:probe", "1", ex=60)
    except broker.channel_errors:
        return "takes nothing: it may be full"
    except (KombuError, OSError, *broker.connection_errors):
        return "does not answer"
    return OK

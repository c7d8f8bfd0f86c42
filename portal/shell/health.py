"""`/livez` touches nothing; `/readyz` checks what answering needs. Redis down: degraded, still ready."""

import shutil

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.shell.http import HttpRequest
from portal.shell.policies import policy, public

LEAST_FREE_BYTES = 100 * 1024 * 1024


@policy(public)
@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


@policy(public)
@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    checks = {"database": _database(), "disk": _disk()}
    if checks["database"] == "ok":
        checks["migrations"] = _migrations()
    ready = all(state == "ok" for state in checks.values())
    checks["redis"] = _redis()
    status = "ready" if ready else "not ready"
    if ready and checks["redis"] != "ok":
        status = "degraded"
    return JsonResponse({"status": status, "checks": checks}, status=200 if ready else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '1s'; SELECT 1")
    except DatabaseError:
        return "does not answer"
    return "ok"


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(waiting)} to apply" if waiting else "ok"


def _disk() -> str:
    free = shutil.disk_usage(settings.STATE_DIR).free
    return "ok" if free > LEAST_FREE_BYTES else f"{free // 2**20} MiB free"


def _redis() -> str:
    import redis  # 20 MB that most processes never need

    try:
        redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=0.5, socket_timeout=0.5).ping()
    except redis.RedisError:
        return "does not answer"
    return "ok"

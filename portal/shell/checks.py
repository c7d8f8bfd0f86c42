"""What must be set for the portal to keep its promises: `manage.py check`, and more of it with `--deploy`.

Each rule says what is wrong, or nothing. Errors are settings under which work is lost, done twice, or waits
for ever; warnings are what a production portal should not have.
"""

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.db import connections

LEAST_CELERY = (5, 6)  # below it, the broker's password is logged
LEAST_PYTHON = (3, 11)
TIME_OUTS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
UNSAFE = re.compile(r"'unsafe-[a-z-]+'|(?<![\w.:/-])\*(?![\w.-])")


@dataclass(frozen=True)
class Rule:
    """`fault` says what is wrong with the settings, empty when nothing is."""

    id: str
    fault: Callable[[], str]
    hint: str


def _celery(name: str, default: Any = None) -> Any:
    return getattr(settings, f"CELERY_{name}", default)


def acks_early() -> str:
    return (
        "" if _celery("TASK_ACKS_LATE") is True else "Workers take tasks off the queue before they run them."
    )


def loses_on_kill() -> str:
    kept = _celery("TASK_REJECT_ON_WORKER_LOST") is True
    return "" if kept else "The task of a killed worker is not given to another."


def prefetches() -> str:
    count = _celery("WORKER_PREFETCH_MULTIPLIER", 4)
    return "" if count == 1 else f"A worker takes {count} tasks at once, and others wait behind a slow one."


def has_no_limit() -> str:
    hard, soft = _celery("TASK_TIME_LIMIT"), _celery("TASK_SOFT_TIME_LIMIT")
    if not hard or not soft:
        return "Tasks may run for ever."
    return "" if soft < hard else f"The soft time limit ({soft} s) is not below the hard one ({hard} s)."


def hands_out_twice() -> str:
    """Redis only: RabbitMQ hands a task out again when the connection ends."""
    if not str(_celery("BROKER_URL", "")).startswith(("redis", "sentinel")):
        return ""
    places = {
        "CELERY_BROKER_TRANSPORT_OPTIONS": _celery("BROKER_TRANSPORT_OPTIONS", {}).get("visibility_timeout"),
        "CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS": _celery("RESULT_BACKEND_TRANSPORT_OPTIONS", {}).get(
            "visibility_timeout"
        ),
        "CELERY_VISIBILITY_TIMEOUT": _celery("VISIBILITY_TIMEOUT"),
    }
    limit = max(_celery("TASK_TIME_LIMIT") or 0, settings.LONGEST_TASK_SECONDS)
    short = [name for name, seconds in places.items() if not seconds or seconds <= limit]
    return f"Shorter than the longest task, or not set: {', '.join(short)}." if short else ""


def stops_hard() -> str:
    seconds = _celery("WORKER_SOFT_SHUTDOWN_TIMEOUT", 0)
    return "" if seconds > 0 else "A worker that is asked to stop gives up what it runs at once."


def takes_more_than_json() -> str:
    only = list(_celery("ACCEPT_CONTENT", [])) == ["json"] and _celery("TASK_SERIALIZER") == "json"
    return "" if only else "Tasks are not JSON only: whoever reaches the broker could run code in a worker."


def old_celery() -> str:
    version = metadata.version("celery")
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    return "" if numbers >= LEAST_CELERY else f"Celery {version} writes the broker's password to the log."


def waits_for_database() -> str:
    options = str(settings.DATABASES["default"].get("OPTIONS", {}).get("options", ""))
    found = dict(re.findall(r"-c\s*(\w+)=(\w+)", options))
    missing = [name for name in TIME_OUTS if found.get(name, "0").rstrip("smin") in ("", "0")]
    return f"PostgreSQL has no {', '.join(missing)}." if missing else ""


def trusts_connections() -> str:
    checked = settings.DATABASES["default"].get("CONN_HEALTH_CHECKS") is True
    return "" if checked else "Kept database connections are used without a look whether they still stand."


def waits_to_connect() -> str:
    seconds = settings.DATABASES["default"].get("OPTIONS", {}).get("connect_timeout")
    return (
        "" if seconds and int(seconds) > 0 else "A database that does not answer is waited for without end."
    )


def waits_for_hosts() -> str:
    seconds = getattr(settings, "HTTP_TIMEOUT", None)
    return (
        "" if seconds and 0 < seconds <= 60 else "Calls to git hosts and clusters have no sensible time-out."
    )


def open_policy() -> str:
    directives = getattr(settings, "CONTENT_SECURITY_POLICY", {}).get("DIRECTIVES", {})
    sources = " ".join(str(source) for value in directives.values() for source in _listed(value))
    if "csp.middleware.CSPMiddleware" not in settings.MIDDLEWARE or "default-src" not in directives:
        return "Pages carry no Content-Security-Policy."
    found = sorted(set(UNSAFE.findall(sources)))
    return f"The Content-Security-Policy allows {', '.join(found)}." if found else ""


def _listed(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list | tuple | set) else [value]


def old_python() -> str:
    return "" if sys.version_info >= LEAST_PYTHON else f"Python {sys.version.split()[0]} is too old."


def debugs() -> str:
    return "DEBUG shows settings and code to whoever causes an error." if settings.DEBUG else ""


def is_demo() -> str:
    return "SLIPWAY_DEMO lets anybody become one of five people." if settings.DEMO else ""


def is_plain() -> str:
    return "" if settings.HTTPS else "Sessions travel without encryption: SLIPWAY_BASE_URL is not https://."


def knows_no_proxy() -> str:
    """The portal speaks no TLS itself: people who come by https come through a proxy."""
    alone = settings.HTTPS and not settings.PROXIES
    return "Everybody has the proxy's address, and one person's limits are everybody's." if alone else ""


RULES = [
    Rule("slipway.E001", acks_early, "Set CELERY_TASK_ACKS_LATE = True; effects are claimed once."),
    Rule("slipway.E002", loses_on_kill, "Set CELERY_TASK_REJECT_ON_WORKER_LOST = True."),
    Rule("slipway.E003", prefetches, "Set CELERY_WORKER_PREFETCH_MULTIPLIER = 1."),
    Rule("slipway.E004", hands_out_twice, "Keep portal.broker.VISIBILITY_SECONDS above the time limits."),
    Rule("slipway.E005", stops_hard, "Set CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT to some seconds."),
    Rule(
        "slipway.E006",
        takes_more_than_json,
        'CELERY_ACCEPT_CONTENT = ["json"], CELERY_TASK_SERIALIZER = "json".',
    ),
    Rule("slipway.E007", old_celery, "Install Celery 5.6 or newer."),
    Rule("slipway.E008", has_no_limit, "Set CELERY_TASK_SOFT_TIME_LIMIT below CELERY_TASK_TIME_LIMIT."),
    Rule("slipway.E009", waits_for_database, "Set each with -c in the OPTIONS of the database."),
    Rule("slipway.E010", trusts_connections, "Set CONN_HEALTH_CHECKS to True."),
    Rule("slipway.E011", waits_to_connect, "Set connect_timeout in the OPTIONS of the database."),
    Rule("slipway.E012", waits_for_hosts, "Set SLIPWAY_HTTP_TIMEOUT to at most 60 seconds."),
    Rule("slipway.E013", open_policy, "Name each source; scripts of ours carry a nonce."),
    Rule("slipway.E014", old_python, "Use Python 3.11 or newer."),
]
DEPLOY_RULES = [
    Rule("slipway.W001", debugs, "Leave SLIPWAY_DEBUG unset."),
    Rule("slipway.W002", is_demo, "Leave SLIPWAY_DEMO unset."),
    Rule("slipway.W003", is_plain, "Set SLIPWAY_BASE_URL to the https:// address people use."),
    Rule("slipway.W005", knows_no_proxy, "Set SLIPWAY_PROXIES to the addresses of the proxies before it."),
]


@register("slipway", "database")
def check_sessions(app_configs: Any, databases: Sequence[str] | None, **options: Any) -> list[CheckMessage]:
    """With `--database`: what the server itself says. A pooler may drop what a session asks for."""
    if "default" not in (databases or []):
        return []
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT name FROM pg_settings WHERE name = ANY(%s) AND setting = '0'", [list(TIME_OUTS)]
        )
        missing = [name for (name,) in cursor.fetchall()]
    hint = "Let the pooler pass `options` on, or ALTER ROLE … SET each of them."
    said = f"The database keeps no {', '.join(missing)}, though the settings ask for it."
    return [Warning(said, hint, id="slipway.W004")] if missing else []


@register("slipway")
def check_settings(app_configs: Any, **options: Any) -> list[CheckMessage]:
    return [Error(fault, rule.hint, id=rule.id) for rule in RULES if (fault := rule.fault())]


@register("slipway", deploy=True)
def check_deployment(app_configs: Any, **options: Any) -> list[CheckMessage]:
    return [Warning(fault, rule.hint, id=rule.id) for rule in DEPLOY_RULES if (fault := rule.fault())]

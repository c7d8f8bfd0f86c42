"""The first question of a request, asked without a question before it whether the connection is any good."""

from collections.abc import Sequence
from typing import Any

from django.db import InterfaceError, OperationalError
from django.db import connection as django_connection

Rows = list[tuple[Any, ...]]
connection: Any = django_connection  # types know no health checks


def ask_first(sql: str, params: Sequence[Any]) -> Rows:
    """The rows of a statement that only reads. Where the connection turns out to be broken, or to be one that
    may only read (`base`), another one is asked."""
    if not _is_unproven():
        return _asked(sql, params)
    connection.health_check_done = True
    try:
        rows = _asked(sql, params)
    except (OperationalError, InterfaceError):
        connection.close()
        return _asked(sql, params)
    if _may_write():
        return rows
    connection.close()
    return _asked(sql, params)


def _asked(sql: str, params: Sequence[Any]) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


def _is_unproven() -> bool:
    """Whether Django would ask `is_usable` now, and the server tells without being asked."""
    return (
        connection.connection is not None
        and connection.health_check_enabled
        and not connection.health_check_done
        and not connection.in_atomic_block
        and _told("in_hot_standby") is not None
    )


def _may_write() -> bool:
    return _told("in_hot_standby") == "off" and _told("default_transaction_read_only") == "off"


def _told(name: str) -> str | None:
    """A setting that the server reports with whatever it answers, as it is by now."""
    found: str | None = connection.connection.info.parameter_status(name)
    return found

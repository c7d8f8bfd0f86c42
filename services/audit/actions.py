"""The only way to write an audit event, and looking whether all of them are still what they were."""

from collections.abc import Sequence
from typing import Any

import structlog
from django.db import connection, models, transaction

from services.audit import chain
from services.audit.models import Check, Event, subject_of

SYSTEM = "system"
log = structlog.get_logger(__name__)


class OutsideTransaction(RuntimeError):
    """An event must share the transaction of the change it tells of."""


def record(
    *,
    by: Any,
    action: str,
    obj: models.Model | None = None,
    object_type: str = "",
    object_id: str = "",
    summary: str = "",
    details: dict[str, Any] | None = None,
) -> Event:
    """Write what `by` (a User, or None for the system) did to `obj`, or to the object named by type and id.

    Refuses to run outside a transaction, for then the event could exist without the change.
    """
    if not transaction.get_connection().in_atomic_block:
        raise OutsideTransaction(action)
    if obj is not None:
        object_type, object_id = subject_of(obj)
    return Event.objects.create(
        actor=by.get_username() if by is not None else SYSTEM,
        actor_name=str(by) if by is not None else "Slipway",
        action=action,
        object_type=object_type,
        object_id=object_id,
        summary=summary,
        details=details or {},
        request_id=current_request_id(),
    )


def current_request_id() -> str:
    """The id that ties an HTTP request to its effects and their log lines; empty outside of one."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


def verify(*, noted: Sequence[chain.Head] = ()) -> chain.Report:
    """Compute the chain again; heads that earlier checks noted must still be in it. Changes nothing."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")  # a long history takes its time
        checks = Check.objects.filter(is_finished=True)[:1000]
        earlier = [chain.Head(check.position, bytes(check.hash)) for check in checks]
        return chain.verify(connection.connection, noted=[*noted, *earlier])


def check() -> Check:
    """Verify, and keep what was found where people see it. That it was begun is kept at once."""
    Check.objects.create(is_finished=False, events=0, position=0, hash=b"")
    report = verify()
    if report.problems:
        log.error("audit.broken", events=report.broken[:20], first=report.problems[0].what)
    return Check.objects.create(
        events=report.events, position=report.head.position, hash=report.head.hash, broken=report.broken
    )

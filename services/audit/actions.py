"""The only way to write an audit event."""

from typing import Any

import structlog
from django.db import models, transaction

from services.audit.models import Event, subject_of

SYSTEM = "system"


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

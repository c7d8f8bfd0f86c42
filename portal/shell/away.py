"""A database that takes nothing just now: gone, full, too busy, or one that may only be read."""

from django.db import InterfaceError, InternalError, OperationalError
from psycopg import errors


def is_away(error: BaseException | None) -> bool:
    cause = getattr(error, "__cause__", None)
    is_read_only = isinstance(error, InternalError) and isinstance(cause, errors.ReadOnlySqlTransaction)
    return is_read_only or isinstance(error, OperationalError | InterfaceError)

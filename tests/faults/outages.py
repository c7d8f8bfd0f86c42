"""A real PostgreSQL that takes nothing just now: it is full, failed over, or too busy."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from django.db import connection
from psycopg import sql

from portal.embedded import APPLICATION

FULL = """
    CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$
"""


def _cut(said: psycopg.Cursor) -> None:
    said.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


class Outage:
    """Begins and ends by a connection of its own, that of an administrator."""

    def __init__(self) -> None:
        found = connection.get_connection_params()
        place = {name: found[name] for name in ("host", "port", "user", "dbname") if name in found}
        self._admin = psycopg.connect(**place, autocommit=True)
        self._name = sql.Identifier(found["dbname"])

    def close(self) -> None:
        self._admin.close()

    def _alter(self, what: str) -> None:
        with self._admin.cursor() as said:
            said.execute("SET default_transaction_read_only = off")
            said.execute(sql.SQL("ALTER DATABASE {} " + what).format(self._name))
            _cut(said)


class Full(Outage):
    """53100: no row can be added or changed."""

    TABLES = ("onboarding_request", "effects_effect", "helpdesk_message")

    def begin(self) -> None:
        self._admin.execute(FULL)
        for table in self.TABLES:
            change = f"CREATE TRIGGER disk_full BEFORE INSERT OR UPDATE ON {table}"
            self._admin.execute(f"{change} FOR EACH ROW EXECUTE FUNCTION disk_full()")

    def end(self) -> None:
        self._admin.execute("DROP FUNCTION IF EXISTS disk_full() CASCADE")


class FailedOver(Outage):
    """The server is gone for everybody who was connected; who comes back meets one that may only be read."""

    def begin(self) -> None:
        self._alter("SET default_transaction_read_only = on")

    def end(self) -> None:
        """Sessions go on as they began: they are to be left, for new ones may write."""
        with self._admin.cursor() as said:
            said.execute("SET default_transaction_read_only = off")
            said.execute(sql.SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(self._name))


class TooBusy(Outage):
    """53300: there is no connection left for the application's role."""

    def begin(self) -> None:
        self._alter("CONNECTION LIMIT 0")

    def end(self) -> None:
        self._alter("CONNECTION LIMIT -1")


KINDS: dict[str, Callable[[], "Full | FailedOver | TooBusy"]] = {
    "full": Full,
    "failed over": FailedOver,
    "too busy": TooBusy,
}


@contextmanager
def outage(kind: str) -> "Iterator[Full | FailedOver | TooBusy]":
    """`begin` and `end` it inside; afterwards it has ended."""
    made = KINDS[kind]()
    try:
        yield made
    finally:
        made.end()
        made.close()
        connection.close()  # it may be one of those that may only read


@contextmanager
def as_application() -> Iterator[None]:
    """This process connects as the portal's processes do: administrators are always let in."""
    before = connection.settings_dict["USER"]
    connection.close()
    connection.settings_dict["USER"] = APPLICATION
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["USER"] = before

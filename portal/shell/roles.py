"""Two database roles: one owns the tables and migrates; the application's may do what each model says.

A model with an attribute `privileges` grants the application only those; the database then refuses the rest.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from psycopg import sql

PRIVILEGES = "SELECT, INSERT, UPDATE, DELETE"
SCHEMA = [
    "GRANT USAGE ON SCHEMA {schema} TO {role}",
    "GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
]
REVOKE, GRANT = "REVOKE ALL ON {table} FROM {role}", "GRANT {privileges} ON {table} TO {role}"
IDENTITY = ("USER", "PASSWORD", "HOST", "PORT")
OWN_TABLES = """
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
AND pg_has_role(c.relowner, 'USAGE') ORDER BY 1
"""


def is_divided() -> bool:
    """Whether the application has a role of its own."""
    return bool(settings.DATABASE_ROLE) and settings.DATABASE_OWNER["USER"] != settings.DATABASE_ROLE


@contextmanager
def as_owner(connection: Any = connection) -> Iterator[None]:
    """Connect as the owner inside of this, as its address says. Refuses the address of another database."""
    given: Mapping[str, Any] = settings.DATABASE_OWNER
    if given["NAME"] != settings.DATABASE_NAME:
        raise CommandError(
            f"SLIPWAY_MIGRATION_DATABASE_URL names the database {given['NAME']}, and DATABASE_URL "
            f"{settings.DATABASE_NAME}: both have to name the same."
        )
    known: dict[str, Any] = connection.settings_dict
    was = {key: known[key] for key in (*IDENTITY, "OPTIONS")}
    owner = {key: given[key] for key in was}
    if was == owner:
        yield
        return
    connection.close()
    known.update(owner)
    try:
        yield
    finally:
        connection.close()
        known.update(was)


@transaction.atomic
def grant() -> None:
    """Give the application's role what the models say, and nothing else. The owner runs it."""
    if not is_divided():
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        names = {
            "role": sql.Identifier(settings.DATABASE_ROLE),
            "schema": sql.Identifier(cursor.fetchone()[0]),
        }
        wanted = [sql.SQL(text).format(**names) for text in SCHEMA]
        existing = own_tables(cursor)
        for table in existing:  # also those that no model speaks of
            wanted.append(sql.SQL(REVOKE).format(table=sql.Identifier(table), **names))
        for table, privileges in _wanted(existing).items():
            each = {"table": sql.Identifier(table), "privileges": sql.SQL(privileges), **names}
            wanted.append(sql.SQL(GRANT).format(**each))
        cursor.execute(sql.SQL("; ").join(wanted))


def own_tables(cursor: Any) -> list[str]:
    """All tables and views of the schema that whoever asks owns; an extension's may be another's."""
    cursor.execute(OWN_TABLES)
    return [name for (name,) in cursor.fetchall()]


def _wanted(existing: list[str]) -> dict[str, str]:
    """Privileges by table, of those that exist."""
    found = {MigrationRecorder.Migration._meta.db_table: "SELECT"}
    for model in apps.get_models(include_auto_created=True):
        if model._meta.managed and not model._meta.proxy:
            found[model._meta.db_table] = getattr(model, "privileges", PRIVILEGES)
    return {table: privileges for table, privileges in found.items() if table in existing}

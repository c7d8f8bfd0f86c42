"""Two database roles: one owns the tables and migrates; the application's may do what each model says.

A model with an attribute `privileges` grants the application only those; the database then refuses the rest.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from psycopg import sql

PRIVILEGES = "SELECT, INSERT, UPDATE, DELETE"
SCHEMA = [
    "GRANT USAGE ON SCHEMA {schema} TO {role}",
    "GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
]
TABLE = ["REVOKE ALL ON {table} FROM {role}", "GRANT {privileges} ON {table} TO {role}"]
IDENTITY = ("USER", "PASSWORD", "HOST", "PORT")


def is_divided() -> bool:
    """Whether the application has a role of its own."""
    return bool(settings.DATABASE_ROLE) and settings.DATABASE_OWNER["USER"] != settings.DATABASE_ROLE


@contextmanager
def as_owner() -> Iterator[None]:
    """Connect as the owner inside of this; the same database."""
    known: dict[str, Any] = connection.settings_dict
    was = {key: known[key] for key in IDENTITY}
    given: Mapping[str, Any] = settings.DATABASE_OWNER
    owner = {key: given[key] for key in IDENTITY}
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
        for table, privileges in _wanted(connection.introspection.table_names(cursor)).items():
            each = {"table": sql.Identifier(table), "privileges": sql.SQL(privileges), **names}
            wanted += [sql.SQL(text).format(**each) for text in TABLE]
        cursor.execute(sql.SQL("; ").join(wanted))


def _wanted(existing: list[str]) -> dict[str, str]:
    """Privileges by table, of those that exist."""
    found = {MigrationRecorder.Migration._meta.db_table: "SELECT"}
    for model in apps.get_models(include_auto_created=True):
        if model._meta.managed and not model._meta.proxy:
            found[model._meta.db_table] = getattr(model, "privileges", PRIVILEGES)
    return {table: privileges for table, privileges in found.items() if table in existing}

"""How the database is emptied after a test that commits: in a tenth of the time Django takes for it.

Django truncates each of eighty tables, and makes all permissions anew.
"""

from typing import Any

from django.contrib.contenttypes.management import create_contenttypes
from django.db import connection
from django.db.models.signals import post_migrate

# The same after every migration, and no test changes them.
KEPT = {"django_content_type", "auth_permission"}


def arrange() -> None:
    """Only tables with rows are emptied, without asking their triggers and each other."""
    assert post_migrate.disconnect(create_contenttypes)
    assert post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    connection.ops.sql_flush = sql_flush


def sql_flush(style: Any, tables: list[str], **options: Any) -> list[str]:
    """What Django runs in one transaction."""
    rows = " UNION ALL ".join(
        f"SELECT '{table}' WHERE EXISTS (SELECT FROM \"{table}\")" for table in sorted({*tables} - KEPT)
    )
    with connection.cursor() as cursor:
        cursor.execute(rows)
        filled = [row[0] for row in cursor.fetchall()]
    return ["SET LOCAL session_replication_role = replica", *(f'DELETE FROM "{table}"' for table in filled)]

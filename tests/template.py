"""The migrated, empty database that each process of a run copies, made once for each state of migrations."""

import hashlib
from pathlib import Path
from typing import Any

import psycopg
from django.core.management import call_command
from django.db import connection
from psycopg import sql

ROOT = Path(__file__).resolve().parents[1]
LOCK = 7_126_001


def ensure(prefix: str) -> str:
    """The name of the template; the first process that asks makes it while the others wait."""
    name = f"{prefix}_made_{_digest()}"
    with psycopg.connect(**_server(), autocommit=True) as server:
        server.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        made = [
            row[0]
            for row in server.execute(
                "SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{prefix}_made_%"]
            )
        ]
        if name not in made:
            for old in made:
                server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(old)))
            _make(server, f"{prefix}_made_", name)
    return name


def _make(server: psycopg.Connection, draft: str, name: str) -> None:
    """Under another name until it is whole, so that nobody copies one half migrated."""
    server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(draft)))
    kept, connection.settings_dict["NAME"] = connection.settings_dict["NAME"], draft
    call_command("migrate", verbosity=0)
    connection.close()
    connection.settings_dict["NAME"] = kept
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    server.execute(rename.format(sql.Identifier(draft), sql.Identifier(name)))


def _server() -> dict[str, Any]:
    """Where Django's tests make their databases, without the time-outs that the portal sets itself."""
    with connection._nodb_cursor() as cursor:
        info = cursor.connection.info
        return {"conninfo": info.dsn, "password": info.password or None, "options": ""}


def _digest() -> str:
    files = sorted(path for top in ("portal", "services") for path in (ROOT / top).rglob("migrations/*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]

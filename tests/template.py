"""The migrated, empty database that each process of a run copies, made once for each state of migrations.

Servers of their own (`make faults`, the stack of the browser tests) are filled from what was dumped of it:
applying all migrations takes ten seconds of a core.
"""

import hashlib
import os
from pathlib import Path
from typing import Any

import psycopg
from django.core.management import call_command
from django.db import connection
from psycopg import sql

from portal import embedded
from portal.run import archive

ROOT = Path(__file__).resolve().parents[1]
LOCK = 7_126_001
# Names the dump for processes that a test starts.
DUMP = "SLIPWAY_TEST_DUMP"


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


def dump(name: str) -> Path | None:
    """The template as a file; None on a server that is not ours, whose programs may be of another version."""
    if os.environ.get("DATABASE_URL"):
        return None
    state = embedded.state_dir()
    target = state / f"{name}.dump"
    with psycopg.connect(**_server(), autocommit=True) as server:
        server.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        if not target.exists():
            for old in state.glob(f"{name.rpartition('_')[0]}_*.dump"):
                old.unlink()
            draft = target.with_suffix(".part")
            archive.run_tool(
                _place(state, name), "pg_dump", "--format=custom", "--compress=0", f"--file={draft}"
            )
            draft.rename(target)
    return target


def fill(state: Path, dumped: Path) -> None:
    """The empty database of the portal on the server of `state`, which runs: all migrations are applied."""
    archive.run_tool(
        _place(state, "slipway"), "pg_restore", "--exit-on-error", "--single-transaction", str(dumped)
    )


def _place(state: Path, name: str) -> archive.Place:
    return archive.Place(state, embedded.owner_url(state, name), is_embedded=True)


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

"""`make restore FROM=folder`: bring a backup back. What was there before is kept aside, and can be had again.

Everything is made ready beside the present state and looked at; only then the two change places.
"""

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import sql

from portal import embedded
from portal.run import archive
from portal.run.archive import DATABASE, FILES, REPOSITORIES, Manifest, Place, Problem
from portal.run.processes import Supervisor
from portal.run.steps import step
from portal.run.up import CannotStart, only_one
from services.audit import chain

ASIDE = "previous.json"
FAILURES = (Problem, CannotStart, OSError, psycopg.Error, subprocess.SubprocessError, tarfile.TarError)
NUMBERED = {"R": "onboarding_request", "T": "helpdesk_ticket"}


class Half(Problem):
    """What was made stands in a database that is not ours to drop."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make restore", description=__doc__)
    parser.add_argument("source", metavar="FROM", type=Path)
    parser.add_argument("--keep", choices=["repositories"], help="leave the repositories as they are now")
    options = parser.parse_args(arguments)
    place, source = archive.here(), options.source.resolve()
    try:
        with stopped(place):
            if not place.is_embedded:
                into_empty(place, source)
                return 0
            aside = restore(place, source, keep_repositories=options.keep is not None)
    except Half as problem:
        print(f"\n  {problem}", file=sys.stderr)
        return 1
    except FAILURES as problem:
        print(f"\n  Nothing was restored, nothing is lost. {problem}", file=sys.stderr)
        return 1
    print(
        f"  Restored; `make up` goes on from here. What was there before is kept: make restore FROM={aside}"
    )
    return 0


@contextlib.contextmanager
def stopped(place: Place) -> Iterator[None]:
    """Refuses (CannotStart) while the portal runs, and keeps it from starting."""
    place.state.mkdir(parents=True, exist_ok=True)
    with only_one(place.state):
        Supervisor(place.state, environment={}, say=print).stop_leftovers()
        if not place.is_embedded:
            yield
            return
        with step("Starting PostgreSQL"):
            embedded.start_postgres(place.state)
            embedded.ensure_database(place.state)
        try:
            yield
        finally:
            embedded.stop_postgres(place.state)


def restore(place: Place, source: Path, *, keep_repositories: bool = False) -> Path:
    """Put a backup, or what an earlier restore kept aside, in the place of what is there.

    Returns where that is kept now.
    """
    now = f"{datetime.now(UTC):%Y%m%d_%H%M%S_%f}"
    if (source / ASIDE).exists():
        return swap(place, json.loads((source / ASIDE).read_text())["database"], source, now)
    manifest = Manifest.read(source)
    with step("Checking the backup"):
        manifest.check(source)
    archive.check_space(place.state, manifest.database_bytes + manifest.files_bytes, "Restoring")
    ready, database = place.state / "restoring", f"{place.database}_restoring"
    with made_ready(place, database, ready):
        _fill(place, source, manifest, database)
        with step("Unpacking repositories and keys"):
            archive.unpack(source / FILES, ready)
        if keep_repositories:
            shutil.rmtree(ready / REPOSITORIES, ignore_errors=True)
        if missing := made_since(place, database):
            more = f" and {len(missing) - 20} more" if len(missing) > 20 else ""
            print(f"  Made after the backup, and kept aside only: {', '.join(missing[:20])}{more}")
        _go_on_counting(place, database)
        return swap(place, database, ready, now)


@contextlib.contextmanager
def made_ready(place: Place, database: str, folder: Path) -> Iterator[None]:
    """An empty database and folder to restore into; what is left of them afterwards is removed."""
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database))

    def clear() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        with place.connect("postgres", autocommit=True) as connection:
            connection.execute(drop)

    clear()
    folder.mkdir(mode=0o700)
    with place.connect("postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(database)))
    try:
        yield
    finally:
        clear()


def _fill(place: Place, source: Path, manifest: Manifest, database: str) -> None:
    with step("Restoring the database"):
        theirs = [] if place.is_embedded else ["--no-acl", "--single-transaction"]
        options = ["--exit-on-error", "--no-owner", *theirs]
        archive.run_tool(place, "pg_restore", *options, str(source / DATABASE), database=database)
    with step("Comparing with the manifest"), place.connect(database) as connection:
        found = archive.row_counts(connection)
        for table in sorted(found.keys() | manifest.rows.keys()):
            if found.get(table) != manifest.rows.get(table):
                raise Problem(f"{table} has {found.get(table)} rows instead of {manifest.rows.get(table)}.")
    with step("Verifying the audit"), place.connect(database) as connection:
        report = chain.verify(connection, noted=[manifest.head] if manifest.head else [])
    if report.problems:  # the backup is as it was made: people should know, and have it all the same
        print(f"  {len(report.broken)} audit events are not what was written: see manage.py verify_audit.")
    if manifest.is_older or not place.is_embedded:
        with step("Migrating it to this version"):
            migrate(place, database)


def migrate(place: Place, database: str) -> None:
    """In a process of its own, for Django knows one database from its start."""
    urls = (
        {
            "DATABASE_URL": embedded.database_url(place.state, database),
            "SLIPWAY_MIGRATION_DATABASE_URL": embedded.owner_url(place.state, database),
        }
        if place.is_embedded
        else {}
    )
    command = [sys.executable, "manage.py", "migrate", "--verbosity=0", "--no-input"]
    subprocess.run(command, env={**os.environ, **urls}, cwd=embedded.ROOT, check=True)


def made_since(place: Place, database: str) -> list[str]:
    """The requests and tickets that are here and not in what is restored."""
    found: list[str] = []
    with place.connect() as before, place.connect(database) as after:
        for letter, table in NUMBERED.items():
            both = [one.execute("SELECT to_regclass(%s)", [table]).fetchone() for one in (before, after)]
            if None in [row and row[0] for row in both]:
                continue  # the installation is new, or the backup is older than its tickets
            name = sql.Identifier(table)
            last = after.execute(sql.SQL("SELECT coalesce(max(number), 0) FROM {}").format(name)).fetchone()
            newer = sql.SQL("SELECT number FROM {} WHERE number > %s ORDER BY 1").format(name)
            found += [f"{letter}-{number}" for (number,) in before.execute(newer, last)]
    return found


def _go_on_counting(place: Place, database: str) -> None:
    """No number that was given out after the backup is given to something else: branches carry them."""
    query = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = current_schema()"
    with place.connect() as before, place.connect(database) as after:
        reached = dict(before.execute(query).fetchall())
        for name, value in after.execute(query).fetchall():
            if (reached.get(name) or 0) > (value or 0):
                after.execute("SELECT setval(quote_ident(%s)::regclass, %s)", [name, reached[name]])


def swap(place: Place, database: str, folder: Path, now: str) -> Path:
    """The database and the files of `folder` change places with those in use, all or none."""
    aside = place.state / f"before-restore-{now}"
    aside.mkdir(mode=0o700)
    kept = f"{place.database}_before_{now}"
    moved: list[tuple[Path, Path]] = []
    try:
        with step("Changing places"):
            (aside / ASIDE).write_text(json.dumps({"database": kept}))
            for name in (each for each in archive.KEPT if (folder / each).exists()):
                for old, new in ((place.state / name, aside / name), (folder / name, place.state / name)):
                    if old.exists():
                        old.rename(new)
                        moved.append((old, new))
            _rename(place, database, kept)
    except BaseException:
        for old, new in reversed(moved):
            new.rename(old)
        shutil.rmtree(aside)
        raise
    if (folder / ASIDE).exists():
        shutil.rmtree(folder)
    return aside


def _rename(place: Place, database: str, kept: str) -> None:
    """Both in one transaction; whoever is still connected is cut off."""
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    names = [sql.Identifier(name) for name in (place.database, kept, database)]
    with place.connect("postgres") as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN (%s, %s)",
            [place.database, database],
        )
        connection.execute(rename.format(names[0], names[1]))
        connection.execute(rename.format(names[2], names[0]))


def into_empty(place: Place, source: Path) -> None:
    """A database of one's own: restored only where there is nothing that could be overwritten."""
    manifest = Manifest.read(source)
    with step("Checking the backup"):
        manifest.check(source)
    with place.connect() as connection:
        if tables := len(archive.row_counts(connection)):
            raise Problem(
                f"The database {place.database} holds {tables} tables. Create an empty one, and restore "
                "with DATABASE_URL and SLIPWAY_MIGRATION_DATABASE_URL pointing at it."
            )
    taken = [name for name in archive.KEPT if (place.state / name).exists()]
    if taken:
        raise Problem(f"{place.state} holds {', '.join(taken)} already; move that away, or set SLIPWAY_HOME.")
    try:
        _fill(place, source, manifest, place.database)
        with step("Unpacking repositories and keys"):
            archive.unpack(source / FILES, place.state)
    except FAILURES as problem:
        if not may_be_filled(place):  # the tables come in one transaction
            raise
        raise Half(
            f"The database {place.database} holds what was read, and it is not the whole backup: {problem} "
            f"Nothing was there before: drop it, and remove {', '.join(archive.KEPT)} from {place.state}."
        ) from problem
    print("  Restored; start the portal with this DATABASE_URL.")


def may_be_filled(place: Place) -> bool:
    """Also when nobody can tell."""
    try:
        with place.connect() as connection:
            return bool(archive.row_counts(connection))
    except psycopg.Error:
        return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`make backup [TO=folder]`: the whole installation in one folder, taken while it runs."""

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from portal import __version__, embedded
from portal.run import archive
from portal.run.archive import DATABASE, FILES, Manifest, Place, Problem
from portal.run.steps import step
from portal.run.up import CannotStart, only_one

SPARE_BYTES = 20 * 1024 * 1024  # left free for everything else that writes to the disk


def main(arguments: list[str]) -> int:
    place = archive.here()
    parent = Path(arguments[0]).resolve() if arguments and arguments[0] else default_folder(place.state)
    try:
        with server(place):
            folder = create(place, parent)
    except (Problem, CannotStart, OSError, psycopg.Error) as problem:
        print(f"\n  No backup was made. {problem}", file=sys.stderr)
        return 1
    print(f"  The backup is in {folder}. It holds secrets: keep it where only you can read it.")
    print(f"  To bring it back: make restore FROM={folder}")
    return 0


def default_folder(state: Path) -> Path:
    """Beside the state folder, which `make reset` removes."""
    return state.with_name(f"{state.name.lstrip('.')}-backups")


@contextlib.contextmanager
def server(place: Place) -> Iterator[None]:
    """The embedded server, started for the time of this when the portal does not run."""
    if not place.is_embedded or embedded.postgres_answers(place.state):
        yield
        return
    if not (place.state / "postgres").exists():
        raise Problem(f"There is nothing in {place.state}: `make up` was never run here.")
    with only_one(place.state):
        with step("Starting PostgreSQL"):
            embedded.start_postgres(place.state)
        try:
            yield
        finally:
            embedded.stop_postgres(place.state)


def create(place: Place, parent: Path) -> Path:
    """Write a new folder in `parent`; a failure leaves nothing behind."""
    now = datetime.now(UTC)
    folder = parent / f"slipway-{now:%Y%m%d-%H%M%S}"
    partial = folder.with_suffix(".partial")
    parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        raise Problem(f"{folder} exists already.")
    os.mkdir(partial, 0o700)  # before the `try`: it may be another's
    try:
        _write(place, partial, now)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def _write(place: Place, folder: Path, now: datetime) -> None:
    with place.connect() as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        one = "SELECT pg_export_snapshot(), pg_database_size(current_database())"
        snapshot, size = connection.execute(one).fetchone() or ("", 0)
        archive.check_space(folder, size // 5 + archive.size_of(place.state) + SPARE_BYTES, "The backup")
        with step("Dumping the database"):
            options = [f"--snapshot={snapshot}", "--format=custom", "--compress=3", "--no-owner"]
            archive.run_tool(place, "pg_dump", *options, f"--file={folder / DATABASE}")
        with step("Counting its rows"):
            rows = archive.row_counts(connection)
        named = "SELECT app || '.' || name FROM django_migrations ORDER BY 1"
        migrations = [name for (name,) in connection.execute(named)]
        head = connection.execute(
            "SELECT position || ':' || encode(hash, 'hex') FROM audit_link"
            " WHERE octet_length(hash) = 32 ORDER BY position DESC LIMIT 1"
        ).fetchone()
    with step("Copying repositories and keys"):
        files = archive.pack(place.state, folder / FILES)
    with step("Computing checksums"):
        sums = {name: archive.checksum(folder / name) for name in (DATABASE, FILES)}
    Manifest(
        format=archive.FORMAT,
        slipway=__version__,
        made_at=now.isoformat(timespec="seconds"),
        database_bytes=size,
        files_bytes=files,
        rows=rows,
        migrations=migrations,
        audit=head[0] if head else "",
        sums=sums,
    ).write(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

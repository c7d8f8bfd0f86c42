"""What a backup is: a folder with a dump of the database, a tar of the files beside it, and a manifest.

Files are read after the database's snapshot was taken: a repository may hold a branch that the database does
not know (it is found again by its name), never the other way round.
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from portal import __version__, embedded
from services.audit import chain

FORMAT = 1
DATABASE, FILES, MANIFEST = "database.dump", "files.tar", "manifest.json"
REPOSITORIES = "git"
KEPT = (REPOSITORIES, "cluster", "secret-key")  # of the state folder; all else is made anew at a start


class Problem(Exception):
    """Said to the person as it is."""


@dataclass(frozen=True)
class Place:
    """One installation: its state folder, and how the owner of its database connects."""

    state: Path
    dsn: str
    is_embedded: bool

    @property
    def database(self) -> str:
        return str(conninfo_to_dict(self.dsn)["dbname"])

    def at(self, database: str) -> str:
        """The same server, another database."""
        return make_conninfo(self.dsn, dbname=database)

    def connect(self, database: str = "", **options: Any) -> psycopg.Connection[Any]:
        return psycopg.connect(self.at(database or self.database), **options)


def here() -> Place:
    """The installation that the environment describes."""
    state = embedded.state_dir()
    url = os.environ.get("SLIPWAY_MIGRATION_DATABASE_URL") or os.environ.get("DATABASE_URL")
    return Place(state, url or embedded.owner_url(state), is_embedded=not os.environ.get("DATABASE_URL"))


@dataclass(frozen=True)
class Manifest:
    """What is in a backup, and how to tell that it is all there."""

    format: int
    slipway: str
    made_at: str
    database_bytes: int
    files_bytes: int
    rows: dict[str, int]
    migrations: list[str]
    audit: str
    sums: dict[str, str]

    def write(self, folder: Path) -> None:
        (folder / MANIFEST).write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """Refuses what is no complete backup, is of another format, or was made by a newer version."""
        try:
            manifest = cls(**json.loads((folder / MANIFEST).read_text()))
            _ = manifest.head
        except (OSError, ValueError, TypeError) as error:
            raise Problem(f"{folder} is not a complete backup{_offers(folder)}: {error}") from error
        if manifest.format != FORMAT:
            raise Problem(f"{folder} is of format {manifest.format}; this version reads format {FORMAT}.")
        if unknown := [name for name in manifest.migrations if not is_known(name)]:
            raise Problem(
                f"{folder} was made by a newer Slipway ({manifest.slipway}; this is {__version__}) "
                f"that has migration {unknown[0]}. Install that version, or a newer one."
            )
        return manifest

    def check(self, folder: Path) -> None:
        """Refuses a backup whose files are not what was written."""
        for name, wanted in self.sums.items():
            if not (folder / name).is_file() or checksum(folder / name) != wanted:
                raise Problem(f"{folder / name} is damaged: its checksum is not that of the manifest.")

    @property
    def head(self) -> chain.Head | None:
        """Of the audit, which must be in what was restored."""
        return chain.Head.parse(self.audit) if self.audit else None

    @property
    def is_older(self) -> bool:
        """Whether this code has migrations that the backup lacks."""
        return not set(ours()) <= set(self.migrations)


def _offers(folder: Path) -> str:
    inside = sorted(each.parent.name for each in folder.glob(f"*/{MANIFEST}")) if folder.is_dir() else []
    return f"; inside of it are {', '.join(inside[-5:])}" if inside else ""


def ours() -> list[str]:
    """The migrations of this code, as `app.name`; those of the libraries come with them."""
    found = embedded.ROOT.glob("services/*/migrations/[0-9]*.py")
    return sorted(f"{path.parent.parent.name}.{path.stem}" for path in found)


def is_known(migration: str) -> bool:
    app, _, name = migration.partition(".")
    package = f"services.{app}.migrations"
    if importlib.util.find_spec(f"services.{app}") is None:
        return True  # a library's; our requirements pin it
    return importlib.util.find_spec(f"{package}.{name}") is not None


def checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def row_counts(connection: psycopg.Connection[Any]) -> dict[str, int]:
    tables = connection.execute(
        "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"
    ).fetchall()
    counted = [(name, connection.execute(f"SELECT count(*) FROM {name}").fetchone()) for (name,) in tables]  # noqa: S608  # quoted by the server
    return {name: row[0] for name, row in counted if row}


def run_tool(place: Place, name: str, *arguments: str, database: str = "") -> None:
    """A program of PostgreSQL's, connected to the database; the password is not in its arguments."""
    parts = conninfo_to_dict(place.at(database or place.database))
    password = str(parts.pop("password", None) or "")
    command = [
        str(embedded.programs(place.state) / name),
        f"--dbname={make_conninfo('', **parts)}",
        *arguments,
    ]
    environment = {**os.environ, **({"PGPASSWORD": password} if password else {})}
    done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise Problem(f"{name} did not succeed: {lines[-1].removeprefix(f'{name}: ')}")


def pack(state: Path, target: Path) -> int:
    """Write the files of the state folder, branches before what they point at. Returns their size."""
    size = 0
    with tarfile.open(target, "w") as tar:
        for folder in (each for name in KEPT for each in (state / name).rglob("*") if each.is_dir()):
            tar.add(folder, arcname=str(folder.relative_to(state)), recursive=False)
        for are_objects in (False, True):
            for path in _files(state):
                if ("objects" in path.parts) is not are_objects:
                    continue
                with contextlib.suppress(FileNotFoundError), path.open("rb") as file:  # git tidies up
                    info = tar.gettarinfo(arcname=str(path.relative_to(state)), fileobj=file)
                    tar.addfile(info, file)
                    size += info.size
    return size


def _files(state: Path) -> Iterator[Path]:
    for name in KEPT:
        top = state / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            is_passing = path.suffix == ".lock" or path.name.startswith("tmp_obj")
            if path.is_file() and not is_passing:
                yield path


def unpack(source: Path, target: Path) -> None:
    with tarfile.open(source) as tar:
        tar.extractall(target, filter="data")
    if (key := target / "secret-key").exists():
        key.chmod(0o600)


def size_of(state: Path) -> int:
    return sum(path.stat().st_size for path in _files(state) if path.exists())


def check_space(folder: Path, wanted: int, what: str) -> None:
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise Problem(
            f"{what} needs about {wanted // 2**20 + 1} MiB in {folder}, of which {free // 2**20} are free."
        )

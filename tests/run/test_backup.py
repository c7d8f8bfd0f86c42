"""The drill: a backup older than a pull request, restored for real; and what must not be restored at all."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import time_machine
from django.db import connection, connections

from portal import __version__, embedded
from portal.run import archive, backup, restore
from portal.run.archive import Manifest, Place, Problem
from services.audit import actions as audit
from services.audit.models import Event
from services.integrations import githosts
from services.integrations.githosts.local import LocalHost
from services.onboarding import actions, tasks
from services.onboarding.models import Request, State
from tests.effects_driver import run_due_effects
from tests.hostile import world as company

pytestmark = pytest.mark.django_db(transaction=True)

EVENT = (
    "INSERT INTO audit_event"
    " (at, actor, actor_name, action, object_type, object_id, summary, details, request_id)"
    " VALUES (now(), 'system', 'Slipway', 'thing.happened', 'thing', '1', '', '{}', '')"
)


class Elsewhere(LocalHost):
    """A git host whose pull requests are not in the portal's database, so that no restore takes them back."""

    opened: ClassVar[dict[str, Any]] = {}
    times: ClassVar[int] = 0

    def propose(self, repo: str, *, branch: str, **said: Any) -> Any:
        if branch not in self.opened:
            Elsewhere.times += 1
            self.opened[branch] = super().propose(repo, branch=branch, **said)
        return self.opened[branch]

    def find_proposal(self, repo: str, branch: str) -> Any:
        return self.opened.get(branch)

    def proposal(self, repo: str, number: int) -> Any:
        return next(found for found in self.opened.values() if found.number == number)


@pytest.fixture
def place(tmp_path, settings) -> Place:
    """The database of the tests as an installation of its own, with its repositories and a key."""
    settings.GIT_ROOT = tmp_path / "state" / "git"
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "secret-key").write_text("key of before")
    known = connection.get_connection_params()
    names = {key: known[key] for key in ("host", "port", "user", "password", "dbname") if known.get(key)}
    dsn = archive.make_conninfo("", **names)
    yield Place(tmp_path / "state", dsn, is_embedded=True)
    connections.close_all()
    with archive.psycopg.connect(dsn, dbname="postgres", autocommit=True) as server:
        found = "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
        for (name,) in server.execute(found, [names["dbname"] + "_before_"]).fetchall():
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def elsewhere() -> type[Elsewhere]:
    Elsewhere.opened, Elsewhere.times = {}, 0
    githosts.register("local", Elsewhere)
    yield Elsewhere
    githosts.register("local", LocalHost)


@pytest.fixture
def known(place) -> SimpleNamespace:
    people = company.people()
    company.repository()
    company.places()
    return people


def counts(place: Place) -> dict[str, int]:
    with place.connect() as connection:
        return archive.row_counts(connection)


@contextlib.contextmanager
def events_written_meanwhile(place: Place) -> Iterator[None]:
    """Another process goes on working, a commit every few milliseconds."""
    done = threading.Event()

    def write() -> None:
        with place.connect(autocommit=True) as own:
            while not done.wait(0.005):
                own.execute(EVENT)

    writer = threading.Thread(target=write)
    writer.start()
    yield
    done.set()
    writer.join()


def ask(by: Any, name: str) -> Request:
    return actions.submit(by=by, blueprint="web-service", answers=company.ANSWERS | {"name": name})


def test_drill(place, known, elsewhere, tmp_path, capsys):
    first = ask(known.mira, "before")
    run_due_effects()
    second = ask(known.mira, "meanwhile")
    with events_written_meanwhile(place):
        folder = backup.create(place, tmp_path / "to")
    rows = Manifest.read(folder).rows
    with tarfile.open(folder / archive.FILES) as tar:  # a branch is read before what it points at
        files = [("objects" in each.name.split("/")) for each in tar if each.isfile()]
    assert files == sorted(files)
    (place.state / "secret-key").write_text("key of after")
    run_due_effects()
    third = ask(known.mira, "afterwards")
    run_due_effects()
    numbers = {row.ref: elsewhere.opened[row.branch].number for row in (first, second, third)}
    connections.close_all()

    aside = restore.restore(place, folder)

    assert f"kept aside only: {third.ref}\n" in capsys.readouterr().out
    assert counts(place) == rows
    assert (place.state / "secret-key").read_text() == "key of before"
    second.refresh_from_db()
    assert (second.state, second.pull_number) == (State.PROPOSING, None)
    assert not Request.objects.filter(pk=third.pk).exists()
    run_due_effects()
    tasks.reconcile()
    run_due_effects()
    found = {row.ref: (row.state, row.pull_number) for row in Request.objects.all()}
    assert found == {row.ref: (State.IN_REVIEW, numbers[row.ref]) for row in (first, second)}
    assert elsewhere.times == 3
    assert ask(known.mira, "new").number > third.number  # whose branch is still there
    assert audit.verify().problems == []
    connections.close_all()

    restore.restore(place, aside)

    assert Request.objects.filter(pk=third.pk).exists()
    assert (place.state / "secret-key").read_text() == "key of after"
    assert [each.name for each in place.state.iterdir() if each.name.startswith("before-restore")] != [
        aside.name
    ]


def test_repositories_may_be_kept_as_they_are(place, known, tmp_path):
    """Then the branch of a pull request that the database forgot is found by its name."""
    row = ask(known.mira, "meanwhile")
    folder = backup.create(place, tmp_path / "to")
    run_due_effects()
    row.refresh_from_db()
    head = row.head_sha
    connections.close_all()
    restore.restore(place, folder, keep_repositories=True)
    run_due_effects()
    row.refresh_from_db()
    assert (row.state, row.head_sha) == (State.IN_REVIEW, head)


@pytest.fixture
def made(place, tmp_path) -> Path:
    """A small backup."""
    (place.state / "git").mkdir()
    return backup.create(place, tmp_path / "to")


def test_an_image_can_be_backed_up_from(place, tmp_path):
    """It holds what the Containerfile copies; the database is elsewhere."""
    image = tmp_path / "image"
    image.mkdir()
    for name in re.findall(r"^COPY (\S+) ", (embedded.ROOT / "deploy" / "Containerfile").read_text(), re.M):
        source, copy = embedded.ROOT / name, image / name
        if source.is_dir():
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy)
    environment = {**os.environ, "DATABASE_URL": place.dsn, "SLIPWAY_HOME": str(place.state)}
    command = [sys.executable, "-m", "portal.run.backup", str(tmp_path / "to")]
    done = subprocess.run(command, cwd=image, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    (folder,) = (tmp_path / "to").iterdir()
    assert Manifest.read(folder).slipway == __version__


def damage(folder: Path, name: str) -> None:
    path = folder / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def rewrite(folder: Path, **changes: Any) -> None:
    path = folder / archive.MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_what_cannot_be_restored_is_refused_and_nothing_is_lost(place, made, tmp_path, monkeypatch):
    """One after the other, because each backup costs a second."""
    rows = Manifest.read(made).rows
    with pytest.raises(Problem, match=f"not a complete backup; inside of it are {made.name}"):
        restore.restore(place, made.parent)
    cases = [
        (lambda copy: (copy / archive.MANIFEST).write_text("{"), "not a complete backup"),
        (lambda copy: rewrite(copy, audit="7:zz"), "not a complete backup"),
        (lambda copy: rewrite(copy, format=2), "format 2; this version reads format 1"),
        (lambda copy: rewrite(copy, migrations=["audit.0999_later"]), "newer Slipway .* audit.0999_later"),
        (lambda copy: damage(copy, archive.DATABASE), "database.dump is damaged"),
        (lambda copy: damage(copy, archive.FILES), "files.tar is damaged"),
        (lambda copy: (copy / archive.FILES).unlink(), "files.tar is damaged"),
        (lambda copy: rewrite(copy, rows=rows | {"audit_event": 7}), "audit_event has 0 rows instead of 7"),
        (lambda copy: rewrite(copy, database_bytes=2**60), "Restoring needs about"),
        (lambda copy: cut(copy), "pg_restore did not succeed"),
    ]
    for spoil, said in cases:
        copy = shutil.copytree(made, tmp_path / "spoilt")
        spoil(copy)
        with pytest.raises(Problem, match=said):
            restore.restore(place, copy)
        shutil.rmtree(copy)
    assert sorted(each.name for each in place.state.iterdir()) == ["git", "secret-key"]
    connections.close_all()
    assert counts(place) == rows


def cut(copy: Path, after: int = 5000) -> None:
    """A dump that ends early, with a checksum that says so is right."""
    dump = copy / archive.DATABASE
    dump.write_bytes(dump.read_bytes()[:after])
    sums = json.loads((copy / archive.MANIFEST).read_text())["sums"]
    rewrite(copy, sums=sums | {archive.DATABASE: archive.checksum(dump)})


def test_a_swap_that_fails_puts_everything_back(place, made):
    ready = place.state / "ready"
    (ready / "git" / "other").mkdir(parents=True)
    with pytest.raises(archive.psycopg.errors.InvalidCatalogName):
        restore.swap(place, "no_such_database", ready, "now")
    assert not (place.state / "git" / "other").exists()
    assert (ready / "git" / "other").exists()
    assert not (place.state / "before-restore-now").exists()


def test_a_backup_that_fails_leaves_nothing_behind(place, tmp_path, monkeypatch):
    monkeypatch.setattr(backup, "SPARE_BYTES", 2**60)
    with pytest.raises(Problem, match=r"The backup needs about .* MiB in "):
        backup.create(place, tmp_path / "to")
    monkeypatch.setattr(backup, "SPARE_BYTES", 0)
    missing = Place(place.state, place.at("no_such_database"), is_embedded=True)
    with pytest.raises(archive.psycopg.OperationalError):
        backup.create(missing, tmp_path / "to")
    with pytest.raises(Problem, match=r'pg_dump did not succeed: error: .*"no_such_database" does not exist'):
        archive.run_tool(missing, "pg_dump")
    assert list((tmp_path / "to").iterdir()) == []


def test_two_backups_in_one_second_leave_each_other_alone(place, tmp_path):
    other = tmp_path / "to" / "slipway-20260102-030405.partial"
    other.mkdir(parents=True)
    (other / archive.DATABASE).write_text("being written")
    with time_machine.travel("2026-01-02T03:04:05Z", tick=False), pytest.raises(FileExistsError):
        backup.create(place, tmp_path / "to")
    assert (other / archive.DATABASE).read_text() == "being written"


def test_commands_say_what_is_wrong(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SLIPWAY_HOME", str(tmp_path / "none"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert backup.main([""]) == 1
    assert "`make up` was never run here." in capsys.readouterr().err
    (tmp_path / "none").mkdir()
    with restore.only_one(tmp_path / "none"):
        assert restore.main([str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "Nothing was restored, nothing is lost. Slipway already runs in this folder" in said
    with pytest.raises(SystemExit):
        restore.main([])


def test_a_database_of_ones_own_is_restored_only_when_empty(place, made, tmp_path):
    theirs = Place(tmp_path / "elsewhere", place.dsn, is_embedded=False)
    theirs.state.mkdir()
    with pytest.raises(Problem, match=r"holds \d+ tables. Create an empty one"):
        restore.into_empty(theirs, made)
    assert Event.objects.count() == 0


@pytest.fixture
def empty(place, tmp_path) -> Iterator[Place]:
    """A database of one's own, on the same server, with nothing in it."""
    name = f"{place.database}_empty"
    with place.connect("postgres", autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
        (tmp_path / "elsewhere").mkdir()
        yield Place(tmp_path / "elsewhere", place.at(name), is_embedded=False)
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_a_database_of_ones_own_is_filled_as_a_whole_or_named(empty, made, tmp_path, monkeypatch, capsys):
    broken = shutil.copytree(made, tmp_path / "broken")
    cut(broken, (broken / archive.DATABASE).stat().st_size - 300)  # the tables come before that
    with pytest.raises(Problem, match="pg_restore did not succeed"):
        restore.into_empty(empty, broken)
    assert counts(empty) == {}
    rewrite(made, rows=Manifest.read(made).rows | {"audit_event": 7})
    monkeypatch.setenv("SLIPWAY_HOME", str(empty.state))
    monkeypatch.setenv("DATABASE_URL", empty.dsn)
    monkeypatch.setenv("SLIPWAY_MIGRATION_DATABASE_URL", empty.dsn)
    assert restore.main([str(made)]) == 1
    said = capsys.readouterr().err
    assert f"{empty.database} holds what was read, and it is not the whole backup" in said
    assert "Nothing was restored" not in said
    assert restore.may_be_filled(Place(empty.state, empty.at("no_such_database"), is_embedded=False))


SMALL = """
CREATE TABLE django_migrations (app text, name text);
CREATE SEQUENCE onboarding_request_number;
CREATE TABLE audit_event (id bigint, at timestamptz, actor text, actor_name text, action text,
                          object_type text, object_id text, summary text, details jsonb, request_id text);
CREATE TABLE audit_link (position bigint, event_id bigint, previous bytea, hash bytea);
INSERT INTO audit_link VALUES (1, 7, '', '');
"""


@pytest.fixture
def installation(monkeypatch) -> Iterator[Place]:
    """A server of its own, stopped, with the least of a database; pytest's folders are closed to it."""
    home = Path(tempfile.mkdtemp(prefix="slipway-drill-"))
    monkeypatch.setenv("SLIPWAY_HOME", str(home / "state"))
    for name in ("DATABASE_URL", "SLIPWAY_MIGRATION_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    place = archive.here()
    embedded.start_postgres(place.state)
    embedded.ensure_database(place.state)
    with place.connect() as connection:
        connection.execute(SMALL)
        known = [name.split(".") for name in [*archive.ours(), "auth.0001_initial"]]
        connection.cursor().executemany("INSERT INTO django_migrations VALUES (%s, %s)", known)
    embedded.stop_postgres(place.state)
    yield place
    embedded.stop_postgres(place.state)
    shutil.rmtree(home)


def test_commands_work_on_a_stopped_portal(installation, capfd):
    """Also on one whose audit was tampered with, and not on a backup that cannot be migrated."""
    (installation.state / "secret-key").write_text("key")
    target = backup.default_folder(installation.state)
    assert target.name == "state-backups"
    assert backup.main([]) == 0
    folder = next(target.iterdir())
    assert f"make restore FROM={folder}" in capfd.readouterr().out
    assert restore.main([str(folder)]) == 0
    said = capfd.readouterr().out
    assert "1 audit events are not what was written" in said
    rewrite(folder, migrations=["audit.0001_initial"])
    assert restore.main([str(folder)]) == 1
    assert "Nothing was restored, nothing is lost." in capfd.readouterr().err
    assert not embedded.postgres_answers(installation.state)
    assert not (installation.state / "restoring").exists()

"""A migration that finds its table in use gives way to the pages, and gets through in the end."""

import threading
import time

import psycopg
import pytest
from django.core.management import call_command
from django.db import OperationalError, connection, models
from django.test import Client

from portal.shell import migrating
from services.onboarding.models import Request
from tests.factories.people import member
from tests.run.test_leading import address

pytestmark = pytest.mark.django_db(transaction=True)
TABLE = Request._meta.db_table


@pytest.fixture
def long_query():
    """Somebody reads the table in a transaction that goes on; `close` ends it."""
    with psycopg.connect(address()) as somebody:
        somebody.execute(f"SELECT count(*) FROM {TABLE}")
        yield somebody


def add_column() -> None:
    field = models.TextField(null=True)
    field.set_attributes_from_name("of_a_test")
    with connection.schema_editor() as editor:
        editor.add_field(Request, field)


def drop_column() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {TABLE} DROP COLUMN IF EXISTS of_a_test")


def setting(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        return cursor.fetchone()[0]


def test_pages_go_on_while_a_migration_waits_for_a_long_query(long_query):
    said, waits, done = [], [], threading.Event()
    visitor = Client()
    visitor.force_login(member("mira", "checkout"))
    visitor.get("/requests/")

    def look_on() -> None:
        while not done.is_set():
            start = time.perf_counter()
            assert visitor.get("/requests/").status_code == 200
            waits.append(time.perf_counter() - start)
        connection.close()

    def told(text: str) -> None:
        said.append(text)
        if len(said) == 2:
            long_query.rollback()

    onlooker = threading.Thread(target=look_on)
    onlooker.start()
    try:
        migrating.patiently(add_column, say=told, lock_seconds=0.5, pause=0.2)
    finally:
        done.set()
        onlooker.join()
        drop_column()
    assert said[0] == "Somebody holds a lock (attempt 1 of 30); trying again in 0.2 s."
    assert len(said) == 2
    assert max(waits) < 0.5 + 4.0, "a page waited as long as the query"
    assert len(waits) >= 2


def test_a_migration_that_never_gets_its_lock_ends_with_the_reason(long_query):
    with pytest.raises(OperationalError, match="lock timeout"):
        migrating.patiently(add_column, say=lambda text: None, attempts=2, lock_seconds=0.1, pause=0)
    assert (setting("lock_timeout"), setting("statement_timeout")) == ("5s", "30s"), "its patience stayed"


def test_another_mistake_is_not_tried_again():
    said = []

    def broken() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 1; SELECT pg_sleep(1)")

    with pytest.raises(OperationalError, match="statement timeout"):
        migrating.patiently(broken, say=said.append)
    assert said == []


def test_one_migrates_at_a_time(capsys):
    with psycopg.connect(address(), autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [migrating.LOCK])
        with pytest.raises(OperationalError):
            call_command("migrate", verbosity=0, lock_seconds=0.1, attempts=1)
    call_command("migrate", verbosity=0, lock_seconds=0.1, attempts=1)

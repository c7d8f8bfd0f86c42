"""The first question of a request meets whatever became of the connection since the last one."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psycopg
import pytest
from django.db import DataError, connection

from portal.shell.postgres.asking import ask_first

pytestmark = pytest.mark.django_db
WHO = "SELECT pg_backend_pid(), current_setting('transaction_read_only')"


def begin():
    """As Django does at the start of each request."""
    connection.close_if_unusable_or_obsolete()
    return connection.connection


def elsewhere(run):
    """In a thread of its own, which has a connection of its own and no transaction."""

    def running():
        try:
            connection.ensure_connection()
            return run()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(running).result()


def test_one_that_is_well_is_asked_at_once():
    def run():
        before = begin().info.backend_pid
        with connection.execute_wrapper(lambda execute, *rest: asked.append(rest[0]) or execute(*rest)):
            found = ask_first(WHO, [])
        return found == [(before, "off")], connection.health_check_done

    asked: list[str] = []
    assert (elsewhere(run), asked) == ((True, True), [WHO])


@pytest.mark.parametrize(
    "broken", ["SELECT pg_terminate_backend(pg_backend_pid())", "SET default_transaction_read_only = on"]
)
def test_another_is_asked_for_one_that_is_broken_or_only_reads(broken):
    def run():
        before = begin()
        with suppress(psycopg.OperationalError):
            before.execute(broken)
        was, ((pid, only_reads),) = before.info.backend_pid, ask_first(WHO, [])
        return pid != was, only_reads

    assert elsewhere(run) == (True, "off")


def test_what_is_wrong_with_the_question_is_said():
    def run():
        begin()
        with pytest.raises(DataError):
            ask_first("SELECT 1 / %s", [0])

    elsewhere(run)


def test_within_a_transaction_the_connection_stays():
    """It is the one the transaction is on."""
    before = connection.connection
    connection.health_check_done = False
    ask_first(WHO, [])
    assert connection.connection is before

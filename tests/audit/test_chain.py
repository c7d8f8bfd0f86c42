"""The chain over the audit: written by the database, verified by Python, broken by whoever tampers."""

import io
import json
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import InternalError, ProgrammingError, connection, connections, transaction
from django.utils import timezone
from structlog.testing import capture_logs

from portal.celery import app
from services.audit import actions, pages, queries, tasks
from services.audit.chain import Head
from services.audit.models import Check, Event, Link

ODD = {"é\u2028": [1.50, -0.0, 1e30, None, True], "": {}, "\\": '"\n\t', "🙂": "e\u0301"}


def record(number: int, **columns) -> Event:
    return actions.record(
        by=None, action="thing.happened", object_type="thing", object_id=str(number), **columns
    )


def seal() -> None:
    """What COMMIT does."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


@pytest.fixture
def events(db) -> list[int]:
    """The ids of six events that are in the chain."""
    written = [record(n, summary=f"Zoë did {n}: ☃", details=ODD | {"n": n}).pk for n in range(6)]
    seal()
    return written


@pytest.fixture
def tamper(events) -> Iterator:
    """Run SQL as a superuser who has switched the triggers off."""

    def run(statement: str, *arguments: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(statement, arguments)
            cursor.execute("SET LOCAL session_replication_role = origin")

    return run


def test_what_the_database_sealed_python_finds_intact(events):
    report = actions.verify()
    assert (report.events, report.problems) == (6, [])
    assert list(Link.objects.values_list("event_id", flat=True)) == events
    assert str(report.head) == str(Link.objects.last())


COLUMNS = {
    "at": "at + interval '1 microsecond'",
    "actor": "'sam'",
    "actor_name": "actor_name || ' '",
    "action": "'thing.undone'",
    "object_type": "'other'",
    "object_id": "'7'",
    "summary": "'never mind'",
    "details": "details || '{\"n\": 2.0}'",
    "request_id": "'r'",
}


def test_every_column_is_in_the_hash():
    assert set(COLUMNS) == {field.name for field in Event._meta.fields} - {"id"}


@pytest.mark.parametrize("column", COLUMNS)
def test_a_changed_column_is_told(events, tamper, column):
    tamper(f"UPDATE audit_event SET {column} = {COLUMNS[column]} WHERE id = %s", events[2])
    assert actions.verify().broken == [events[2]]


FORGED = (
    "INSERT INTO audit_event"
    " (id, at, actor, actor_name, action, object_type, object_id, summary, details, request_id)"
    " VALUES (9000002, now(), 'sam', 'Sam', 'request.approved', 'thing', '1', '', '{}', '')"
)
REHASHED = "UPDATE audit_link SET hash = sha256(hash) WHERE position = 3"


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        (["DELETE FROM audit_event WHERE id = %(2)s"], [2]),
        (["DELETE FROM audit_event WHERE id >= %(4)s"], [4, 5]),
        (["DELETE FROM audit_event", "DELETE FROM audit_link WHERE position > 1"], [0]),
        (["DELETE FROM audit_event WHERE id = %(2)s", "DELETE FROM audit_link WHERE event_id = %(2)s"], [3]),
        (["UPDATE audit_event SET id = 9000001 WHERE id = %(1)s"], [1, 9000001]),
        (
            [
                "UPDATE audit_event SET id = 0 WHERE id = %(1)s",
                "UPDATE audit_event SET id = %(1)s WHERE id = %(4)s",
                "UPDATE audit_event SET id = %(4)s WHERE id = 0",
            ],
            [1, 4],
        ),
        (
            [
                "UPDATE audit_link SET position = 0 WHERE position = 2",
                "UPDATE audit_link SET position = 2 WHERE position = 5",
                "UPDATE audit_link SET position = 5 WHERE position = 0",
            ],
            [1, 2, 4, 5],
        ),
        ([REHASHED], [2, 3]),
        ([FORGED], [9000002]),
    ],
    ids=[
        "middle",
        "tail",
        "all",
        "with link",
        "renumbered",
        "swapped",
        "links swapped",
        "rehashed",
        "forged",
    ],
)
def test_the_ids_of_what_was_tampered_with_are_told(events, tamper, statements, expected):
    ids = {str(place): event for place, event in enumerate(events)}
    for statement in statements:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(statement, ids)
    assert actions.verify().broken == [events[each] if each < 6 else each for each in expected]


def test_a_tail_removed_with_its_links_is_told_by_a_noted_head(events, tamper):
    head = actions.verify().head
    tamper("DELETE FROM audit_event WHERE id = %s", events[5])
    tamper("DELETE FROM audit_link WHERE event_id = %s", events[5])
    assert actions.verify().problems == []
    assert actions.verify(noted=[head]).broken == [events[4]]


def write_anew(tamper, event: int) -> None:
    """Change an event and seal it again, as whoever owns the database could."""
    tamper("UPDATE audit_event SET summary = 'never mind' WHERE id = %s", event)
    tamper(
        "UPDATE audit_link l SET hash = sha256(l.previous || int8send(l.position) || audit_content(e))"
        " FROM audit_event e WHERE e.id = l.event_id AND e.id = %s",
        event,
    )


def test_a_chain_written_anew_is_told_by_a_noted_head(events, tamper):
    head = actions.verify().head
    write_anew(tamper, events[5])
    assert actions.verify().problems == []
    assert actions.verify(noted=[head]).broken == [events[5]]


def test_no_look_kept_in_the_database_overrules_a_head_noted_outside(events, tamper):
    head = actions.verify().head
    write_anew(tamper, events[5])
    forged = actions.check()
    assert forged.position == head.position
    assert actions.verify(noted=[head]).broken == [events[5]]
    assert run("--expect", str(head))[0] == 1
    assert len(actions.verify(noted=[head, Head(head.position, bytes(32))]).problems) == 2


def test_a_nightly_look_is_a_noted_head_and_tells_what_it_found(events, tamper):
    tasks.verify()
    tamper("DELETE FROM audit_link WHERE event_id = %s", events[5])
    tamper("DELETE FROM audit_event WHERE id = %s", events[5])
    tasks.verify()
    assert Check.objects.filter(is_finished=True).count() == 1  # one a day is enough
    Check.objects.update(at="2026-01-01T00:00Z")
    tasks.verify()
    assert [check.broken for check in Check.objects.filter(is_finished=True)] == [[events[4]], []]


def test_a_look_that_does_not_end_is_tried_again_the_next_day_only(events):
    looks = []

    def out_of_time(execute, query, params, many, context):
        if "statement_timeout" in query:
            looks.append(query)
            raise SoftTimeLimitExceeded
        return execute(query, params, many, context)

    with capture_logs() as logs, connection.execute_wrapper(out_of_time):
        tasks.verify()
        tasks.verify()
    assert [entry["event"] for entry in logs] == ["audit.unfinished"]
    assert (len(looks), queries.last_check()) == (1, None)
    assert [gauge.values for gauge in pages.gauges()] == [{(): float("inf")}]
    Check.objects.update(at=timezone.now() - timedelta(days=1))
    tasks.verify()
    assert queries.last_check().events == 6
    assert actions.verify().problems == []
    Check.objects.update(at=timezone.now() - timedelta(hours=5))
    (gauge,) = pages.gauges()
    assert (gauge.name, round(gauge.values[()], -2)) == ("slipway_audit_check_age_seconds", 5 * 3600)


def test_no_task_may_take_longer_than_brokers_wait_for_it(settings):
    """Redis as long as we say; RabbitMQ half an hour, unless told otherwise."""
    app.loader.import_default_modules()
    ours = {task.name: task for task in app.tasks.values() if not task.name.startswith("celery.")}
    longest = max(task.time_limit or 0 for task in ours.values())
    assert longest == ours["audit.verify"].time_limit == settings.LONGEST_TASK_SECONDS < 1800
    assert ours["audit.verify"].soft_time_limit < longest


@pytest.mark.parametrize("table", ["audit_event", "audit_link"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {}", "UPDATE {} SET {}"])
def test_triggers_refuse_even_a_superuser(events, table, statement):
    change = "summary = ''" if table == "audit_event" else "position = 0"
    with (
        connection.cursor() as cursor,
        pytest.raises((InternalError, ProgrammingError), match="append-only"),
    ):
        cursor.execute(statement.format(table, change))


def test_sealing_many_at_once_looks_each_up_by_index(db):
    """Else a bulk insert takes time by the square of its length."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE audit_link, audit_unsealed")  # the planner knows them to be empty
    before = rows_scanned()
    Event.objects.bulk_create(
        Event(actor="a", actor_name="A", action="b.c", object_type="d", object_id=str(n)) for n in range(500)
    )
    seal()
    assert rows_scanned() - before < 1000
    assert Link.objects.count() == 500


def rows_scanned() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(seq_tup_read) FROM pg_stat_xact_user_tables"
            " WHERE relname IN ('audit_link', 'audit_unsealed')"
        )
        return int(cursor.fetchone()[0] or 0)


@pytest.mark.django_db(transaction=True)
def test_writers_at_once_form_one_chain():
    """Also when one holds a row that a foreign key of the other asks for when it commits."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE parent (id int PRIMARY KEY)")
        cursor.execute("CREATE TABLE child (parent int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)")
        cursor.execute("INSERT INTO parent VALUES (0), (1)")
    barrier, errors = threading.Barrier(2, timeout=20), []

    def write(me: int) -> None:
        try:
            for round_ in range(15):
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute("SELECT FROM parent WHERE id = %s FOR UPDATE", [me])
                    record(round_)
                    if me and round_ % 2:
                        cursor.execute("INSERT INTO child VALUES (0)")
                    barrier.wait()
                barrier.wait()
        except Exception as error:  # whatever it was, the test tells
            errors.append(error)
            barrier.abort()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=write, args=[me]) for me in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE child, parent")
    assert errors == []
    report = actions.verify()
    assert (report.events, report.head.position, report.problems) == (30, 30, [])


def test_events_from_before_the_chain_are_chained(events, tamper):
    tamper("DELETE FROM audit_link")
    assert actions.verify().broken == events
    migration = __import__("importlib").import_module("services.audit.migrations.0004_chain_earlier_events")
    with connection.schema_editor(atomic=False) as editor:
        migration.chain_earlier_events(None, editor)
    seal()
    report = actions.verify()
    assert (report.events, report.problems) == (6, [])
    assert list(Link.objects.values_list("event_id", flat=True)) == events


def run(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("verify_audit", *arguments, stdout=out)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_command_prints_what_it_found(events, tamper):
    head = str(Link.objects.last())
    assert run() == (0, f"6 events, the chain is intact.\nHead: {head}\n")
    assert run("--expect", head)[0] == 0
    code, text = run("--format", "json")
    assert (code, json.loads(text)) == (0, {"events": 6, "broken": [], "problems": [], "head": head})
    tamper("UPDATE audit_event SET summary = '' WHERE id = %s", events[3])
    code, text = run("--format", "json")
    document = json.loads(text)
    assert (code, document["broken"]) == (1, [events[3]])
    assert run()[1].startswith(f"event {events[3]}: was changed\n6 events, 1 broken.\n")


@pytest.mark.parametrize("head", ["", "5", "5:zz", "x:00", "5:00", "-1:" + "00" * 32])
def test_command_refuses_what_is_no_head(db, head):
    with pytest.raises(CommandError) as refusal:
        call_command("verify_audit", f"--expect={head}")
    assert refusal.value.returncode == 2


def test_an_empty_audit_is_intact(db):
    assert run("--format", "json")[0] == 0
    assert actions.verify().head == Head(0, bytes(32))

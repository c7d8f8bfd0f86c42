"""What the application's own role may do: it connects for real, as web, worker and watcher do."""

from collections.abc import Iterator

import psycopg
import pytest
from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.management.base import CommandError
from django.db import connection
from psycopg import sql

from portal.shell import roles
from services.audit import queries

DENIED = psycopg.errors.InsufficientPrivilege
NEW = (
    "INSERT INTO audit_event"
    " (at, actor, actor_name, action, object_type, object_id, summary, details, request_id)"
    " VALUES (now(), 'mira', 'Mira', 'thing.happened', 'thing', '1', '', '{}', '') RETURNING id"
)


@pytest.fixture
def application(db) -> Iterator[psycopg.Connection]:
    """A connection of the application's role to the database of the tests; nothing is committed."""
    known = connection.get_connection_params()
    names = {"dbname": known["dbname"], "user": settings.DATABASE_ROLE}
    names |= {key: known[key] for key in ("host", "port") if known.get(key)}
    with psycopg.connect(**names) as own:
        yield own
        own.rollback()


def test_application_writes_events_that_are_chained(application):
    event = application.execute(NEW).fetchone()[0]
    application.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert application.execute("SELECT event_id FROM audit_link ORDER BY position DESC").fetchone() == (
        event,
    )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET summary = ''",
        "DELETE FROM audit_event",
        "TRUNCATE audit_event",
        "DROP TABLE audit_event",
        "ALTER TABLE audit_event DISABLE TRIGGER ALL",
        "ALTER TABLE audit_event DISABLE TRIGGER audit_event_append_only",
        "ALTER TABLE audit_event DROP COLUMN summary",
        "DROP TRIGGER audit_event_ask_for_seal ON audit_event",
        "CREATE TRIGGER mine BEFORE INSERT ON audit_event EXECUTE FUNCTION audit_event_append_only()",
        "CREATE RULE mine AS ON INSERT TO audit_event DO INSTEAD NOTHING",
        "CREATE OR REPLACE FUNCTION audit_seal() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "ALTER FUNCTION audit_content(audit_event) RENAME TO mine",
        "DROP FUNCTION audit_event_append_only() CASCADE",
        "INSERT INTO audit_link VALUES (1, 1, '', '')",
        "UPDATE audit_link SET position = 0",
        "DELETE FROM audit_link",
        "TRUNCATE audit_link",
        "DROP TABLE audit_link",
        "SELECT * FROM audit_unsealed",
        "INSERT INTO audit_unsealed VALUES (1, '')",
        "DELETE FROM audit_unsealed",
        "UPDATE audit_check SET broken = '[]'",
        "DELETE FROM audit_check",
        "UPDATE helpdesk_ticketevent SET data = '{}'",
        "DELETE FROM helpdesk_ticketevent",
        "DELETE FROM django_migrations",
        "SET session_replication_role = replica",
        "SET ROLE postgres",
        "SET SESSION AUTHORIZATION postgres",
        "CREATE TABLE mine (id int)",
        "CREATE SCHEMA mine",
        "ALTER ROLE slipway_app SUPERUSER",
    ],
)
def test_application_is_refused(application, statement):
    with pytest.raises(DENIED):
        application.execute(statement)


def test_a_table_of_its_own_does_not_lead_the_chain_astray(application):
    """Temporary tables come first in a search path that does not say otherwise."""
    application.execute("CREATE TEMP TABLE audit_link (LIKE public.audit_link)")
    application.execute("CREATE TEMP TABLE audit_unsealed (event_id bigint, content bytea)")
    event = application.execute(NEW).fetchone()[0]
    application.execute("SET CONSTRAINTS ALL IMMEDIATE")
    found = application.execute("SELECT event_id FROM public.audit_link ORDER BY position DESC").fetchone()
    assert found == (event,)


def test_application_may_use_every_other_table(application):
    """Each table it is not kept from: a model added later is granted by the next `migrate`."""
    for model in apps.get_models(include_auto_created=True):
        wanted = getattr(model, "privileges", roles.PRIVILEGES)
        for privilege in ("SELECT", "INSERT", "UPDATE", "DELETE"):
            query = "SELECT has_table_privilege(%s, %s)"
            granted = application.execute(query, [model._meta.db_table, privilege]).fetchone()[0]
            assert granted is (privilege in wanted), (model, privilege)


@pytest.mark.parametrize(
    ("table", "privilege"),
    [
        ("audit_unsealed", "INSERT"),
        ("audit_unsealed", "INSERT (content)"),
        ("audit_link", "INSERT (hash)"),
        ("audit_event", "UPDATE (summary)"),
        ("audit_check", "DELETE"),
    ],
)
def test_what_lets_it_forge_is_seen_and_taken_back(db, table, privilege):
    """Also on a table that no model speaks of."""
    assert not queries.can_be_rewritten()
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT {privilege} ON {table} TO {settings.DATABASE_ROLE}")
    assert queries.can_be_rewritten()
    roles.grant()
    assert not queries.can_be_rewritten()


def test_a_table_of_somebody_else_in_the_schema_does_not_stop_the_grant(db):
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE of_their_own")
        cursor.execute("CREATE TABLE theirs (id int)")
        cursor.execute("ALTER TABLE theirs OWNER TO of_their_own")
        cursor.execute("CREATE ROLE not_super; GRANT pg_read_all_data TO not_super")
        cursor.execute(
            "SELECT quote_ident(relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        )
        assert "theirs" in [name for (name,) in cursor.fetchall()]
        cursor.execute("SET LOCAL ROLE not_super")
        assert roles.own_tables(cursor) == []


@pytest.fixture
def divided(settings) -> dict[str, object]:
    """Another address for the owner than for the application."""
    settings.DATABASE_OWNER = settings.DATABASE_OWNER | {
        "PASSWORD": "another",
        "OPTIONS": {"sslmode": "prefer"},
    }
    return settings.DATABASE_OWNER


def test_the_owner_connects_with_the_options_of_its_address(db, divided):
    known = connection.copy()
    before = dict(known.settings_dict)
    with roles.as_owner(known):
        assert known.settings_dict["OPTIONS"] == {"sslmode": "prefer"}
        assert known.settings_dict["PASSWORD"] == "another"
        assert known.settings_dict["NAME"] == before["NAME"]
    assert known.settings_dict == before


def test_an_owner_of_another_database_is_refused(divided):
    divided["NAME"] = "elsewhere"
    said = "SLIPWAY_MIGRATION_DATABASE_URL names the database elsewhere, "
    with pytest.raises(CommandError, match=said), roles.as_owner():
        pass


def test_both_addresses_wait_for_a_server_equally_long():
    for given in (settings.DATABASES["default"], settings.DATABASE_OWNER):
        assert given["OPTIONS"]["connect_timeout"] == 5
        assert "lock_timeout" in given["OPTIONS"]["options"]


def test_granting_again_changes_nothing_and_takes_back_what_was_given(application, db):
    grants = "SELECT relname, relacl::text FROM pg_class WHERE relname LIKE 'audit%' ORDER BY 1"
    roles.grant()  # the first one writes down what goes without saying
    with connection.cursor() as cursor:
        cursor.execute(grants)
        before = cursor.fetchall()
        role = sql.Identifier(settings.DATABASE_ROLE)
        cursor.execute(sql.SQL("GRANT ALL ON audit_event, audit_link TO {}").format(role))
        assert queries.can_be_rewritten()
        roles.grant()
        cursor.execute(grants)
        assert cursor.fetchall() == before
    assert not queries.can_be_rewritten()


@pytest.mark.parametrize(("role", "ids"), [("", []), ("postgres", ["slipway.W010"])])
def test_check_tells_of_a_role_that_could_rewrite_the_audit(db, settings, role, ids):
    settings.DATABASE_ROLE = role or settings.DATABASE_ROLE
    assert [found.id for found in checks.run_checks(tags=["database"], databases=["default"])] == ids
    assert checks.run_checks(tags=["database"], databases=None) == []

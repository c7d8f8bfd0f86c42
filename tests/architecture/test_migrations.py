"""Migrations since the baseline take only short locks and leave the last release's code running."""

import pytest
from django.contrib.postgres import operations as postgres
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.migrations import Migration, operations
from django.db.migrations.state import ModelState, ProjectState
from django.db.models.functions import Now

from tests.architecture.expanding import after, dangers

# Version 0.1.0: nothing older was ever in use.
BASELINE = {
    "accounts": "0002_sign_in_failures",
    "audit": "0004_chain_earlier_events",
    "catalog": "0004_life_of_files",
    "clusters": "0001_initial",
    "effects": "0003_pulse",
    "helpdesk": "0001_initial",
    "integrations": "0001_initial",
    "onboarding": "0002_request_origin",
}
# Migrations that were looked at, and why they are safe all the same.
LISTED = {
    "accounts.0007_image_scope": "a unique column among people, a table of some thousands, rarely written",
    "catalog.0004_life_of_files": "updates orphans only, which are few; locks nothing else",
    "catalog.0007_sources": "unique among the sources, a table of few rows that is rarely written",
    "catalog.0009_search": "rewrites entities once, some seconds for 100,000; old code reads the same column",
    "catalog.0013_fill_facts": "fills a new column in batches; what old code writes meanwhile, tidying fills",
    "catalog.0018_holders": "adds triggers under a short lock; what old code writes, they note and name",
    "catalog.0019_fill_holders": "fills new columns in batches",
    "onboarding.0011_fill_made": "fills a table nobody reads yet, a row for each request that was merged",
    "onboarding.0012_deliveries": "unique among the requests that are open, of which there are few",
    "helpdesk.0010_words": "a new table and triggers under a short lock; what old code says, they note too",
    "helpdesk.0011_scale": "fills a new table in batches and builds indexes without blocking",
    "onboarding.0006_images": "unique among the requests that are open, of which there are few",
    "catalog.0020_tallies_by_holder": "counts the catalog once, a second for 100,000",
    "catalog.0022_revision": "adds triggers under a short lock; what old code writes, they note too",
}

CHECK = models.CheckConstraint(condition=models.Q(size__gt=0), name="large_enough")
INDEX = models.Index(fields=["size"], name="by_size")
OTHER = models.ForeignKey("app.thing", models.CASCADE, null=True)


def add(field):
    return operations.AddField("thing", "extra", field)


def alter(field):
    return operations.AlterField("thing", "name", field)


REFUSED = {
    "not null without a default of the database": add(models.IntegerField(default=0)),
    "unique column": add(models.IntegerField(null=True, unique=True)),
    "indexed column": add(models.IntegerField(null=True, db_index=True)),
    "foreign key": add(OTHER),
    "default computed a row": add(models.UUIDField(db_default=RandomUUID())),
    "generated column": add(
        models.GeneratedField(
            expression=models.F("size"), output_field=models.IntegerField(), db_persist=True
        )
    ),
    "other type": alter(models.IntegerField(null=True)),
    "narrower": alter(models.CharField(max_length=10, null=True)),
    "set not null": alter(models.CharField(max_length=50)),
    "index by alteration": alter(models.CharField(max_length=50, null=True, db_index=True)),
    "index": operations.AddIndex("thing", INDEX),
    "constraint": operations.AddConstraint("thing", CHECK),
    "concurrent in a transaction": postgres.AddIndexConcurrently("thing", INDEX),
    "removed column": operations.RemoveField("thing", "size"),
    "removed table": operations.DeleteModel("Thing"),
    "renamed column": operations.RenameField("thing", "size", "volume"),
    "renamed table": operations.RenameModel("Thing", "Item"),
    "Python": operations.RunPython(operations.RunPython.noop),
    "SQL": operations.RunSQL("SELECT 1"),
    "hidden": operations.SeparateDatabaseAndState([operations.RunSQL("SELECT 1")]),
}
ALLOWED = {
    "nullable column": add(models.IntegerField(null=True)),
    "column with a default of the database": add(models.IntegerField(default=0, db_default=0)),
    "time of the database": add(models.DateTimeField(db_default=Now())),
    "many to many": add(models.ManyToManyField("app.thing")),
    "wider": alter(models.CharField(max_length=80, null=True)),
    "text": alter(models.TextField(null=True)),
    "help text": alter(models.CharField(max_length=50, null=True, help_text="Its name")),
    "constraint not valid": postgres.AddConstraintNotValid("thing", CHECK),
    "validated": postgres.ValidateConstraint("thing", "large_enough"),
    "new table": operations.CreateModel("Crate", [("id", models.BigAutoField(primary_key=True))]),
    "reference that may be empty": operations.AlterField("box", "thing", OTHER),
    "state only": operations.SeparateDatabaseAndState([], [operations.RemoveField("thing", "size")]),
}


def said(*wanted, atomic=True):
    state = ProjectState()
    fields = [
        ("id", models.BigAutoField(primary_key=True)),
        ("name", models.CharField(max_length=50, null=True)),
        ("size", models.IntegerField()),
    ]
    state.add_model(ModelState("app", "Thing", fields))
    refers = ("thing", models.ForeignKey("app.thing", models.CASCADE))
    state.add_model(ModelState("app", "Box", [("id", models.BigAutoField(primary_key=True)), refers]))
    migration = Migration("0002_more", "app")
    migration.operations, migration.atomic = list(wanted), atomic
    return list(dangers(migration, state))


@pytest.mark.parametrize("name", REFUSED)
def test_what_locks_long_or_breaks_old_code_is_refused(name):
    assert len(said(REFUSED[name])) == 1


@pytest.mark.parametrize("name", ALLOWED)
def test_what_expands_is_allowed(name):
    assert said(ALLOWED[name]) == []


def test_what_is_concurrent_outside_a_transaction_is_allowed():
    assert said(postgres.AddIndexConcurrently("thing", INDEX), atomic=False) == []


def test_a_table_made_in_the_same_migration_may_get_everything():
    create = operations.CreateModel("Crate", [("id", models.BigAutoField(primary_key=True))])
    assert said(create, operations.AddField("crate", "size", models.IntegerField(unique=True))) == []


def test_every_migration_since_the_baseline_expands():
    found = {
        f"{migration.app_label}.{migration.name}": list(dangers(migration, state))
        for migration, state in after(BASELINE)
    }
    assert {name: told for name, told in found.items() if told and name not in LISTED} == {}


def test_what_is_listed_exists_and_says_why():
    names = {f"{migration.app_label}.{migration.name}" for migration, _ in after({})}
    assert set(LISTED) <= names
    assert all(len(reason) > 20 for reason in LISTED.values())
    assert {f"{app}.{name}" for app, name in BASELINE.items()} <= names


def test_older_migrations_would_not_all_pass():
    """The walk finds what is there: the first migrations were written before anything was in use."""
    assert any(told for migration, state in after({}) if (told := list(dangers(migration, state))))

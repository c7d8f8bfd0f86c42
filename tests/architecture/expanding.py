"""What a migration may do to a table in use: only what takes a short lock and leaves old code running.

Expand, migrate, contract: a release adds what the next one needs, and removes what the last one did not use.
"""

from collections.abc import Iterator
from typing import Any

from django.contrib.postgres import operations as postgres
from django.db import connection, models
from django.db.migrations import Migration, operations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

HARMLESS = (
    operations.CreateModel,
    operations.AlterModelOptions,
    operations.AlterModelManagers,
    operations.AlterModelTableComment,
    operations.RemoveIndex,
    operations.RemoveConstraint,
    operations.RenameIndex,
    postgres.AddIndexConcurrently,
    postgres.RemoveIndexConcurrently,
    postgres.AddConstraintNotValid,
    postgres.ValidateConstraint,
)
CONTRACTS = (operations.RemoveField, operations.DeleteModel)
RENAMES = (operations.RenameField, operations.RenameModel, operations.AlterModelTable)
CONCURRENT = (postgres.AddIndexConcurrently, postgres.RemoveIndexConcurrently)


def dangers(migration: Migration, before: ProjectState) -> Iterator[str]:
    """What `migration` would do to tables that exist in `before`, a sentence each."""
    state = before.clone()
    for operation in migration.operations:
        for part in _in_the_database(operation):
            if not _on_new_table(part, migration.app_label, before):
                yield from _danger(part, migration, state)
        operation.state_forwards(migration.app_label, state)


def _in_the_database(operation: Any) -> list[Any]:
    if isinstance(operation, operations.SeparateDatabaseAndState):
        return list(operation.database_operations)
    return [operation]


def _on_new_table(operation: Any, app: str, before: ProjectState) -> bool:
    name = getattr(operation, "model_name", None)
    return name is not None and (app, name.lower()) not in before.models


def _danger(operation: Any, migration: Migration, state: ProjectState) -> Iterator[str]:
    said = operation.describe()
    if isinstance(operation, CONCURRENT) and migration.atomic:
        yield f"{said}: needs atomic = False"
    elif isinstance(operation, HARMLESS):
        return
    elif isinstance(operation, operations.AddField):
        yield from (f"{said}: {why}" for why in _added(operation.field))
    elif isinstance(operation, operations.AlterField):
        model = state.models[migration.app_label, operation.model_name_lower]
        yield from (f"{said}: {why}" for why in _altered(model.fields[operation.name], operation.field))
    else:
        yield f"{said}: {_reason(operation)}"


def _reason(operation: Any) -> str:
    if isinstance(operation, CONTRACTS):
        return "code of the last release may still use it; list it once that no longer does"
    if isinstance(operation, RENAMES):
        return "code of the last release knows the old name; add, copy, remove over three releases"
    if isinstance(operation, operations.AddIndex):
        return "blocks writes while it builds; use AddIndexConcurrently"
    if isinstance(operation, operations.AddConstraint):
        return "reads the whole table under a lock; use AddConstraintNotValid, then ValidateConstraint"
    return "cannot be judged; list it with the reason why it is safe"


def _added(field: Any) -> Iterator[str]:
    if field.many_to_many:
        return
    if isinstance(field, models.GeneratedField):
        yield "rewrites the table"
    elif not field.null and field.db_default is models.NOT_PROVIDED:
        yield "NOT NULL without db_default: rows that old code writes are refused"
    if field.unique or field.db_index:
        yield "builds its index under a lock; add the column first, then the index concurrently"
    if isinstance(field.db_default, models.Func) and not isinstance(field.db_default, models.functions.Now):
        yield "a default that is computed a row rewrites the table"


def _altered(old: Any, new: Any) -> Iterator[str]:
    if old.null and not new.null:
        yield "SET NOT NULL reads the whole table under a lock; add a NOT VALID constraint first"
    if (new.unique or new.db_index) and not (old.unique or old.db_index):
        yield "builds its index under a lock"
    if old.is_relation and new.is_relation and _target(old) == _target(new):
        return
    was, becomes = old.db_type(connection), new.db_type(connection)
    if was != becomes and not _only_wider(was, becomes):
        yield f"{was} to {becomes} rewrites the table"


def _target(field: Any) -> str:
    """What a reference refers to; its column is of the same type as long as that is the same."""
    model = field.remote_field.model
    return str(model if isinstance(model, str) else model._meta.label).lower()


def _only_wider(was: str, becomes: str) -> bool:
    """varchar may grow, and become text, without a rewrite."""
    if not was.startswith("varchar"):
        return False
    sizes = [int(name.strip("varch()")) for name in (was, becomes) if name.startswith("varchar(")]
    return becomes == "text" or (len(sizes) == 2 and sizes[0] <= sizes[1])


def after(baseline: dict[str, str]) -> Iterator[tuple[Migration, ProjectState]]:
    """Every migration of our apps that came after the baseline, with the state of the models before it."""
    loader = MigrationLoader(None)
    for (app, name), migration in sorted(loader.disk_migrations.items()):
        if type(migration).__module__.startswith("services.") and name > baseline.get(app, ""):
            yield migration, loader.project_state((app, name), at_end=False)

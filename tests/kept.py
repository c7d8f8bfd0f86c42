"""What several tests look at is made once, in a transaction around them that is never committed."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.db import connection, transaction

Made = TypeVar("Made")


def made_once(blocker: Any, git: Path, make: Callable[[], Made]) -> Iterator[Made]:
    """For a fixture of wider scope: what `make` makes, its repositories in the folder `git`.

    Each test undoes what it changes of the rows, and takes a copy of the objects and of the folder.
    """
    before = settings.GIT_ROOT
    with blocker.unblock(), transaction.atomic():
        settings.GIT_ROOT = git
        made = make()
        connection.check_constraints()  # once here instead of after every test
        settings.GIT_ROOT = before
        yield made
        transaction.set_rollback(True)


def copy_repositories(git: Path) -> None:
    """To where this test has its repositories. Objects of git are never written again, so they are linked."""
    shutil.copytree(git, settings.GIT_ROOT, copy_function=_copy)


def _copy(source: str, target: str) -> None:
    (os.link if "/objects/" in source else shutil.copy2)(source, target)

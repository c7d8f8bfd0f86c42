import shutil
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client

from services.integrations.githosts.local import LocalHost
from tests.hostile import world as company
from tests.hostile.asking import Asked


@pytest.fixture(scope="package")
def founded(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SimpleNamespace]:
    """The company, once for all tests of the folder: each of them undoes what it changed.

    It is never committed. `git` is the folder of its repositories, to be copied.
    """
    git, before = tmp_path_factory.mktemp("company") / "git", settings.GIT_ROOT
    with django_db_blocker.unblock(), transaction.atomic():
        settings.GIT_ROOT = git
        people = company.people()
        world = company.build(people)
        settings.GIT_ROOT = before
        yield SimpleNamespace(people=people, world=world, git=git)
        transaction.set_rollback(True)


@pytest.fixture
def people(founded: SimpleNamespace, db: None) -> SimpleNamespace:
    return deepcopy(founded.people)


@pytest.fixture
def world(founded: SimpleNamespace, db: None, settings: Any) -> SimpleNamespace:
    shutil.copytree(founded.git, Path(settings.GIT_ROOT))
    world = deepcopy(founded.world)
    world.host = LocalHost()
    return world


@pytest.fixture(params=["nobody", "mira", "priya"])
def asked(request, people) -> Asked:
    """Somebody without an account, a product developer, a platform engineer."""
    client = Client()
    if request.param != "nobody":
        client.force_login(getattr(people, request.param))
    return Asked(client, request.param)

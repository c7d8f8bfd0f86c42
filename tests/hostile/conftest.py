from collections.abc import Iterator
from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from services.integrations.githosts.local import LocalHost
from tests.hostile import world as company
from tests.hostile.asking import Asked
from tests.kept import copy_repositories, made_once


@pytest.fixture(scope="package")
def founded(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SimpleNamespace]:
    """The company, once for all tests of the folder; `git` is where its repositories are, to be copied."""
    git = tmp_path_factory.mktemp("company") / "git"

    def found() -> SimpleNamespace:
        people = company.people()
        return SimpleNamespace(people=people, world=company.build(people), git=git)

    yield from made_once(django_db_blocker, git, found)


@pytest.fixture
def people(founded: SimpleNamespace, db: None) -> SimpleNamespace:
    return deepcopy(founded.people)


@pytest.fixture
def world(founded: SimpleNamespace, db: None) -> SimpleNamespace:
    copy_repositories(founded.git)
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

from types import SimpleNamespace

import pytest
from django.test import Client

from tests.hostile import world as company
from tests.hostile.asking import Asked


@pytest.fixture
def people(db) -> SimpleNamespace:
    return company.people()


@pytest.fixture
def world(people) -> SimpleNamespace:
    return company.build(people)


@pytest.fixture(params=["nobody", "mira", "priya"])
def asked(request, people) -> Asked:
    """Somebody without an account, a product developer, a platform engineer."""
    client = Client()
    if request.param != "nobody":
        client.force_login(getattr(people, request.param))
    return Asked(client, request.param)

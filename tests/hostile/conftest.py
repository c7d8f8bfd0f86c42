from types import SimpleNamespace

import pytest
from django.test import Client

from tests.hostile import world as company
from tests.hostile.asking import Asked


@pytest.fixture
def world(db) -> SimpleNamespace:
    return company.build()


@pytest.fixture(params=["nobody", "mira", "priya"])
def asked(request, world) -> Asked:
    """Somebody without an account, a product developer, a platform engineer."""
    client = Client()
    if request.param != "nobody":
        client.force_login(getattr(world, request.param))
    return Asked(client, request.param)

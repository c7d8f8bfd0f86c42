"""A database that is away or full is told as such, with a time to come back."""

import pytest
from django.db import connection
from django.test import Client

from tests.factories.people import member


@pytest.fixture
def visitor(db):
    client = Client(raise_request_exception=False)
    client.force_login(member("mira", "checkout"))
    return client


def test_a_page_without_its_database_says_come_back(visitor, monkeypatch):
    def away(execute, sql, params, many, context):
        from django.db import OperationalError

        raise OperationalError("too many clients already")

    with connection.execute_wrapper(away):
        response = visitor.get("/requests/")
    assert (response.status_code, response["Retry-After"]) == (503, "10")
    assert "too many clients" not in response.content.decode()
    assert visitor.get("/requests/").status_code == 200, "it did not recover by itself"


def test_a_mistake_of_ours_is_not_called_an_outage(visitor):
    def broken(execute, sql, params, many, context):
        raise ZeroDivisionError

    with connection.execute_wrapper(broken):
        response = visitor.get("/requests/")
    assert (response.status_code, "Retry-After" in response) == (500, False)

"""A database that is away or full is told as such, with a time to come back."""

import pytest
from django.db import OperationalError, connection
from django.test import Client

from tests.factories.people import member


@pytest.fixture
def visitor(db):
    client = Client(raise_request_exception=False)
    client.force_login(member("mira", "checkout"))
    return client


def test_a_page_without_its_database_says_come_back(visitor):
    with connection.execute_wrapper(_away):
        response = visitor.get("/requests/")
    assert (response.status_code, response["Retry-After"]) == (503, "10")
    assert "too many clients" not in response.content.decode()
    assert visitor.get("/requests/").status_code == 200, "it did not recover by itself"


def _away(execute, sql, params, many, context):
    raise OperationalError("too many clients already")


def test_what_was_typed_is_kept_though_nobody_could_ask_who_typed_it(visitor):
    with connection.execute_wrapper(_away):
        response = visitor.post("/new/web-service/", {"name": "wishlist <1>"})
    assert response.status_code == 503
    assert 'name="name" value="wishlist &lt;1&gt;"' in response.content.decode()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"no boundary", "multipart/form-data"),
        (b"&".join([b"a=1"] * 5000), "application/x-www-form-urlencoded"),
    ],
)
def test_a_body_that_cannot_be_read_is_no_second_mistake(visitor, body, kind):
    with connection.execute_wrapper(_away):
        assert visitor.post("/new/web-service/", body, content_type=kind).status_code == 503


def test_a_mistake_of_ours_is_not_called_an_outage(visitor):
    def broken(execute, sql, params, many, context):
        raise ZeroDivisionError

    with connection.execute_wrapper(broken):
        response = visitor.get("/requests/")
    assert (response.status_code, "Retry-After" in response) == (500, False)

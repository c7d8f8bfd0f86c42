"""An audit that cannot be written: the change it would tell of is refused too, and nothing typed is lost."""

import html
import re

import pytest
from django.conf import settings
from django.db import connection, transaction

from services.audit.models import Event
from services.effects.models import Effect
from services.helpdesk.models import Ticket
from services.onboarding.models import Request
from tests.hostile import world as company

pytestmark = pytest.mark.django_db
REQUEST = {
    "name": "wishlist",
    "owner": "checkout",
    "description": 'Keeps <products> & "things" for later.',
    "image": "registry.larkfield.shop/wishlist:1.0.0",
    "environments": ["staging"],
    "_token": "0123456789abcdef" * 2,
    "_intent": "submit",
}
QUESTION = {
    "title": "Checkout restarts",
    "body": "Every *ten* minutes",
    "category": "broken",
    "impact": "customers",
    "urgency": "now",
    "submission": "once",
}
FORMS = [("/new/web-service/", REQUEST, Request), ("/help/ask/", QUESTION, Ticket)]


@pytest.fixture
def mira(client) -> None:
    """Signed in, at a company with a deploy repository and environments; nothing happened before."""
    known = company.people()
    company.repository()
    company.places()
    client.force_login(known.mira)


@pytest.fixture
def unwritable(client):
    """The client's requests run as the application's role, which may read the audit but not add to it."""
    client.raise_request_exception = False
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"REVOKE INSERT ON audit_event FROM {settings.DATABASE_ROLE}")
        cursor.execute(f"SET LOCAL ROLE {settings.DATABASE_ROLE}")
        yield client
        cursor.execute("RESET ROLE")


@pytest.mark.parametrize(("url", "typed", "model"), FORMS)
def test_the_change_is_refused_and_nothing_is_lost(mira, unwritable, url, typed, model):
    answer = unwritable.post(url, typed)
    assert answer.status_code == 500
    assert (model.objects.count(), Event.objects.count(), Effect.objects.count()) == (0, 0, 0)
    kept = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', answer.text)
    expected = [(k, v) for k, vs in typed.items() for v in (vs if isinstance(vs, list) else [vs])]
    assert [(k, html.unescape(v)) for k, v in kept if k in typed] == expected


@pytest.mark.parametrize(("url", "typed", "model"), FORMS)
def test_with_the_privilege_the_same_role_does_it(mira, client, url, typed, model):
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {settings.DATABASE_ROLE}")
    assert client.post(url, typed).status_code == 302
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; RESET ROLE")
    assert model.objects.count() == 1
    assert Event.objects.exists()

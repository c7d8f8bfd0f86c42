"""Tokens for programs: made once, seen never, and what they open."""

import re
from datetime import timedelta

import pytest
import structlog
import time_machine
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from services.accounts import actions
from services.accounts.models import ApiToken, Membership
from services.audit.models import Event
from tests.factories.people import TeamFactory, UserFactory, member, platform_engineer

pytestmark = pytest.mark.django_db
NEW = {"token-name": "report", "token-scopes": ["catalog:read"], "token-days": "30", "token-owner": ""}
CHALLENGE = 'Bearer realm="slipway"'


@pytest.fixture
def mira():
    return member("mira", "checkout")


def make(by, **more):
    given = {"name": "report", "scopes": ["catalog:read"], "days": 30, **more}
    return actions.create_token(by=by, **given)


def bring(secret, method="get", path="/api/me", client=None, **more):
    client = client or Client(enforce_csrf_checks=True)
    return getattr(client, method)(path, headers={"Authorization": f"Bearer {secret}"}, **more)


def test_a_token_is_shown_once_and_kept_as_a_digest(client, mira):
    client.force_login(mira)
    page = client.post("/account/tokens/", NEW)
    secret = re.search(r'id="secret">(slipway_[\w-]{43})<', page.content.decode())[1]
    assert page["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    seen = bring(secret)
    assert (seen.json()["username"], seen["Cache-Control"]) == ("mira", "private, no-store")
    token = ApiToken.objects.get()
    assert secret not in str(token.__dict__)
    shown = client.get("/account/").content.decode()
    assert secret not in shown
    assert f"…{secret[-4:]}" in shown
    event = Event.objects.get(action="accounts.token_created")
    assert (event.actor, event.details["scopes"]) == ("mira", ["catalog:read"])
    assert secret not in str(event.__dict__)


def test_sent_twice_one_token_is_made(client, mira):
    client.force_login(mira)
    first, second = (client.post("/account/tokens/", NEW) for _ in range(2))
    assert (first.status_code, second.status_code, ApiToken.objects.count()) == (200, 422, 1)
    assert "There is a token report already" in second.content.decode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"token-scopes": ["catalog:everything"]},
        {"token-scopes": []},
        {"token-days": "36500"},
        {"token-name": ""},
        {"token-owner": "checkout"},
    ],
)
def test_what_cannot_be_is_not_made(client, mira, wrong):
    client.force_login(mira)
    assert client.post("/account/tokens/", NEW | wrong).status_code == 422
    assert not ApiToken.objects.exists()


def test_tokens_of_a_team_are_for_who_leads_it_or_runs_the_platform(client, mira):
    with pytest.raises(actions.Refused, match="Only who leads"):
        make(mira, team=TeamFactory(slug="checkout"))
    lead = member("sam", "checkout", role=Membership.Role.LEAD)
    client.force_login(lead)
    page = client.post("/account/tokens/", NEW | {"token-owner": "checkout"}).content.decode()
    token = ApiToken.objects.get()
    assert (token.team.slug, token.user) == ("checkout", None)
    secret = re.search(r"slipway_[\w-]{43}", page)[0]
    assert bring(secret).json()["name"] == "report of Checkout"
    assert make(platform_engineer(), name="other", team=token.team)[0].owner == token.team


def test_one_revokes_ones_own_and_no_other(client, mira):
    token, secret = make(mira)
    other, _ = make(UserFactory(username="jonas"))
    client.force_login(mira)
    assert client.post(f"/account/tokens/{other.pk}/revoke/").status_code == 404
    for _ in range(2):
        actions.revoke_token(token=token, by=mira)
    assert client.post(f"/account/tokens/{token.pk}/revoke/").status_code == 404
    assert bring(secret).status_code == 401
    assert Event.objects.filter(action="accounts.token_revoked").count() == 1
    make(mira)  # the name is free again


def test_revoking_works_from_the_page(client, mira):
    token, _ = make(mira)
    client.force_login(mira)
    assert client.post(f"/account/tokens/{token.pk}/revoke/")["Location"] == "/account/"
    token.refresh_from_db()
    assert token.state_at(timezone.now()) == "revoked"


@pytest.mark.case("Z7")
@pytest.mark.parametrize("wrong", ["revoked", "expired", "inactive", "unknown", "scheme", "empty", "session"])
def test_what_does_not_count_is_nobody(mira, wrong):
    """Not even where a session would have: what is brought decides."""
    token, secret = make(mira)
    client = Client()
    header = f"Bearer {secret}"
    if wrong == "revoked":
        actions.revoke_token(token=token, by=mira)
    elif wrong == "expired":
        ApiToken.objects.update(expires_at=timezone.now())
    elif wrong == "inactive":
        mira.is_active = False
        mira.save()
    elif wrong == "session":
        client.force_login(mira)
    header = {"unknown": header + "x", "scheme": f"Basic {secret}", "empty": "", "session": "Bearer x"}.get(
        wrong, header
    )
    answer = client.get("/api/me", headers={"Authorization": header})
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, CHALLENGE)
    assert answer.json()["error"]["name"] == "AuthenticationError"


def test_scopes_methods_and_addresses_are_refused_in_json(mira):
    _, secret = make(mira, scopes=["catalog:write"])
    assert [bring(secret, path=path).status_code for path in ("/api/me", "/api/openapi.json")] == [200, 200]
    place = "/api/catalog/entity-facets"
    found = [bring(secret, path=place), bring(secret, "put", path=place), bring(secret, path="/api/nothing")]
    assert [answer.status_code for answer in found] == [403, 405, 404]
    assert [answer.json()["response"]["statusCode"] for answer in found] == [403, 405, 404]
    assert found[0].json()["error"]["message"] == "This token lacks the scope catalog:read."
    assert found[1]["Allow"] == "GET, HEAD, POST"


def test_a_token_opens_no_page_and_a_session_needs_its_form_token(mira):
    _, secret = make(mira)
    assert bring(secret, path="/account/")["Location"] == "/sign-in/?next=/account/"
    assert bring(secret, "post", "/account/theme/", data={"theme": "dark"}).status_code == 403
    client = Client(enforce_csrf_checks=True)
    assert client.post("/api/me").status_code == 401
    client.force_login(mira)
    assert client.get("/api/me").json()["scopes"] is None
    refused = client.post("/api/me")
    assert (refused.status_code, refused.json()["error"]["name"]) == (403, "NotAllowedError")
    assert "X-CSRFToken" in refused.json()["error"]["message"]
    assert bring(secret, "post", client=client).status_code == 405  # the token decides, not the session


def test_the_last_use_is_written_once_a_minute(mira, django_assert_num_queries):
    token, secret = make(mira)
    now = timezone.now()
    for later, seen, queries in ((0, 0, 2), (59, 0, 1), (61, 61, 2)):
        travelled = time_machine.travel(now + timedelta(seconds=later), tick=False)
        with travelled, django_assert_num_queries(queries):
            bring(secret)
        token.refresh_from_db()
        assert token.last_used_at == now + timedelta(seconds=seen)


def test_the_log_says_which_token(mira):
    token, secret = make(mira)
    bound = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(structlog.contextvars, "bind_contextvars", lambda **kw: bound.append(kw))
        bring(secret)
    assert {"token_id": token.pk, "user_id": mira.pk} in bound


@pytest.mark.parametrize("wrong", [{"scopes": ["catalog:all"]}, {"user": None}])
def test_the_database_refuses_it_too(mira, wrong):
    token, _ = make(mira)
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiToken.objects.filter(pk=token.pk).update(**wrong)

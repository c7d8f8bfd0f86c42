"""L4 of the attack list: a secret pasted into a text is told before it is sent, and kept by nobody."""

import json
import time

import pytest

from portal.shell import pasted
from services.clusters.redaction import redact_text
from services.effects.models import Effect
from services.helpdesk.models import Message, Ticket
from services.helpdesk.redaction import redact
from services.onboarding.models import State
from tests.factories.tickets import ticket
from tests.hostile.test_leaks import stored

pytestmark = [pytest.mark.case("L4"), pytest.mark.django_db]
CANARY = "c4n4ry9d21"
SECRETS = {
    "a private key": f"-----BEGIN RSA PRIVATE KEY-----\nMII{CANARY}\n-----END RSA PRIVATE KEY-----",
    "a password in an address": f"it says postgres://app:{CANARY}@db:5432/shop",
    "a token": f"I used ghp_{CANARY}abcdefghijklmnop",
    "a password or token": f"DB_PASSWORD={CANARY} and then?",
    "a password or token ": f'curl -H "Authorization: Bearer {CANARY}.x.y"',
    "a token ": f"eyJhbGciOi{CANARY}.eyJzdWIiOi.c2lnbmF0",
}
QUESTION = {"title": "x", "body": "y", "impact": "me", "urgency": "later", "category": "broken"}


@pytest.mark.parametrize("what", SECRETS)
def test_a_ticket_with_a_secret_is_sent_masked_or_not_at_all(client, people, what):
    client.force_login(people.mira)
    asked = {**QUESTION, "body": SECRETS[what]}
    refused = client.post("/help/ask/", asked)
    page = refused.content.decode()
    assert refused.status_code == 422
    assert f"looks like it holds {what.strip()}" in page
    assert 'name="masked"' in page
    assert not Ticket.objects.filter(title="x").exists()
    sent = client.post("/help/ask/", {**asked, "masked": "1"})
    assert pasted.BLANK in Message.objects.get(ticket__title="x").body
    assert CANARY not in client.get(sent.url).content.decode() + stored()


def test_titles_and_replies_are_looked_at_too(client, people):
    client.force_login(people.mira)
    refused = client.post("/help/ask/", {**QUESTION, "title": SECRETS["a token"]})
    assert refused.context["form"].has_error("title")
    made = ticket(by=people.mira)
    said = {"body": SECRETS["a token"], "vis": "public"}
    refused = client.post(f"/help/{made.key}/reply/", said)
    assert (refused.status_code, made.messages.count()) == (422, 1)
    assert CANARY in refused.content.decode()  # what was typed is still there, for its author alone
    assert client.post(f"/help/{made.key}/reply/", {**said, "masked": "1"}).status_code == 302
    assert made.messages.count() == 2
    assert CANARY not in stored()


def test_what_is_written_at_a_request_is_masked(client, world):
    row = world.requests[State.IN_REVIEW]
    client.force_login(world.sam)
    path = f"/requests/{row.ref}/changes/comment/"
    page = client.post(path, {"body": SECRETS["a token"], "key": "k"}, follow=True).content.decode()
    assert "looked like a token was masked" in page
    client.post(f"/requests/{row.ref}/reject/", {"reason": SECRETS["a password in an address"]})
    assert Effect.objects.filter(kind="onboarding.comment").exists()
    assert CANARY not in stored()


@pytest.mark.parametrize(
    "text",
    [
        "The secret checkout-db is missing, and the token: expired",
        "password: <yours>, api_key=${API_KEY}, token=•••",
        "https://git.larkfield.shop/shop/deploy/commit/0123456789abcdef",
        "secretKeyRef: name: db, key: url",
        "postgres://db:5432/shop does not answer; user@host:22",
        "registry.larkfield.shop/web@sha256:" + "0a" * 32,
    ],
)
def test_talk_about_secrets_is_no_secret(text):
    assert pasted.suspects(text) == []


LONG = (
    "a",
    "a-",
    "a.",
    "eyJ",
    "eyJ-",
    "token",
    "token ",
    "://a:",
    "a://b",
    "bearer ",
    "a+",
    "-----BEGIN ",
    "x" * 99 + "://",
)


@pytest.mark.case("P6")
@pytest.mark.parametrize("text", LONG)
def test_looking_for_secrets_takes_no_time(text):
    """Logs of containers pass through here, whatever they print."""
    text = text * (20_000 // len(text))
    started = time.process_time()
    for look in (redact_text, redact, pasted.suspects, pasted.masked):
        look(text)
    assert time.process_time() - started < 1
    assert json.dumps(redact({"log": text}))

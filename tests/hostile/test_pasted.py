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
    path, said = f"/requests/{row.ref}/reject/", {"reason": SECRETS["a password in an address"]}
    page = client.post(path, said, follow=True).content.decode()
    assert "looked like a password in an address was masked" in page
    assert Effect.objects.filter(kind="onboarding.comment").exists()
    assert CANARY not in stored()


ORDINARY = """\
How do I set up basic authentication?
Please add basic monitoring, and basic Kubernetes-1.33 alerts
basic auth; Basic OAuth2/OIDC; the bearer of R-1001
Does the bearer authentication of the bearer oauth2-proxy expire?
The token expired, and the password reset of 2024-06-01 did not help
I forgot my password. password:
The secret checkout-db is missing, and the token: expired
secretName: payments-tls-2024
secretRef: db-credentials-2024, passwordSecretRef=db-credentials-2024
{"secretName": "payments-tls-2024", "token_type": "oauth2-bearer"}
password: <yours>, api_key=${API_KEY}, token=•••
password: ${DB_PASSWORD_2024}, token=$TOKEN_2024
password = os.environ["DB_PASSWORD"]
token = base64.b64decode(data2024), secret = vault.read("db/team1")
if password==expected_value2: pass
valueFrom: secretKeyRef: name: db, key: url
DB_PASSWORD_FILE=/run/secrets/db2, tokenTTL: 3600seconds
image: registry.larkfield.shop/token:v1.4.2-rc1, password-reset:2.10.3-alpine
token_url: https://login.larkfield.shop/oauth2/token
https://git.larkfield.shop/shop/deploy/commit/0123456789abcdef
postgres://db:5432/shop does not answer; user@host:22
sk-learn-contrib and task-runner-2024 and disk-0123456789abc
Authorization: missing permissions, though it says Authorization: Basic authentication"""
ORDINARY = [*ORDINARY.splitlines(), "password: \nhost=db1.example.com", f"web@sha256:{'0a' * 32}"]


@pytest.mark.parametrize("text", ORDINARY)
def test_talk_about_secrets_is_no_secret(text):
    assert pasted.suspects(text) == []
    assert pasted.masked(text) == text


REAL = f"""\
Authorization: Bearer {CANARY}
-H 'authorization: basic {CANARY}abc'
"Authorization": "Bearer {CANARY}"
Bearer {CANARY}0123456789
I sent basic dXNlcjpw{CANARY}Q29ycmVjdA==
DB_PASSWORD={CANARY}
password: "{CANARY}"
"clientSecret": "{CANARY}"
the api key: {CANARY}
AWS_SECRET_ACCESS_KEY = {CANARY}/x
secretName: x, token={CANARY}
amqp://app:{CANARY}@mq:5672
github_pat_{CANARY}_abc
sk-proj-{CANARY}0123
glpat-{CANARY}
xoxb-{CANARY}
AKIA{CANARY}0123"""


@pytest.mark.parametrize("text", REAL.splitlines())
def test_a_secret_is_found_in_whatever_it_stands(text):
    assert pasted.suspects(text)
    assert CANARY not in pasted.masked(text) + redact(text)


@pytest.mark.parametrize("text", REAL.splitlines()[-5:])
def test_every_place_knows_every_shape_of_token(text):
    assert CANARY not in redact_text(text)


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

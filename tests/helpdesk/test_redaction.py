"""Nothing that looks like a secret, or stands under a secret's name, is frozen into a ticket."""

import json

import pytest

from services.helpdesk.redaction import BLANK, redact
from tests.factories.tickets import ticket

SECRETS = {
    "env": [{"name": "DB_PASSWORD", "value": "hunter2-plain"}, {"name": "MODE", "value": "fast"}],
    "database_url": "postgres://app:s3cr3t-pw@db:5432/shop",
    "data": {"apiKey": "abcd-1234-efgh", "client_secret": ["one-secret", "two-secret"]},
    "message": "login failed for token=qwertz123456, retrying with Authorization: Bearer abcdef0123456789",
    "log": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl and ghp_abcdefghijklmnopqrstuvwxyz0123",
    "pem": "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
    "cut": "-----BEGIN PRIVATE KEY-----\nMIIEvQ",
    "session_cookie": "sid-987654321",
}
LEAKS = [
    "hunter2",
    "s3cr3t",
    "abcd-1234",
    "one-secret",
    "two-secret",
    "qwertz",
    "abcdef0123",
    "eyJ",
    "ghp_",
    "MIIE",
    "sid-987",
]


@pytest.mark.parametrize("leak", LEAKS)
def test_secrets_are_blanked(leak: str) -> None:
    assert leak not in json.dumps(redact(SECRETS))


def test_what_helps_stays() -> None:
    kept = redact(
        {
            "secretKeyRef": {"name": "db", "key": "url"},
            "secretName": "checkout-db",
            "tokenCount": 3,
            "restarts": 4,
            "password": "",
            "host": "postgres://db:5432/shop",
            "env": [{"name": "MODE", "value": "fast"}],
            "message": 'secret "checkout-db" not found',
            "ok": [True, None, 1.5],
        }
    )
    assert BLANK not in json.dumps(kept, ensure_ascii=False)


@pytest.mark.django_db
def test_a_ticket_keeps_no_secret() -> None:
    made = ticket(snapshot=SECRETS)
    made.refresh_from_db()
    frozen = json.dumps(made.snapshot)
    assert not [leak for leak in LEAKS if leak in frozen]
    assert made.snapshot_at is not None
    assert ticket(snapshot=None, title="Without").snapshot_at is None

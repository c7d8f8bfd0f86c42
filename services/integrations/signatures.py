"""Proving that a webhook comes from the git host it says it comes from."""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from typing import Final

Headers = Mapping[str, str]
SKEW: Final = 300  # seconds a signed time may be off
# By what a delivery is told from others.
IDS: Final = {
    "github": ("X-GitHub-Delivery",),
    "gitlab": ("webhook-id", "Idempotency-Key", "X-Gitlab-Event-UUID"),
    "gitea": ("X-Gitea-Delivery",),
}


def proves(provider: str, secret: str, headers: Headers, body: bytes) -> bool:
    """Whether the raw body is signed with the secret; without a secret nothing is. In constant time."""
    key = secret or secrets.token_hex()
    if provider == "gitlab":
        good = _gitlab(key, headers, body)
    else:
        wanted = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
        if provider == "github":
            good = _same(headers.get("X-Hub-Signature-256", ""), f"sha256={wanted}")
        else:
            good = _same(headers.get("X-Gitea-Signature", ""), wanted)
    return good and bool(secret)


def _same(said: str, wanted: str) -> bool:
    return hmac.compare_digest(said.encode(errors="replace"), wanted.encode())


def _gitlab(key: str, headers: Headers, body: bytes) -> bool:
    """A signature as Standard Webhooks has it, where there is one; else the plain token."""
    said = headers.get("webhook-signature")
    if said is None:
        return _same(headers.get("X-Gitlab-Token", ""), key)
    at = headers.get("webhook-timestamp", "")
    if not (at.isascii() and at.isdigit() and len(at) < 12 and abs(time.time() - int(at)) <= SKEW):
        return False
    told = f"{headers.get('webhook-id', '')}.{at}.".encode(errors="replace") + body
    wanted = base64.b64encode(hmac.digest(key.encode(), told, "sha256")).decode()
    return any(_same(each, f"v1,{wanted}") for each in said.split(" "))

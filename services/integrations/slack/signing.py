"""Proving that a webhook comes from Slack: version 0 of its signatures, over the raw body and a time."""

import hashlib
import hmac
import time
from collections.abc import Mapping

from services.integrations import signatures

TIME, SIGNATURE = "X-Slack-Request-Timestamp", "X-Slack-Signature"


def proves(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether the body is signed with the secret, within five minutes; without a secret nothing is."""
    at = headers.get(TIME, "")
    timely = at.isascii() and at.isdigit() and len(at) < 12
    if not (secret and timely and abs(time.time() - int(at)) <= signatures.SKEW):
        return False
    said = headers.get(SIGNATURE, "").encode(errors="replace")
    return hmac.compare_digest(said, sign(secret, at, body).encode())


def sign(secret: str, at: str, body: bytes) -> str:
    """`v0=` and the keyed hash of version, time and body."""
    return "v0=" + hmac.new(secret.encode(), f"v0:{at}:".encode() + body, hashlib.sha256).hexdigest()

"""Headers of Slack's webhooks, made by its own recipe and not by ours."""

import hashlib
import hmac
import time


def signed(body: bytes, secret: str, *, at: str = "") -> dict[str, str]:
    when = at or str(int(time.time()))
    base = b"v0:" + when.encode() + b":" + body
    told = "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": when, "X-Slack-Signature": told}

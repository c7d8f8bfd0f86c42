"""Marks that nobody sees and only the portal can make: by them it finds on a host what it said there.

A mark is bound to what it is about, so one that is copied elsewhere says nothing.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping

from django.conf import settings

_MARK = re.compile(r"<!-- slipway:([a-z]+):([\w-]*={0,2}):([0-9a-f]{32}) -->")


def mac(*about: str) -> str:
    """A fingerprint of these words that needs the installation's key."""
    key = b"slipway git host marks\0" + settings.SECRET_KEY.encode()
    told = "\0".join(about).encode()
    return hmac.new(hashlib.sha256(key).digest(), told, hashlib.sha256).hexdigest()[:32]


def mark(kind: str, about: str, said: Mapping[str, str]) -> str:
    packed = base64.urlsafe_b64encode(json.dumps(said, sort_keys=True).encode()).decode()
    return f"<!-- slipway:{kind}:{packed}:{mac(kind, about, packed)} -->"


def read(kind: str, about: str, text: str) -> dict[str, str] | None:
    """What the mark of this kind says; None when there is none of ours."""
    for found, packed, signed in _MARK.findall(text):
        if found == kind and hmac.compare_digest(signed, mac(kind, about, packed)):
            return {str(k): str(v) for k, v in json.loads(base64.urlsafe_b64decode(packed)).items()}
    return None


def without(text: str) -> str:
    return _MARK.sub("", text.replace("\r\n", "\n")).rstrip()

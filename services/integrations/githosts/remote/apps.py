"""Signing in to GitHub as an app: a key of the app buys tokens that end within the hour."""

import base64
import json
import time
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from services.integrations.errors import Unauthorised
from services.integrations.rest import Http

from .dialect import moment, needed

VALID, EARLY = 540, 120  # seconds: GitHub takes at most ten minutes, and a token is renewed before it ends


class AppToken:
    """The headers of an installation; a token is asked for when there is none that lasts."""

    def __init__(self, http: Http, installation: str) -> None:
        """`http` speaks as the app itself."""
        self._http, self._installation = http, installation
        self._grant: dict[str, Any] = {}
        self._ends = 0.0

    def grant(self) -> Mapping[str, Any]:
        """The token as GitHub gave it: with its permissions."""
        if time.time() > self._ends - EARLY:
            path = f"/app/installations/{int(self._installation)}/access_tokens"
            self._grant = self._http.send("POST", path, {}).object()
            self._ends = moment(self._grant.get("expires_at")).timestamp()
        return self._grant

    def close(self) -> None:
        self._http.close()

    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {needed(self.grant(), 'token')}"}


def signed(app: str, key: RSAPrivateKey) -> str:
    """A JSON Web Token of the app itself, a minute old lest clocks differ."""
    now = int(time.time()) - 60
    said = ({"alg": "RS256", "typ": "JWT"}, {"iat": now, "exp": now + VALID, "iss": app})
    told = ".".join(_packed(json.dumps(each).encode()) for each in said)
    return f"{told}.{_packed(key.sign(told.encode(), PKCS1v15(), SHA256()))}"


def rsa_key(pem: str) -> RSAPrivateKey:
    """Raises Unauthorised for what is no RSA key without a password."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Unauthorised("The app's private key cannot be read.") from error
    if not isinstance(key, RSAPrivateKey):
        raise Unauthorised("The app's private key is not an RSA key.")
    return key


def _packed(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

"""Keeping cluster tokens: sealed with a key made from the installation's secret, opened only to connect."""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings


class CannotOpen(Exception):
    """The secret key changed since this was sealed: the token must be entered again."""


def _fernet() -> Fernet:
    digest = hashlib.sha256(b"slipway cluster token\0" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))


def seal(text: str) -> str:
    return _fernet().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Raises CannotOpen for what another key sealed."""
    try:
        return _fernet().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise CannotOpen("The token was sealed with another secret key.") from error

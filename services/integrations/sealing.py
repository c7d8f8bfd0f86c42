"""Keeping secrets of the outside world: sealed with a key of the installation, opened only to use."""

import base64
import hashlib
from dataclasses import dataclass

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings


class CannotOpen(Exception):
    """The secret key changed since this was sealed: the token must be entered again."""


@dataclass(frozen=True)
class Sealer:
    """One key for each purpose, so that what was sealed for one opens for no other."""

    purpose: str

    def _fernet(self) -> Fernet:
        told = self.purpose.encode() + b"\0" + settings.SECRET_KEY.encode()
        return Fernet(base64.urlsafe_b64encode(hashlib.sha256(told).digest()))

    def seal(self, text: str) -> str:
        return self._fernet().encrypt(text.encode()).decode()

    def unseal(self, sealed: str) -> str:
        """Raises CannotOpen for what another key sealed."""
        try:
            return self._fernet().decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise CannotOpen("The token was sealed with another secret key.") from error

"""Cursors: where a page begins, with all that was asked, signed so that nobody can ask otherwise.

A client only looks whether one is base64 of JSON with `query` in it, which it then sends by POST.
"""

import base64
import binascii
import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from django.core import signing

from portal.shell.api import ApiError

SALT: Final = "catalog.cursor"
LONGEST: Final = 100_000


@dataclass(frozen=True)
class Asked:
    """A question without its page."""

    filters: tuple[str, ...] = ()
    query: Any = None
    term: str = ""
    keys: tuple[str, ...] = ()
    order: str = "metadata.uid"
    descending: bool = False
    wants_total: bool = True

    @property
    def is_narrow(self) -> bool:
        """Whether all that is found has to be read for one page, most likely, so that counting it is free."""
        return bool(self.term) or any("relations." in text for text in self.filters)


@dataclass(frozen=True)
class Cursor:
    """Before or after a place; `total` is that of the first page."""

    asked: Asked
    value: str
    pk: int
    is_back: bool
    total: int

    def written(self) -> str:
        signed = signing.dumps(asdict(self), salt=SALT, compress=True)
        told = {"at": signed} if self.asked.query is None else {"query": True, "at": signed}
        return base64.b64encode(json.dumps(told).encode()).decode()


def read(text: str) -> Cursor:
    """Refuses what this portal has not written."""
    try:
        told = json.loads(base64.b64decode(text, validate=True))
        given = signing.loads(told["at"], salt=SALT)
        asked = Asked(**given.pop("asked"))
    except (ValueError, TypeError, KeyError, AttributeError, binascii.Error, signing.BadSignature) as error:
        raise ApiError("Malformed cursor, could not be decoded.") from error
    tuples = {"filters": tuple(asked.filters), "keys": tuple(asked.keys)}
    return Cursor(Asked(**{**asdict(asked), **tuples}), **given)

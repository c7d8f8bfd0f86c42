"""Numbers and tokens in an address."""

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping

from portal.demo.cluster.status import ApiError
from portal.demo.cluster.store import Store

Place = tuple[str, str]  # namespace and name


def start(token: str, store: Store) -> tuple[str, Place]:
    """The version a list is of, and the place after which the page begins."""
    if not token:
        return str(store.version), ("", "")
    try:
        version, namespace, name = json.loads(urlsafe_b64decode(token))
        old = int(version) < store.floor
    except (binascii.Error, ValueError, TypeError) as error:
        raise ApiError(400, "invalid continue token: continue key is not valid") from error
    if old:
        raise ApiError(410, "The provided continue parameter is too old", "Expired")
    return version, (namespace, name)


def token(version: str, place: Place) -> str:
    return urlsafe_b64encode(json.dumps([version, *place]).encode()).decode()


def number(params: Mapping[str, str], name: str, otherwise: int = 0) -> int:
    """Refuses with 400 what is none."""
    text = params.get(name) or str(otherwise)
    if not text.isascii() or not text.isdigit():
        raise ApiError(400, f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)

"""Ids as Backstage has them, made from ours: a row's key is found in its id without looking it up."""

import hashlib
from typing import Final
from uuid import UUID

ENTITY: Final = 0x5E1F_A7C0_0000_4E00_8A00_0000_0000_0000
LOCATION: Final = 0x5E1F_A7C0_0000_4C00_8A00_0000_0000_0000
KEYS: Final = 1 << 47


def id_of(base: int, pk: int) -> str:
    text = f"{base + pk:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def pk_of(base: int, text: str) -> int | None:
    """The key in an id; None for what is no id of that sort."""
    try:
        found = UUID(text).int - base
    except ValueError:
        return None
    return found if 0 < found < KEYS else None


def location_name(location: str) -> str:
    """What the Location entity of `type:target` is called."""
    return f"generated-{hashlib.sha1(location.encode(), usedforsecurity=False).hexdigest()}"

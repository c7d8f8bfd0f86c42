"""What can be asked about an entity, as Backstage flattens it, kept as numbers in one indexed column.

Each pair of key and value, and each key, is one 64-bit number: two of a hundred million pairs would be alike
once in a few thousand catalogs. Names and titles have their groups of three letters beside them, so that a
part of one is found without reading all.
"""

import hashlib
from collections.abc import Iterator
from typing import Any, Final

LONGEST: Final = 200  # of keys and values, as there; a longer value only exists
NOT_ASKED: Final = {
    "attachments",
    "relations",
    "status",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "metadata.etag",
}
PARTLY: Final = ("metadata.name", "metadata.title", "spec.profile.displayname")
GRAM: Final = 3
END, PART = "\x1f", "\x1e"
MOST: Final = 4000  # of one entity; what a file says beyond them is kept, and cannot be asked for


def facts_of(descriptor: dict[str, Any]) -> list[int]:
    """Every fact of a descriptor, in the order of the numbers."""
    found: set[int] = set()
    for key, value in rows(descriptor):
        found.add(fact(key))
        if value is not None:
            found.add(fact(key, value))
        if key in PARTLY and value:
            found.update(parts(key, value))
        if len(found) > MOST:
            break
    return sorted(found)


def fact(key: str, value: str | None = None) -> int:
    """That the key exists, or that it has this value."""
    return _number(f"{key}{END}" if value is None else f"{key}{END}={value}")


def parts(key: str, text: str) -> set[int]:
    """The groups of three letters in the value of a key."""
    return {_number(f"{key}{PART}{text[at : at + GRAM]}") for at in range(len(text) - GRAM + 1)}


def _number(text: str) -> int:
    told = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(told, "big", signed=True)


def rows(descriptor: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Key and value in lower case; None where there is none, or it is too long to be asked for."""
    metadata = descriptor["metadata"]
    yield "metadata.name", metadata["name"].lower()
    yield "metadata.namespace", (metadata.get("namespace") or "default").lower()
    for key, value in _walk("", descriptor):
        if len(key) <= LONGEST:
            text = as_text(value)
            yield key.lower(), None if text is None or len(text) > LONGEST else text.lower()


def values_at(descriptor: dict[str, Any], key: str) -> set[str]:
    """The values of a key in lower case, as they are written; none that is too long to be asked for."""
    said = (as_text(value) for name, value in _walk("", descriptor) if name.lower() == key)
    return {text for text in said if text is not None and len(text) <= LONGEST}


def as_text(value: Any) -> str | None:
    """A value as JavaScript writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None if value is None else str(value)


def _walk(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if path in NOT_ASKED:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _walk(f"{path}.{key}" if path else str(key), inner)
    elif isinstance(value, list):
        for item in value:
            yield from _walk(path, item)
            if isinstance(item, str):
                yield f"{path}.{item}", True
    else:
        yield path, value

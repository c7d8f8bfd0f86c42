"""The language of the search box: `owner:payments -kind:api "order flow" cart`. Pure.

A value is one word or stands in quotes; commas give alternatives; `-` in front means not.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field

OPERATORS = {
    "kind": "service, component, api, resource, system, domain, group, user, or any",
    "type": "as its descriptor says: website, openapi, library …",
    "owner": "a team or a person; mine, nobody",
    "system": "the system it is part of",
    "lifecycle": "experimental, production, deprecated …",
    "tag": "one of its tags",
    "is": "orphan, broken, unowned, shared",
    "health": "healthy, degraded, missing, unhealthy …",
    "state": "active, stale, orphan",
    "onboarded": "yes: it came by a request here",
    "source": "the number of the source it came from",
}
PIECE = re.compile(r'(-?)(?:([A-Za-z][\w.]*):(?!//))?(?:"([^"]*)"?|([^\s"]+))')


@dataclass(frozen=True)
class Term:
    """A word of the text, or several in a row."""

    words: tuple[str, ...]
    is_phrase: bool = False
    is_not: bool = False


@dataclass
class Typed:
    """What a text says: values of operators, what is excluded, what nobody knows, and the rest."""

    values: dict[str, list[str]] = field(default_factory=dict)
    without: list[tuple[str, str]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    text: str = ""


def read(text: str, kinds: Collection[str] = ()) -> Typed:
    """Take the operators out of a text. `component:default/cart` is a reference, its name is looked for."""
    typed, rest = Typed(), []
    for piece in PIECE.finditer(text):
        minus, key, quoted, plain = piece.groups()
        value = quoted if quoted is not None else plain
        if key is None or not value:
            rest.append(piece[0])
        elif key.lower() not in OPERATORS:
            is_ref = key.lower() in kinds and "/" in value
            rest.append(value.rpartition("/")[2] if is_ref else piece[0])
            typed.unknown += [] if is_ref else [piece[0]]
        elif minus:
            typed.without += [(key.lower(), one) for one in value.split(",") if one]
        else:
            typed.values.setdefault(key.lower(), []).append(value)
    typed.text = " ".join(rest)
    return typed


def terms_of(text: str, words: re.Pattern[str], most: int = 8) -> list[Term]:
    """What to look for; a piece that names an operator nobody knows is not looked for."""
    found: list[Term] = []
    for minus, key, quoted, plain in PIECE.findall(text):
        parts = tuple(words.findall((quoted or plain).lower()))
        if key or not parts:
            continue
        if quoted or minus:
            found.append(Term(parts, len(parts) > 1, bool(minus)))
        else:
            found += [Term((part,)) for part in parts]
    return found[:most]

"""What to say about filters that cannot mean what they say: the nearest operator or value, as a link."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from services.catalog import queries
from services.catalog.descriptors.problems import nearest
from services.catalog.descriptors.refs import BadReference, parse_ref
from services.catalog.finding import operators
from services.catalog.finding.filters import IS, KINDS, MINE, NOBODY, Filters
from services.catalog.finding.tallies import Tallies, values_of
from services.catalog.health import WORST_FIRST

FIXED = {
    "is": tuple(IS),
    "health": (*(name.lower() for name in WORST_FIRST), "unhealthy"),
    "state": ("active", "stale", "orphan"),
    "onboarded": ("yes", "no"),
}
COMMON = ("owner", "system", "tag")
LISTED = ("kind", "type", "lifecycle")
SHOWN = 8


@dataclass(frozen=True)
class Hint:
    """A sentence, and where what was probably meant is found."""

    text: str
    url: str = ""
    label: str = ""


def about(filters: Filters, tallies: Tallies) -> list[Hint]:
    """A hint for every operator and value that the catalog does not know; asks nothing when all are right."""
    found = [_about_operator(filters, piece) for piece in operators.read(filters.q, KINDS).unknown]
    for key, value in filters.pairs():
        if key in operators.OPERATORS:
            said = [(one, _said(filters, key, value, one, tallies)) for one in value.split(",")]
            found += [hint for _, hint in said if hint]
    for key, value in filters.excluded():
        hint = _said(filters, key, "", value, tallies)
        found += [hint] if hint else []
    return found[:SHOWN]


def asked(filters: Filters) -> Iterator[tuple[str, str]]:
    """The fields and values that `about` has to know of, of those that have many."""
    named = [(key, one) for key, value in filters.pairs() if key in COMMON for one in value.split(",")]
    named += [(key, one) for key, one in filters.excluded() if key in COMMON]
    for key, one in dict.fromkeys(named):
        if one and one not in (MINE, NOBODY):
            yield key, one if key == "tag" else _ref(one, key)


def _about_operator(filters: Filters, piece: str) -> Hint:
    key, _, value = piece.removeprefix("-").partition(":")
    meant = nearest(key, operators.OPERATORS)
    text = f"There is no filter “{key}”, so “{piece}” was not looked for."
    if not meant:
        known = ", ".join(operators.OPERATORS)
        return Hint(f"{text} Filters are {known}. For the text itself, put it in quotes.")
    rest = " ".join(filters.q.replace(piece, " ").split())
    fixed = replace(filters, q=f"{rest} {'-' * piece.startswith('-')}{meant}:{value}".strip())
    return Hint(f"{text} Did you mean", fixed.understood().url(), f"{meant}:{value}")


def _said(filters: Filters, key: str, whole: str, one: str, tallies: Tallies) -> Hint | None:
    """Whether the catalog has this value, and which it has that is like it."""
    if not one or _is_known(key, one, tallies):
        return None
    known = list(_known(key, tallies))
    meant = nearest(one.rpartition("/")[2].rpartition(":")[2] if key in ("owner", "system") else one, known)
    text = f"Nothing in the catalog has {key}:{one}."
    if not meant:
        shown = ", ".join(sorted(known)[:SHOWN]) if key not in ("owner", "system", "tag") else ""
        return Hint(f"{text} It knows {shown}." if shown else text)
    if not whole:
        fixed = replace(filters, without=filters.without.replace(f"{key}:{one}", f"{key}:{meant}"))
    else:
        fixed = filters.with_value(key, ",".join(meant if each == one else each for each in whole.split(",")))
    return Hint(f"{text} Did you mean", fixed.url(), f"{key}:{meant}")


def _is_known(key: str, one: str, tallies: Tallies) -> bool:
    if key in FIXED:
        return one.lower() in FIXED[key]
    if key in LISTED:
        return one.lower() in set(_known(key, tallies))
    if key in ("owner", "system"):
        return one in (MINE, NOBODY) or tallies.has(key, _ref(one, key))
    return key == "source" or tallies.has(key, one)


def _known(key: str, tallies: Tallies) -> Iterator[str]:
    """The values there are, as one types them."""
    if key in FIXED:
        yield from FIXED[key]
    elif key in LISTED:
        yield from (value.lower() for value in tallies.values(key))
        yield from KINDS if key == "kind" else ()
    elif key in ("owner", "system"):
        yield from (queries.short(ref, key) for ref in values_of(key))
    else:
        yield from values_of(key)


def _ref(text: str, key: str) -> Any:
    try:
        return str(parse_ref(text, default_kind="group" if key == "owner" else "system"))
    except BadReference:
        return text

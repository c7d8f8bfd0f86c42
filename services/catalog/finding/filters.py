"""The filter bar: what stands in the URL, what that means for the rows, and how it is shown."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.http import QueryDict

from services.catalog import health, queries
from services.catalog.descriptors.refs import BadReference, parse_ref
from services.catalog.finding import operators
from services.catalog.finding.operators import OPERATORS
from services.catalog.finding.tallies import Tallies
from services.catalog.models import SERVICE_TYPES, Entity, EntityQuerySet

KINDS = {
    "service": "Services",
    "component": "Components",
    "api": "APIs",
    "resource": "Resources",
    "system": "Systems",
    "domain": "Domains",
    "group": "Teams",
    "user": "People",
    "location": "Locations",
    "any": "Everything",
}
NOBODY, MINE = "nobody", "mine"
UNHEALTHY = ("Degraded", "Missing")
IS = {
    "orphan": Q(state="orphan"),
    "broken": Q(state="stale"),
    "unowned": Q(standing__in=("nobody", "unknown")),
    "shared": Q(contested=True),
}
LONGEST = 200
RENAMED = {"is": "is_", "not": "without"}


@dataclass(frozen=True)
class Token:
    key: str
    label: str
    without: str


@dataclass(frozen=True)
class Filters:
    """Empty means no restriction, but for `kind`, which then means services. Commas give alternatives."""

    kind: str = ""
    type: str = ""
    owner: str = ""
    system: str = ""
    lifecycle: str = ""
    tag: str = ""
    is_: str = ""
    health: str = ""
    state: str = ""
    source: str = ""
    onboarded: str = ""
    without: str = ""
    q: str = ""

    @classmethod
    def read(cls, query: QueryDict) -> "Filters":
        """From the query string; what does not belong is ignored, and `owner:x` in the text is understood."""
        given = {key: query.get(key, "")[: 5 * LONGEST].replace("\x00", "").strip() for key in _keys()}
        return cls(**{RENAMED.get(key, key): value for key, value in given.items()}).understood()

    def understood(self) -> "Filters":
        typed = operators.read(self.q[:LONGEST], KINDS)
        changed = {
            RENAMED.get(key, key): ",".join(dict.fromkeys(values)) for key, values in typed.values.items()
        }
        excluded = [
            *filter(None, self.without.split(",")),
            *(f"{key}:{value}" for key, value in typed.without),
        ]
        return replace(self, **changed, without=",".join(dict.fromkeys(excluded)), q=typed.text)

    def pairs(self) -> list[tuple[str, str]]:
        """What stands in the URL, in its order."""
        named = [(key, getattr(self, RENAMED.get(key, key))) for key in _keys()]
        return [(key, value) for key, value in named if value]

    def url(self) -> str:
        """The query string that gives these filters again; never empty, for that is where one starts."""
        return "?" + urlencode(self.pairs() or [("kind", "service")])

    def with_value(self, key: str, value: str) -> "Filters":
        return replace(self, **{RENAMED.get(key, key): value})

    def tokens(self) -> list[Token]:
        kind = self.kind or "service"
        label = KINDS.get(kind, kind).lower()
        shown = [] if kind == "any" else [Token("kind", label, replace(self, kind="any").url())]
        for key, value in self.pairs():
            if key == "not":
                shown += [Token("not", one, self._without_but(one).url()) for one in value.split(",")]
            elif key not in ("kind", "q"):
                shown.append(Token(key, value, self.with_value(key, "").url()))
        return shown

    def _without_but(self, one: str) -> "Filters":
        return replace(self, without=",".join(each for each in self.without.split(",") if each != one))

    def hidden(self) -> list[tuple[str, str]]:
        """What a form must carry along beside the text."""
        return [(key, value) for key, value in self.pairs() if key != "q"]

    @property
    def is_only_kind(self) -> bool:
        """Whether what matches is counted already."""
        return self == Filters(kind=self.kind)

    def apply(self, rows: EntityQuerySet, user: Any, tallies: Tallies) -> EntityQuerySet:
        """The rows that every filter lets through; the text is for `search.find`."""
        for key, value in self.restrictions():
            rows = rows.filter(meaning(key, value, user, tallies))
        for key, value in self.excluded():
            rows = rows.exclude(meaning(key, value, user, tallies))
        return rows

    def restrictions(self) -> Iterator[tuple[str, str]]:
        yield "kind", self.kind or "service"
        for key, value in self.pairs():
            if key == "is":
                yield from ((key, one) for one in value.split(","))
            elif key not in ("kind", "not", "q"):
                yield key, value

    def excluded(self) -> list[tuple[str, str]]:
        pairs = [one.partition(":") for one in self.without.split(",")]
        return [(key, value) for key, _, value in pairs if key in OPERATORS and value]


def _keys() -> list[str]:
    """The names of the filters in a query string."""
    names = {attribute: key for key, attribute in RENAMED.items()}
    return [names.get(field.name, field.name) for field in fields(Filters)]


def meaning(key: str, value: str, user: Any, tallies: Tallies) -> Q:
    """What one operator asks of an entity; what nothing can be is nothing."""
    values = [one.strip() for one in value.split(",") if one.strip()]
    match key:
        case "kind":
            return _any_of([_of_kind(one.lower(), tallies) for one in values])
        case "type" | "lifecycle" | "state":
            return Q(**{f"{key}__in": [*spelt(tallies.values(key), values)]})
        case "owner":
            return _any_of([_owned_by(one, user) for one in values])
        case "system":
            return Q(system_ref__in=[_ref(one, "system") for one in values])
        case "tag":
            return _any_of([queries.tagged(one) for one in values])
        case "is":
            return _any_of([IS.get(one.lower(), Q(pk__in=[])) for one in values])
        case "health":
            return Q(ref__in={ref for one in values for ref in _refs_with(one)})
        case "onboarded":
            asked = Q(onboarded_request="")
            return ~asked if value == "yes" else asked if value == "no" else Q(pk__in=[])
    return Q(source_id__in=[int(one) for one in values if one.isdecimal() and len(one) < 18])


def _any_of(ways: list[Q]) -> Q:
    found = Q(pk__in=[]) if not ways else ways[0]
    for way in ways[1:]:
        found |= way
    return found


def _of_kind(kind: str, tallies: Tallies) -> Q:
    if kind == "any":
        return Q()
    if kind == "service":
        return Q(kind="Component", type__in=SERVICE_TYPES)
    return Q(kind__in=[*spelt(tallies.values("kind"), [kind])])


def spelt(known: Any, values: list[str]) -> Iterator[str]:
    """The values as the catalog spells them: whoever types them does not care for capitals."""
    wanted = {value.lower() for value in values}
    return (value for value in known if value.lower() in wanted)


def _owned_by(owner: str, user: Any) -> Q:
    if owner == NOBODY:
        return IS["unowned"]
    refs = queries.refs_of(user) if owner == MINE else [_ref(owner, "group")]
    return Q(holder_ref__in=refs)


def _ref(text: str, kind: str) -> str:
    try:
        return str(parse_ref(text, default_kind=kind))
    except BadReference:
        return text


def _refs_with(wanted: str) -> set[str]:
    words = UNHEALTHY if wanted.lower() == "unhealthy" else (wanted.capitalize(),)
    return {ref for word in words for ref in health.refs_with(word)}


def total(filters: Filters, tallies: Tallies) -> int | None:
    """How many entities match, where that is known without counting."""
    kind = filters.kind or "service"
    if not filters.is_only_kind or "," in kind:
        return None
    if kind == "service":
        return tallies.number("type", SERVICE_TYPES, "Component")
    found = tallies.values("kind")
    return sum(found.values()) if kind == "any" else sum(found[name] for name in spelt(found, [kind]))


def chosen(filters: Filters, user: Any, tallies: Tallies) -> EntityQuerySet:
    """The entities that the filters let through, without their long columns."""
    return filters.apply(Entity.objects.for_list(), user, tallies)

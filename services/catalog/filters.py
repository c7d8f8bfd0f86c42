"""The filter bar: what stands in the URL, what that means for the rows, and how it is shown."""

import re
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.http import QueryDict

from services.catalog import health, queries
from services.catalog.descriptors.refs import BadReference, parse_ref
from services.catalog.models import EntityQuerySet

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
TYPED = re.compile(
    r"\b(kind|type|owner|system|lifecycle|health|state|source|onboarded):(?:\"([^\"]+)\"|(\S+))"
)
UNHEALTHY = ("Degraded", "Missing")


@dataclass(frozen=True)
class Token:
    key: str
    label: str
    without: str


@dataclass(frozen=True)
class Filters:
    """Empty means no restriction, but for `kind`, which then means services."""

    kind: str = ""
    type: str = ""
    owner: str = ""
    system: str = ""
    lifecycle: str = ""
    health: str = ""
    state: str = ""
    source: str = ""
    onboarded: str = ""
    q: str = ""

    @classmethod
    def read(cls, query: QueryDict) -> "Filters":
        """From the query string; what does not belong is ignored, and `owner:x` in the text is understood."""
        found = {
            field.name: query.get(field.name, "").strip()[:200].replace("\x00", "") for field in fields(cls)
        }
        for key, quoted, plain in TYPED.findall(found["q"]):
            found[key] = quoted or plain
        found["q"] = " ".join(TYPED.sub(" ", found["q"]).split())
        found["kind"] = found["kind"].lower() if found["kind"].lower() in KINDS else ""
        return cls(**found)

    def url(self) -> str:
        """The query string that gives these filters again."""
        return "?" + urlencode({f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name)})

    def tokens(self) -> list[Token]:
        kind = self.kind or "service"
        shown = [] if kind == "any" else [Token("kind", KINDS[kind].lower(), replace(self, kind="any").url())]
        for field in fields(self):
            value = getattr(self, field.name)
            if value and field.name not in ("kind", "q"):
                shown.append(Token(field.name, value, replace(self, **{field.name: ""}).url()))
        return shown

    def hidden(self) -> list[tuple[str, str]]:
        """What a form must carry along beside the text."""
        return [
            (f.name, getattr(self, f.name)) for f in fields(self) if f.name != "q" and getattr(self, f.name)
        ]

    def apply(self, rows: EntityQuerySet, user: Any) -> EntityQuerySet:
        kind = self.kind or "service"
        if kind != "any":
            rows = rows.services() if kind == "service" else rows.of_kind(kind)
        for name in ("type", "lifecycle", "state"):
            if value := getattr(self, name):
                rows = rows.filter(**{f"{name}__iexact": value})
        rows = self._by_owner(rows, user)
        if self.system:
            rows = rows.filter(system_ref=_ref(self.system, "system"))
        if self.onboarded in ("yes", "no"):
            by_request = Q(onboarded_request="")
            rows = rows.filter(~by_request if self.onboarded == "yes" else by_request)
        if self.source:
            rows = rows.filter(source_id=int(self.source) if self.source.isdecimal() else -1)
        if self.health:
            rows = rows.filter(ref__in=_refs_with(self.health))
        return queries.matching(rows, self.q) if self.q else rows

    def _by_owner(self, rows: EntityQuerySet, user: Any) -> EntityQuerySet:
        if not self.owner:
            return rows
        if self.owner == NOBODY:
            return rows.without_owner()
        if self.owner == MINE:
            return rows.owned_by_refs(queries.refs_of(user))
        return rows.filter(owner_ref=_ref(self.owner, "group"))


def _ref(text: str, kind: str) -> str:
    try:
        return str(parse_ref(text, default_kind=kind))
    except BadReference:
        return text


def _refs_with(wanted: str) -> set[str]:
    words = UNHEALTHY if wanted.lower() == "unhealthy" else (wanted.capitalize(),)
    return {ref for word in words for ref in health.refs_with(word)}

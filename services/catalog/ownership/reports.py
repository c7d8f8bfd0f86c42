"""The reports on ownership: which there are, their rows in pages, what narrows them."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.core.signing import BadSignature, Signer
from django.db.models import Q, QuerySet, Value
from django.http import QueryDict
from django.utils import timezone

from services.catalog.descriptors.refs import BadReference, parse_ref
from services.catalog.models import Relation, Tenure
from services.catalog.ownership import tenures
from services.catalog.ownership.resolution import Standing

PER_PAGE = 50
CAP = 1000
LONG = ("spec", "metadata", "search", "problem", "description")


@dataclass(frozen=True)
class Report:
    key: str
    label: str
    lede: str
    empty: str
    order: tuple[str, str]


REPORTS = {
    report.key: report
    for report in (
        Report(
            "unowned", "Without an owner",
            "Nobody is named, here or in the system or domain around it; or somebody unknown to the catalog.",
            "Everything that can have an owner has one.", ("name", "entity_id"),
        ),
        Report(
            "dead", "Owners who cannot answer",
            "The group has nobody in it any more, or the person has left.",
            "Every owner has somebody who can answer.", ("name", "entity_id"),
        ),
        Report(
            "dangling", "References to nothing",
            "What a descriptor names and the catalog does not have, with all who name it.",
            "Every reference leads somewhere.", ("target_ref", "pk"),
        ),
        Report(
            "unconfirmed", "To be confirmed",
            "The owner has not said for a while that this is theirs.",
            "Every owner has confirmed what is theirs.", ("due_at", "entity_id"),
        ),
        Report(
            "elsewhere", "Somebody else works on it",
            "Most of the work of the last 90 days was another team’s. A hint, not a verdict.",
            "Whoever is named as the owner also does the work, as far as can be seen.", ("name", "entity_id"),
        ),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Narrow:
    """The filters of a report, as they stand in the URL."""

    team: str = ""
    kind: str = ""
    system: str = ""

    @classmethod
    def read(cls, query: QueryDict) -> "Narrow":
        return cls(*(query.get(f.name, "").strip()[:220].replace("\x00", "") for f in fields(cls)))

    def url(self, **changes: str) -> str:
        kept = {f.name: getattr(self, f.name) for f in fields(self)} | changes
        return urlencode({name: value for name, value in kept.items() if value})

    def __bool__(self) -> bool:
        return bool(self.team or self.kind or self.system)

    def on(self, entity: str, owner: str) -> Q:
        """The condition, where `entity` leads to the entity and `owner` to whom it belongs to."""
        found = Q()
        if self.team:
            found &= Q(**{owner: _ref(self.team, "group")})
        if self.kind:
            found &= Q(**{f"{entity}__kind__iexact": self.kind})
        if self.system:
            found &= Q(**{f"{entity}__system_ref": _ref(self.system, "system")})
        return found


def _ref(text: str, kind: str) -> str:
    try:
        return str(parse_ref(text, default_kind=kind))
    except BadReference:
        return text


def rows_of(key: str, narrow: Narrow) -> "QuerySet[Any]":
    """Every row of a report, in its order."""
    if key == "dangling":
        rows: QuerySet[Any] = Relation.objects.filter(target__isnull=True).standing()
        return rows.filter(narrow.on("source", "source__tenure__owner_ref")).order_by(*REPORTS[key].order)
    found = {
        "unowned": tenures.standing_in(Standing.NOBODY, Standing.UNKNOWN),
        "dead": tenures.standing_in(Standing.DEAD),
        "unconfirmed": tenures.due(),
        "elsewhere": Tenure.objects.filter(entity__weighed__speaks_against=True),
    }[key]
    return found.filter(narrow.on("entity", "owner_ref")).order_by(*REPORTS[key].order)


def with_entities(key: str, rows: "QuerySet[Any]") -> "QuerySet[Any]":
    """The rows with what a page shows of each, without the long columns."""
    if key == "dangling":
        kept = rows.select_related("source", "source__source")
        return kept.defer("evidence", *(f"source__{name}" for name in LONG if name != "metadata"))
    kept = rows.select_related("entity", "entity__owner", "entity__source", "entity__weighed")
    light = [f"entity__{name}" for name in LONG if name != "metadata"]
    return kept.defer(*light, *(f"entity__owner__{name}" for name in LONG))


def counts(narrow: Narrow) -> dict[str, str]:
    """How many rows each report has, "1000+" where there are more; one query that reads no more than that."""
    parts = [
        rows_of(key, narrow).order_by().annotate(of=Value(key)).values_list("of", flat=True)[: CAP + 1]
        for key in REPORTS
    ]
    tally: dict[str, int] = dict.fromkeys(REPORTS, 0)
    for key in parts[0].union(*parts[1:], all=True):
        tally[key] += 1
    return {key: f"{CAP}+" if number > CAP else str(number) for key, number in tally.items()}


@dataclass(frozen=True)
class Slice:
    """Some rows and where the next ones begin."""

    rows: list[Any]
    after: str


def page_of(key: str, narrow: Narrow, after: str) -> Slice:
    """The rows behind a place; a place that is none begins at the first."""
    rows, order = rows_of(key, narrow), REPORTS[key].order
    place = _place(after)
    if place:
        first, second = place
        rows = rows.filter(
            Q(**{f"{order[0]}__gt": first}) | Q(**{order[0]: first, f"{order[1]}__gt": int(second)})
        )
    found = list(with_entities(key, rows)[: PER_PAGE + 1])
    more = len(found) > PER_PAGE
    return Slice(found[:PER_PAGE], _mark(found[PER_PAGE - 1], order) if more else "")


def _mark(row: Any, order: tuple[str, str]) -> str:
    first = getattr(row, order[0])
    said = first.isoformat() if isinstance(first, datetime) else str(first)
    return Signer(salt="catalog.report").sign_object([said, getattr(row, order[1])])


def reads(after: str) -> bool:
    """Whether a place is one of ours."""
    return _place(after) is not None


def _place(after: str) -> tuple[str, int] | None:
    try:
        first, second = Signer(salt="catalog.report").unsign_object(after)
    except (BadSignature, ValueError):
        return None
    return str(first), int(second)


def days_over(tenure: Tenure) -> int:
    return max(0, (timezone.now() - tenure.due_at).days) if tenure.due_at else 0

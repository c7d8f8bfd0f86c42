"""How many entities have which value: kept by triggers, so that nothing is counted on a page.

Each statement adds rows of differences, which is why writers never wait for each other; `fold` sums them up.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import QuerySet, Sum

from services.catalog.models import Tally

FOLD = """
WITH gone AS (
    DELETE FROM catalog_tally WHERE id IN (
        SELECT old.id FROM catalog_tally old
        WHERE (field, kind, value) IN (SELECT field, kind, value FROM catalog_tally WHERE NOT folded)
        FOR UPDATE SKIP LOCKED)
    RETURNING field, kind, value, number)
INSERT INTO catalog_tally (field, kind, value, number, folded)
SELECT field, kind, value, sum(number), true FROM gone GROUP BY field, kind, value HAVING sum(number) <> 0
"""
SMALL = ("kind", "type", "lifecycle", "state", "unowned")


def fold() -> None:
    """Sum up the differences that were added since. Safe to run twice, and beside anything."""
    with connection.cursor() as cursor:
        cursor.execute(FOLD)


class Tallies:
    """The numbers of the fields that have few values: (field, kind, value) -> entities."""

    def __init__(self, fields: Iterable[str] = SMALL, beside: "Sequence[QuerySet[Any, Any]]" = ()) -> None:
        """`beside` are further rows of field, kind, value and number, read with the same query."""
        rows = _summed(Tally.objects.filter(field__in=set(fields)))
        found = rows.union(*beside, all=True) if beside else rows
        self._numbers = {(field, kind, value): n for field, kind, value, n in found}

    def number(self, field: str, values: Iterable[str] | None = None, kind: str = "") -> int:
        """How many entities have one of `values` (any, when None), of one kind or of all."""
        wanted = None if values is None else set(values)
        return sum(
            n
            for (its, of, value), n in self._numbers.items()
            if its == field and (not kind or of == kind) and (wanted is None or value in wanted)
        )

    def values(self, field: str, kinds: Iterable[str] = ()) -> Counter[str]:
        """The values of a field with their numbers, of some kinds or of all."""
        found: Counter[str] = Counter()
        wanted = set(kinds)
        for (its, of, value), n in self._numbers.items():
            if its == field and (not wanted or of in wanted):
                found[of if field == "kind" else value] += n
        return found

    def names(self, field: str, kind: str) -> list[str]:
        """The values of a field, whatever their numbers."""
        return [value for its, of, value in self._numbers if its == field and of == kind]

    def has(self, field: str, value: str) -> bool:
        """Whether anything has this value, in any case; of what was read."""
        low = value.lower()
        return any(its == field and each.lower() == low for its, _, each in self._numbers)


def _summed(rows: "QuerySet[Tally]") -> "QuerySet[Any, Any]":
    named = rows.values_list("field", "kind", "value")
    return named.annotate(number_of=Sum("number")).filter(number_of__gt=0).order_by()


def like(field: str, value: str) -> "QuerySet[Any, Any]":
    """The numbers of one value, in any case: to be read beside others."""
    return _summed(Tally.objects.filter(field=field, value__iexact=value))


def values_of(field: str) -> list[str]:
    """Every value of a field."""
    rows = Tally.objects.filter(field=field)
    present = rows.values("value").annotate(number_of=Sum("number")).filter(number_of__gt=0).order_by("value")
    return [row["value"] for row in present[:MOST]]


MOST = 5000

"""Many small numbers in one query."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Count, QuerySet, Value


def counts(wanted: "Mapping[str, QuerySet[Any] | int | None]") -> dict[str, int]:
    """The numbers by key; rows are counted together, in one UNION, and what is nothing is left out."""
    found = {key: value for key, value in wanted.items() if isinstance(value, int)}
    rows = [_counted(key, value) for key, value in wanted.items() if isinstance(value, QuerySet)]
    if rows:
        found.update(rows[0].union(*rows[1:], all=True))
    return {key: number for key, number in found.items() if number}


def _counted(key: str, rows: "QuerySet[Any]") -> "QuerySet[Any]":
    named: QuerySet[Any] = rows.order_by().annotate(counted_as=Value(key)).values("counted_as")
    counted: QuerySet[Any] = named.annotate(number=Count("pk", distinct=True))
    return counted.values_list("counted_as", "number")

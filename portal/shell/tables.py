"""What every list shares: pages, order, export."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone

from portal.shell.http import HttpRequest

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def paginate(request: HttpRequest, rows: "QuerySet[Any] | Sequence[Any]", per_page: int = 50) -> "Page[Any]":
    """The page the query string asks for; a number out of range gives the nearest page."""
    return Paginator(rows, per_page).get_page(request.GET.get("page"))


def order(
    request: HttpRequest, rows: "QuerySet[Any]", columns: Mapping[str, str | Sequence[str]], default: str
) -> "QuerySet[Any]":
    """Sort by `?sort=key` or `?sort=-key`; only keys of `columns` count. Ties fall back to the key."""
    wanted = request.GET.get("sort", "")
    key = wanted if wanted.removeprefix("-") in columns else default
    fields = columns[key.removeprefix("-")]
    names = [fields] if isinstance(fields, str) else list(fields)
    turn = "-" if key.startswith("-") else ""
    return rows.order_by(*[_turned(turn, name) for name in [*names, "pk"]])


def _turned(turn: str, name: str) -> str:
    return name[1:] if turn and name.startswith("-") else turn + name


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> HttpResponse:
    """A CSV download that no spreadsheet takes for a formula."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}-{timezone.localdate():%Y-%m-%d}.csv"'
    writer = csv.writer(response)
    writer.writerow(header)
    for row in rows:
        writer.writerow([defused(cell) for cell in row])
    return response


def defused(cell: Any) -> Any:
    """Text that a spreadsheet would run gets an apostrophe in front; numbers stay numbers."""
    if isinstance(cell, str) and cell.lstrip(" ").startswith(DANGEROUS):
        return "'" + cell
    return "" if cell is None else cell

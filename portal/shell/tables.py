"""What every list shares: pages, order, export."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.functional import cached_property

from portal.shell.http import HttpRequest

R = TypeVar("R", bound=HttpResponseBase)
Rows = TypeVar("Rows", bound="QuerySet[Any]")
CSV, BLOCK = "text/csv; charset=utf-8", 500
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def paginate(
    request: HttpRequest,
    rows: "QuerySet[Any] | Sequence[Any]",
    per_page: int = 50,
    *,
    most: int | None = None,
) -> "Page[Any]":
    """The page the query string asks for; a number out of range gives the nearest page.

    With `most` rows are counted, and leafed through, no further than that.
    """
    pages = Paginator(rows, per_page) if most is None else UpTo(rows, per_page, most=most)
    return pages.get_page(request.GET.get("page"))


class UpTo(Paginator):  # type: ignore[type-arg]  # it takes none when it runs
    """Pages of a list that may be endless: it costs what its first `most` rows cost."""

    def __init__(self, rows: Any, per_page: int, *, most: int) -> None:
        super().__init__(rows, per_page)
        self.most = most

    @cached_property
    def _known(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: self.most + 1].count())

    @cached_property
    def count(self) -> int:
        return min(self.most, self._known)

    @property
    def is_cut(self) -> bool:
        return self._known > self.most


def order(request: HttpRequest, rows: Rows, columns: Mapping[str, str | Sequence[str]], default: str) -> Rows:
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
    return _attached(HttpResponse(b"".join(_lines(header, rows)), content_type=CSV), name)


def csv_stream(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> StreamingHttpResponse:
    """The same for what may be long: sent as it is read, never held whole."""
    return _attached(StreamingHttpResponse(_lines(header, rows), content_type=CSV), name)


def _attached(response: R, name: str) -> R:
    response["Content-Disposition"] = f'attachment; filename="{name}-{timezone.localdate():%Y-%m-%d}.csv"'
    return response


def _lines(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """The file in blocks of some hundred rows."""
    held = io.StringIO()
    writer = csv.writer(held)
    writer.writerow(header)
    for number, row in enumerate(rows, 1):
        writer.writerow([defused(cell) for cell in row])
        if number % BLOCK == 0:
            yield held.getvalue().encode()
            held.seek(0)
            held.truncate()
    yield held.getvalue().encode()


def defused(cell: Any) -> Any:
    """Text that a spreadsheet would run gets an apostrophe in front; numbers stay numbers."""
    if isinstance(cell, str) and cell.lstrip(" ").startswith(DANGEROUS):
        return "'" + cell
    return "" if cell is None else cell

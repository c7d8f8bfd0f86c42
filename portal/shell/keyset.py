"""Pages that begin after a row instead of after a number of rows: the thousandth costs what the first does.

The values of the row at the edge stand in the URL (`?after=…`, `?before=…`); nothing is skipped or counted.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan

from portal.shell.http import HttpRequest

MOST_COUNTED = 1000
TAIL = 2  # columns at the end that few rows share: a name and the key


@dataclass(frozen=True)
class Page:
    """Rows with the cursors of the pages around them; `total` is known where it was counted to the end."""

    rows: list[Any]
    before: str = ""
    after: str = ""
    total: int | None = None

    @property
    def is_all(self) -> bool:
        return not self.before and not self.after


def paginate(request: HttpRequest, rows: "QuerySet[Any]", per_page: int = 50) -> Page:
    """The page the query string asks for, of rows in one direction by columns that are not null."""
    columns = [str(name) for name in rows.query.order_by]
    back = _read(request.GET.get("before", ""), columns, rows)
    after = None if back else _read(request.GET.get("after", ""), columns, rows)
    found = _read_on(rows.reverse() if back else rows, columns, back or after, per_page + 1, bool(back))
    more, found = len(found) > per_page, found[:per_page]
    if back:
        found.reverse()
    has_before, has_after = (more, True) if back else (bool(after), more)
    return Page(
        found,
        cursor(found[0], columns) if has_before and found else "",
        cursor(found[-1], columns) if has_after and found else "",
        len(found) if not (has_before or has_after) else None,
    )


def _read_on(
    rows: "QuerySet[Any]", columns: list[str], edge: Sequence[Any] | None, most: int, back: bool
) -> list[Any]:
    """The next rows from the edge on: first those that share its leading values, then what comes after those.

    One comparison of all columns would say the same, but PostgreSQL judges that by its first column alone,
    and where many rows share that value it reads and sorts all of them.
    """
    if not edge:
        return list(rows[:most])
    names = [name.removeprefix("-") for name in columns]
    grows = columns[0].startswith("-") == back
    tail = max(0, len(names) - TAIL)
    further = (TupleGreaterThan if grows else TupleLessThan)(Tuple(*names[tail:]), tuple(edge[tail:]))
    shared = dict(zip(names[:tail], edge, strict=False))
    found = list(rows.filter(further, **shared)[:most])
    while shared and len(found) < most:
        name, value = shared.popitem()
        beyond = {f"{name}__{'gt' if grows else 'lt'}": value}
        found += rows.filter(**shared, **beyond)[: most - len(found)]
    return found


def cursor(row: Any, columns: list[str]) -> str:
    """The values of a row at the edge of a page, as they stand in the URL."""
    values = [getattr(row, name.removeprefix("-")) for name in columns]
    return urlsafe_b64encode(json.dumps(values, cls=_Exact).encode()).decode().rstrip("=")


class _Exact(DjangoJSONEncoder):
    """Times to the microsecond, or the row at the edge would come twice."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if hasattr(o, "isoformat") else super().default(o)


def _read(text: str, columns: list[str], rows: "QuerySet[Any]") -> list[Any] | None:
    """The values in a cursor; None for one that is not ours, which gives the first page."""
    if not text or len(text) > 4000:
        return None
    try:
        values = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if not isinstance(values, list) or len(values) != len(columns) or None in values:
            return None
        if b"\x00" in "".join(map(str, values)).encode():
            return None
        fields = [_field(rows, name.removeprefix("-")) for name in columns]
        return [_checked(field, value) for field, value in zip(fields, values, strict=True)]
    except (Error, ValueError, ValidationError, RecursionError):
        return None


def reads(text: str, rows: "QuerySet[Any]") -> bool:
    """Whether a cursor is one of this list, in this order."""
    return _read(text, [str(name) for name in rows.query.order_by], rows) is not None


def _checked(field: Any, value: Any) -> Any:
    made = field.to_python(value)
    field.run_validators(made)
    return made


def _field(rows: "QuerySet[Any]", name: str) -> Any:
    meta = rows.model._meta
    return meta.pk if name == "pk" else meta.get_field(name)


def among(
    request: HttpRequest, keys: Sequence[int], load: Callable[[Sequence[int]], list[Any]], per_page: int = 50
) -> Page:
    """The page of a list whose keys are all known, in their order; `load` gets the rows of a page."""
    start = _place(request.GET.get("after", ""), keys, 1, 0)
    start = max(0, _place(request.GET.get("before", ""), keys, -per_page, start))
    shown = keys[start : start + per_page]
    return Page(
        load(shown),
        str(shown[0]) if start and shown else "",
        str(shown[-1]) if start + per_page < len(keys) else "",
        len(keys),
    )


def _place(text: str, keys: Sequence[int], step: int, default: int) -> int:
    """Where the page begins that lies `step` from a key; the default when the key is not there (any more)."""
    at = {str(key): number for number, key in enumerate(keys)}.get(text)
    return default if at is None else at + step


def up_to(rows: "QuerySet[Any]", most: int = MOST_COUNTED) -> int:
    """How many rows there are, counted no further than one beyond `most`."""
    return rows.order_by()[: most + 1].count()

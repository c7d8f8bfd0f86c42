"""Pages, counts and facets of the catalog, for programs."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import Q

from services.catalog.compatible import filtering, numbers, shaping
from services.catalog.compatible.cursors import Asked, Cursor
from services.catalog.compatible.fields import Fields
from services.catalog.compatible.keeping import kept
from services.catalog.compatible.ordering import Order, Place
from services.catalog.compatible.searching import Term
from services.catalog.compatible.shaping import Row
from services.catalog.models import Entity, EntityQuerySet


@dataclass(frozen=True)
class Page:
    items: list[Row]
    total: int
    before: str = ""
    after: str = ""


def where(asked: Asked) -> Q:
    return filtering.from_filters(asked.filters) & filtering.from_predicate(asked.query)


def _rows(asked: Asked) -> tuple[EntityQuerySet, Order]:
    """Everything asked for, sorted: the rows that lack the key of the order are none of it."""
    order = Order(asked.order, asked.descending)
    rows = Entity.objects.filter(where(asked))
    return Term(asked.term, asked.keys).find(rows, asked.order), order


def first_page(
    asked: Asked, *, limit: int, offset: int, fields: Fields = (), revision: int | None = None
) -> Page:
    """`revision` is the catalog's, under which the number of all may be kept."""
    rows, order = _rows(asked)
    found, total = _read(rows, order, asked, (limit, offset, fields, revision))
    items = found[:limit]
    if len(found) <= limit:
        return Page(items, total)
    return Page(items, total, after=_cursor(asked, order, items[-1], total, is_back=False))


def _read(rows: EntityQuerySet, order: Order, asked: Asked, page: Any) -> tuple[list[Row], int]:
    """One row more than the page has, and the number of all, which is counted where nobody knows it."""
    limit, offset, fields, revision = page
    known = _tallied(asked) if asked.wants_total else 0
    number = kept.known(revision, _name(asked)) if known is None else known
    ordered = order.sorted(rows)
    if number is None and limit and asked.is_narrow:
        found, number = shaping.read_counted(
            ordered, order.clause, limit=limit + 1, offset=offset, fields=fields
        )
    else:
        found = shaping.read(ordered[offset : offset + limit + 1], fields) if limit else []
    if number is None:
        number = offset + len(found) if 0 < len(found) <= limit else ordered.order_by().values("pk").count()
    kept.note(revision, _name(asked), number)
    return found, number


def _tallied(asked: Asked) -> int | None:
    known = numbers.simple(asked.filters, asked.query) if not asked.term else None
    return known.total() if known is not None and Order(asked.order).is_total else None


def _name(asked: Asked) -> Any:
    """What the number of all is kept under: the question without its direction."""
    return "total", json.dumps({**asdict(asked), "descending": False}, sort_keys=True)


def next_page(cursor: Cursor, *, limit: int, fields: Fields = ()) -> Page:
    asked = cursor.asked
    rows, order = _rows(asked)
    sorted_rows = order.sorted(rows, back=cursor.is_back)
    there = order.beyond(sorted_rows, Place(cursor.value, cursor.pk), back=cursor.is_back)
    found = shaping.read(there[: limit + 1], fields)
    items, is_more = found[:limit], len(found) > limit
    if cursor.is_back:
        items.reverse()
    if not items:
        return Page([], cursor.total)
    has_before, has_after = (is_more, True) if cursor.is_back else (True, is_more)
    before = _cursor(asked, order, items[0], cursor.total, is_back=True) if has_before else ""
    after = _cursor(asked, order, items[-1], cursor.total, is_back=False) if has_after else ""
    return Page(items, cursor.total, before, after)


def _cursor(asked: Asked, order: Order, entity: Row, total: int, *, is_back: bool) -> str:
    place = order.place_of(entity)
    return Cursor(asked, place.value, place.pk, is_back, total).written()


def find(ref: str, fields: Fields = ()) -> Row | None:
    """The entity with this reference, or that had it before it was renamed."""
    rows = Entity.objects.order_by()
    found = shaping.read(rows.filter(ref=ref), fields) or shaping.read(rows.filter(aliases__ref=ref), fields)
    return found[0] if found else None


def by_refs(refs: list[str], narrowed: Q, fields: Fields = ()) -> dict[str, Row]:
    """Reference -> entity, for those that are there and let through."""
    rows = shaping.read(Entity.objects.order_by().filter(narrowed, ref__any_of=refs), fields)
    return {entity.ref: entity for entity in rows}

"""Pages, counts and facets of the catalog, for programs."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from django.core.cache import cache
from django.db.models import Q

from services.catalog.compatible import filtering, numbers, shaping
from services.catalog.compatible.cursors import Asked, Cursor
from services.catalog.compatible.fields import Fields
from services.catalog.compatible.ordering import Order, Place
from services.catalog.compatible.searching import Term
from services.catalog.compatible.shaping import Row
from services.catalog.models import Entity, EntityQuerySet

EXACT: Final = 2_000  # rows that are counted each time
KEPT: Final = 10  # seconds that the count of more is kept
CHUNK: Final = 500


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


def first_page(asked: Asked, *, limit: int, offset: int, fields: Fields = ()) -> Page:
    rows, order = _rows(asked)
    found = shaping.read(order.sorted(rows)[offset : offset + limit + 1], fields) if limit else []
    total = _total(rows, order, asked, whole=offset + len(found) if 0 < len(found) <= limit else None)
    items = found[:limit]
    if len(found) <= limit:
        return Page(items, total)
    return Page(items, total, after=_cursor(asked, order, items[-1], total, is_back=False))


def _total(rows: EntityQuerySet, order: Order, asked: Asked, *, whole: int | None) -> int:
    """How many there are: known where the page is all of the rest, else counted."""
    if not asked.wants_total:
        return 0
    return whole if whole is not None else counted(order.sorted(rows), asked)


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


def counted(rows: EntityQuerySet, asked: Asked) -> int:
    """The number of rows; of very many, as it was some seconds ago."""
    known = numbers.simple(asked.filters, asked.query) if not asked.term else None
    if known is not None and Order(asked.order).is_total:
        return known.total()
    name = key_of("count", asdict(asked))
    kept: int | None = cache.get(name)
    if kept is not None:
        return kept
    plain = rows.order_by().values("pk")
    number = plain[: EXACT + 1].count()
    if number > EXACT:
        number = plain.count()
        cache.set(name, number, KEPT)
    return number


def key_of(what: str, asked: Any) -> str:
    """What an answer to a question is kept under."""
    told = json.dumps([what, asked], sort_keys=True)
    return "catalog:" + hashlib.sha256(told.encode()).hexdigest()


def find(ref: str, fields: Fields = ()) -> Row | None:
    """The entity with this reference, or that had it before it was renamed."""
    rows = Entity.objects.order_by()
    found = shaping.read(rows.filter(ref=ref), fields) or shaping.read(rows.filter(aliases__ref=ref), fields)
    return found[0] if found else None


def by_refs(refs: list[str], narrowed: Q, fields: Fields = ()) -> dict[str, Row]:
    """Reference -> entity, for those that are there and let through."""
    rows = shaping.read(Entity.objects.order_by().filter(narrowed, ref__any_of=refs), fields)
    return {entity.ref: entity for entity in rows}

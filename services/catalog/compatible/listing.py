"""`GET /entities`: all of them, or a page; in several orders at once, what lacks a key last."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.core import signing
from django.db.models import F, Q

from portal.shell.api import ApiError
from services.catalog.compatible import shaping
from services.catalog.compatible.fields import Fields
from services.catalog.compatible.ordering import UID, Order, Place
from services.catalog.compatible.shaping import Row
from services.catalog.compatible.values import text_of
from services.catalog.models import Entity, EntityQuerySet

SALT: Final = "catalog.after"
CHUNK: Final = 500


@dataclass(frozen=True)
class Where:
    """Where a page begins: after a row, or after so many rows."""

    limit: int | None = None
    offset: int = 0
    place: Place | None = None

    def written(self) -> str:
        told = [self.limit, self.offset, *([self.place.value, self.place.pk] if self.place else [])]
        return signing.dumps(told, salt=SALT)


def where_of(text: str) -> Where:
    try:
        limit, offset, *place = signing.loads(text, salt=SALT)
    except (signing.BadSignature, ValueError) as error:
        raise ApiError("Malformed after, could not be decoded.") from error
    return Where(limit, offset, Place(*place) if place else None)


def page(wanted: Q, orders: list[Order], where: Where, fields: Fields = ()) -> tuple[list[Row], str]:
    """The entities from there on, and what to send for those after them; empty when there are none."""
    assert where.limit is not None
    order = _alone(orders)
    rows = Entity.objects.filter(wanted)
    rows = order.sorted(rows) if order else _in(rows, orders)
    if order and where.place:
        rows = order.beyond(rows, where.place)
    found = shaping.read(rows[where.offset : where.offset + where.limit + 1], fields)
    items = found[: where.limit]
    if len(found) <= where.limit:
        return items, ""
    if order:
        return items, Where(where.limit, 0, order.place_of(items[-1])).written()
    return items, Where(where.limit, where.offset + where.limit).written()


def _alone(orders: list[Order]) -> Order | None:
    """The one order in which a row has a place that can be gone to."""
    if not orders:
        return Order(UID)
    return orders[0] if len(orders) == 1 and orders[0].is_total else None


def _in(rows: EntityQuerySet, orders: list[Order]) -> EntityQuerySet:
    keys: list[Any] = []
    for number, order in enumerate(orders):
        name = "pk" if order.is_by_id else f"sorting{number}"
        if not order.is_by_id:
            rows = rows.alias(**{name: text_of(order.key)})
        keys.append(F(name).desc(nulls_last=True) if order.descending else F(name).asc(nulls_last=True))
    return rows.order_by(*keys, "pk")


def everything(wanted: Q, orders: list[Order], fields: Fields) -> Iterator[list[str]]:
    """Every entity, some at a time, so that none but those are in memory."""
    rows = _in(Entity.objects.filter(wanted), orders)
    pks = list(rows.values_list("pk", flat=True))
    for at in range(0, len(pks), CHUNK):
        some = pks[at : at + CHUNK]
        read = shaping.read(Entity.objects.order_by().filter(pk__any_of=some), fields)
        found = {entity.pk: entity for entity in read}
        yield shaping.written((found[pk] for pk in some if pk in found), fields)

"""Orders of entities, and the place after or before a row in one: no page costs more than the first."""

from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Q

from portal.shell.api import ApiError
from services.catalog.compatible.filtering import holds
from services.catalog.compatible.values import COLUMNS, text_of
from services.catalog.models import EntityQuerySet

UID: Final = "metadata.uid"
ALWAYS: Final = {*COLUMNS, UID}


@dataclass(frozen=True)
class Order:
    """One key and its direction; of rows that are alike in it the older one comes first."""

    key: str
    descending: bool = False

    @property
    def is_by_id(self) -> bool:
        return self.key.lower() == UID

    @property
    def is_total(self) -> bool:
        """Whether every entity has the key."""
        return self.key.lower() in ALWAYS

    def sorted(self, rows: EntityQuerySet, *, back: bool = False) -> EntityQuerySet:
        """The rows that have the key, in its order; `back`: the other way round."""
        down = self.descending != back
        if self.is_by_id:
            return rows.order_by("-pk" if down else "pk")
        if not self.is_total:
            rows = rows.filter(holds(self.key.lower(), None))
        there = rows.annotate(sorting=text_of(self.key))
        if not self.is_total:
            there = there.filter(sorting__isnull=False)
        return there.order_by("-sorting" if down else "sorting", "-pk" if down else "pk")

    @property
    def clause(self) -> str:
        """The order of `sorted` for the columns `sorting` and `pk`, in SQL."""
        down = " DESC" if self.descending else ""
        return f"pk{down}" if self.is_by_id else f"sorting{down}, pk{down}"

    def beyond(self, rows: EntityQuerySet, place: "Place", *, back: bool = False) -> EntityQuerySet:
        """What comes after a place; `back`: before it. The rows are those of `sorted`."""
        sign = "lt" if self.descending != back else "gt"
        if self.is_by_id:
            return rows.filter(**{f"pk__{sign}": place.pk})
        later = Q(**{f"sorting__{sign}": place.value}) | Q(**{f"pk__{sign}": place.pk})
        return rows.filter(later, **{f"sorting__{sign}e": place.value})

    def place_of(self, entity: Any) -> "Place":
        return Place("" if self.is_by_id else entity.sorting, entity.pk)


@dataclass(frozen=True)
class Place:
    value: str
    pk: int


def order_of(key: str, direction: str = "asc") -> Order:
    key, direction = key.strip(), direction.strip().lower()
    if not key or direction not in ("asc", "desc"):
        raise ApiError("An order is a field with asc or desc.")
    return Order(key, direction == "desc")

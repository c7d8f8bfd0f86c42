"""Numbers that are known without counting: of all entities, by kind, and by kind and type or lifecycle."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.catalog.compatible.filtering import conditions
from services.catalog.finding.tallies import Tallies

FIELDS: Final = {"spec.type": "type", "spec.lifecycle": "lifecycle"}
LONG: Final = 100  # what the columns hold


@dataclass(frozen=True)
class Simple:
    """A question about kinds (all, when None), and about one other field of those that are tallied."""

    kinds: frozenset[str] | None = None
    field: str = ""
    values: frozenset[str] = frozenset()

    def total(self) -> int:
        (found,) = self.of([self.field or "kind"])
        return sum(n for value, n in found.items() if not self.field or value.lower() in self.values)

    def of(self, fields: Sequence[str]) -> list[Counter[str]]:
        """The values of some fields with their numbers, among the kinds that are asked for; one query."""
        tallies = Tallies(("kind", *fields))
        kinds = list(tallies.values("kind"))
        wanted = [kind for kind in kinds if self.kinds is None or kind.lower() in self.kinds]
        return [tallies.values(field, wanted) if wanted else Counter() for field in fields]


def simple(filters: Any, query: Any) -> Simple | None:
    """The question, if it is one of those; None for all others."""
    asked = [text for text in filters if text.strip(" ,")]
    if query is not None or len(asked) > 1:
        return None
    rest = conditions(asked[0]) if asked else {}
    kinds = rest.pop("kind", None)
    if not rest:
        return Simple(_set(kinds))
    ((key, values), *more) = rest.items()
    if more or key not in FIELDS or not values or any(len(value) >= LONG for value in values):
        return None
    return Simple(_set(kinds), FIELDS[key], frozenset(values))


def _set(values: list[str] | None) -> frozenset[str] | None:
    return None if values is None else frozenset(values)

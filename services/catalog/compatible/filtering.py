"""Questions about entities: `filter=` of addresses and the predicates of bodies, as conditions on rows."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Q
from django.db.models.expressions import RawSQL

from portal.shell.api import ApiError
from services.catalog.compatible import identity, places
from services.catalog.compatible.facts import as_text, fact
from services.catalog.compatible.values import text_of
from services.catalog.descriptors.relations import INVERSE
from services.catalog.models import Entity

MOST: Final = 300  # conditions in one question
DEEPEST: Final = 20
RELATIONS: Final = {f"relations.{name.lower()}": name for name in INVERSE}
NOTHING: Final = Q(pk__in=())
EVERYTHING: Final = ~NOTHING
# What `RelationQuerySet.standing` lets through, from either side. Written out, for the making of such a
# statement from conditions took longer than its answer.
STANDS: Final = """(r.confidence IS NULL OR NOT EXISTS (
    SELECT FROM catalog_judgement judged WHERE judged.source_ref = said.ref AND judged.verdict = 'dismissed'
    AND judged.target_ref = r.target_ref))"""
SIDES: Final = """
SELECT r.source_id FROM catalog_relation r JOIN catalog_entity said ON said.id = r.source_id
WHERE r.type = %s {forth} AND {stands}
UNION SELECT r.target_id FROM catalog_relation r JOIN catalog_entity said ON said.id = r.source_id
WHERE r.type = %s {back} AND r.target_id IS NOT NULL AND {stands}
"""
ANY_OTHER: Final = SIDES.format(forth="", back="", stands=STANDS)
SOME_OTHER: Final = SIDES.format(
    forth="AND r.target_ref = ANY(%s)", back="AND said.ref = ANY(%s)", stands=STANDS
)
ORPHAN: Final = "metadata.annotations.backstage.io/orphan"


def from_filters(filters: Iterable[str]) -> Q:
    """What any of the filters lets through; all conditions within one must hold."""
    wanted = [conditions(text) for text in filters if text.strip(" ,")]
    if sum(map(len, wanted)) > MOST:
        raise ApiError(f"At most {MOST} conditions in one question.")
    anyway = Q()
    for one in wanted:
        every = Q()
        for key, values in one.items():
            every &= holds(key, values)
        anyway |= every
    return anyway


def conditions(text: str) -> dict[str, list[str] | None]:
    """Key -> the values it may have, or None where it only has to exist; the same key twice means either."""
    found: dict[str, list[str] | None] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        key, equals, value = part.partition("=")
        key = key.strip().lower()
        if not key:
            raise ApiError(f"Invalid filter, '{part[:100]}' is not a valid statement (no key before '=').")
        if not equals:
            found[key] = None
        elif (values := found.setdefault(key, [])) is not None:
            values.append(value.strip().lower())
    return found


def holds(key: str, values: list[str] | None) -> Q:
    """Whether a key exists, or has one of some values, all in lower case."""
    if key in RELATIONS:
        return _related(RELATIONS[key], values)
    if key == "metadata.uid":
        return EVERYTHING if values is None else Q(pk__in=_keys(values))
    said = Q(facts__contains=[fact(key)])
    if values is not None:
        numbers = [fact(key, value) for value in values]
        said = Q(facts__contains=numbers) if len(numbers) == 1 else Q(facts__overlap=numbers)
    return said | _generated(key, values)


def _keys(values: Iterable[str]) -> list[int]:
    found = (identity.pk_of(identity.ENTITY, value) for value in values)
    return [pk for pk in found if pk is not None]


def _generated(key: str, values: list[str] | None) -> Q:
    """What is no part of the descriptor: the annotations that a catalog adds."""
    if key == ORPHAN:
        is_asked = values is None or "true" in values
        return Q(state=Entity.State.ORPHAN) if is_asked else NOTHING
    if key in (f"metadata.annotations.{places.ORIGIN}", f"metadata.annotations.{places.LOCATION}"):
        if values is None:
            return EVERYTHING
        return places.from_there(values, exactly=key.endswith(places.LOCATION))
    return Q()


def _related(kind: str, values: list[str] | None) -> Q:
    """Entities that stand in a relation, said by themselves or by the other side."""
    given: list[Any] = [kind, INVERSE[kind]] if values is None else [kind, values, INVERSE[kind], values]
    return Q(pk__in=RawSQL(ANY_OTHER if values is None else SOME_OTHER, given))  # noqa: S611  # constants


@dataclass
class _Predicates:
    """Reads one predicate, counting how much it asks."""

    count: int = 0

    def read(self, value: Any, depth: int = 0) -> Q:
        self.count += 1
        if self.count > MOST or depth > DEEPEST:
            raise ApiError(f"This query is too large: at most {MOST} conditions, {DEEPEST} deep.")
        if not isinstance(value, dict):
            raise ApiError('A query is an object, such as {"kind": "Component"}.')
        operator = next((key for key in value if key.startswith("$")), None)
        if operator is None:
            every = EVERYTHING
            for key, wanted in value.items():
                every &= self._value(key, wanted)
            return every
        if len(value) > 1:
            raise ApiError(f"{operator[:20]} stands alone in its object.")
        return self._logic(operator, value[operator], depth)

    def _logic(self, operator: str, value: Any, depth: int) -> Q:
        if operator == "$not":
            return ~self.read(value, depth + 1)
        if operator not in ("$all", "$any") or not isinstance(value, list):
            raise ApiError(f"{operator[:20]} is none of $all and $any with a list, $not with a query.")
        found = EVERYTHING if operator == "$all" else NOTHING
        for each in value:
            inner = self.read(each, depth + 1)
            found = found & inner if operator == "$all" else found | inner
        return found

    def _value(self, key: str, wanted: Any) -> Q:
        if not isinstance(wanted, dict):
            return holds(key.lower(), [_plain(wanted)])
        if len(wanted) != 1:
            raise ApiError(f"{key[:100]}: one of $exists, $in, $hasPrefix and $contains.")
        ((operator, value),) = wanted.items()
        if operator == "$exists" and isinstance(value, bool):
            return holds(key.lower(), None) if value else ~holds(key.lower(), None)
        if operator == "$in" and isinstance(value, list) and len(value) <= MOST:
            return holds(key.lower(), [_plain(each) for each in value]) if value else NOTHING
        if operator == "$hasPrefix" and isinstance(value, str):
            return _begins(key, value)
        if operator == "$contains":
            return _contains(key, value)
        raise ApiError(f"{key[:100]}: {operator[:20]} is not asked like this.")


def from_predicate(value: Any) -> Q:
    """What a predicate lets through; nothing asked is everything."""
    return Q() if value is None else _Predicates().read(value)


def _plain(value: Any) -> str:
    text = as_text(value) if isinstance(value, str | int | float | bool) else None
    if text is None:
        raise ApiError("A value is a text, a number, true or false.")
    return text.lower()


def _begins(key: str, prefix: str) -> Q:
    """Text that begins so: read from the entities that have the key."""
    rows = Entity.objects.alias(said=text_of(key)).filter(said__startswith=prefix.lower())
    return holds(key.lower(), None) & Q(pk__in=rows.order_by().values("pk"))


def _contains(key: str, value: Any) -> Q:
    """A list that holds this; for relations, one of that type, or to that entity, or both."""
    if key != "relations":
        return holds(key.lower(), [_plain(value)])
    if not isinstance(value, dict) or not value or set(value) - {"type", "targetRef"}:
        raise ApiError('relations: {"$contains": {"type": …, "targetRef": …}}.')
    refs = value.get("targetRef")
    if isinstance(refs, dict):
        refs = refs.get("$in")
    wanted = None if refs is None else [_plain(ref) for ref in (refs if isinstance(refs, list) else [refs])]
    kinds = list(RELATIONS.values())
    if "type" in value:
        kinds = [RELATIONS[name] for name in [f"relations.{_plain(value['type'])}"] if name in RELATIONS]
    found = NOTHING
    for kind in kinds:
        found |= _related(kind, wanted)
    return found

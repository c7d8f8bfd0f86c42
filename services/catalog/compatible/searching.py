"""`fullTextFilter`: a part of the value of any of some keys, in any case."""

from dataclasses import dataclass
from typing import Final

from django.db.models import Q

from portal.shell.api import ApiError
from services.catalog.compatible import identity
from services.catalog.compatible.facts import PARTLY, parts
from services.catalog.compatible.filtering import EVERYTHING, NOTHING
from services.catalog.compatible.values import text_of
from services.catalog.models import EntityQuerySet

LONGEST: Final = 200
MOST: Final = 10


@dataclass(frozen=True)
class Term:
    """What is looked for, and where; nothing is looked for when it is empty."""

    text: str = ""
    keys: tuple[str, ...] = ()

    def find(self, rows: EntityQuerySet, usual: str) -> EntityQuerySet:
        """The rows with the term; `usual` is the key where none was named."""
        if not self.text:
            return rows
        found, likely = NOTHING, NOTHING
        for number, key in enumerate(self.keys or (usual,)):
            if key.lower() == "metadata.uid":
                itself = Q(pk=identity.pk_of(identity.ENTITY, self.text) or 0)
                found, likely = found | itself, likely | itself
                continue
            rows = rows.alias(**{f"looked{number}": text_of(key)})
            found |= Q(**{f"looked{number}__contains": self.text.lower()})
            grams = parts(key.lower(), self.text.lower()) if key.lower() in PARTLY else set()
            likely = likely | Q(facts__contains=sorted(grams)) if grams else EVERYTHING
        # Apart, for what the index says is not asked of each row again.
        return rows.filter(found, likely)


def term_of(text: str, keys: list[str]) -> Term:
    text = text.strip()
    if len(text) > LONGEST or len(keys) > MOST:
        raise ApiError(f"A full text filter has at most {LONGEST} characters and {MOST} fields.")
    return Term(text, tuple(keys))

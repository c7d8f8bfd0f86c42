"""Finding entities by a text: every word as a beginning, as a part or with a slip, the likeliest first.

What it costs does not grow with the catalog: words are looked up in the vocabulary's index, and of many
matches no more than `MOST` are ranked. Those whose name is the text, begins so, or has the words, come first.
"""

from dataclasses import dataclass

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db.models import Case, F, IntegerField, Q, Value, When
from django.db.models.functions import Length, Lower

from services.catalog.finding import vocabulary
from services.catalog.finding.operators import Term, terms_of
from services.catalog.finding.vocabulary import EVERY
from services.catalog.finding.words import LONGEST, PART, WORD
from services.catalog.models import EntityQuerySet, words_of_names

LONGEST_TEXT, MOST, BY_NAME = 200, 500, 100
WEIGHTS = [0.05, 0.2, 0.5, 1.0]
Spellings = dict[str, list[str]]


@dataclass(frozen=True)
class Found:
    """Keys in their order; what was looked for instead, when the text found nothing as it stands."""

    keys: list[int]
    meant: str = ""

    @property
    def is_capped(self) -> bool:
        return len(self.keys) >= MOST


def find(rows: EntityQuerySet, text: str, order: list[str] | None = None) -> Found:
    """The entities among `rows` that a text names; by how well they match, or in the given order."""
    text = text[:LONGEST_TEXT].replace("\x00", "")
    terms = terms_of(text, WORD)
    if not terms:
        return Found([])
    wanted = [word for term in terms if not (term.is_not or term.is_phrase) for word in term.words]
    asked = [word for word in wanted if _is_learnt(word)]
    short = [word for word in wanted if len(word) < PART and not word.isdecimal()]
    known, slipped = vocabulary.heard([*asked, *short])
    known |= {word: [word, *known.get(word, [])] for word in short}
    keys = _keys(rows, terms, known | slipped, text, order)
    if keys:
        return Found(keys, _instead(text, slipped))
    slipped |= vocabulary.near([word for word in asked if word in known])
    also = {word: [EVERY, *others] for word, others in slipped.items()}
    keys = _keys(rows, terms, also, text, order) if slipped else []
    return Found(keys, _instead(text, slipped) if keys else "")


def _is_learnt(word: str) -> bool:
    """Whether the vocabulary would know it: no numbers, nothing very short or long."""
    return PART <= len(word) <= LONGEST and not word.isdecimal()


def _instead(text: str, slipped: Spellings) -> str:
    return WORD.sub(lambda one: slipped.get(one[0].lower(), [one[0]])[0], text) if slipped else ""


def _keys(
    rows: EntityQuerySet, terms: list[Term], also: Spellings, text: str, order: list[str] | None
) -> list[int]:
    query = _query(terms, also)
    matching = rows.order_by().filter(search=query)
    ways = [matching[:MOST], rows.order_by().alias(named=words_of_names()).filter(named=query)[:MOST]]
    clean = " ".join(text.lower().split())
    named = Q(low_name=clean)
    if all(not term.is_phrase and not term.is_not for term in terms):
        low = rows.order_by().alias(low_name=Lower("name"), low_title=Lower("title"))
        begins = (Q(low_name__startswith=clean), Q(low_title__startswith=clean), named)
        ways += [low.filter(way)[:BY_NAME] for way in begins]
    some = [way.values_list("pk", flat=True) for way in ways]
    found = rows.model.objects.filter(pk__any_of=ArraySubquery(some[0].union(*some[1:])))
    return list(
        (found.order_by(*order) if order else _ranked(found, query, clean)).values_list("pk", flat=True)
    )


def _ranked(rows: EntityQuerySet, query: SearchQuery, clean: str) -> EntityQuerySet:
    """What is called so, components first; what begins so; then by where the words stand, and how short."""
    begins = Q(low_name__startswith=clean) | Q(low_title__startswith=clean)
    called = Q(low_name=clean) | Q(low_title=clean)
    nearness = Case(
        When(called, kind="Component", then=Value(0)),
        When(called, then=Value(1)),
        When(begins, then=Value(2)),
        default=Value(3),
        output_field=IntegerField(),
    )
    ranked = rows.alias(
        low_name=Lower("name"),
        low_title=Lower("title"),
        nearness=nearness,
        rank=SearchRank(F("search"), query, weights=WEIGHTS),
    )
    return ranked.order_by("nearness", "-rank", Length("name"), "name", "pk")


def _query(terms: list[Term], also: Spellings) -> SearchQuery:
    raw = " & ".join(_asked(term, also) for term in terms)
    return SearchQuery(raw, config="simple", search_type="raw")


def _asked(term: Term, also: Spellings) -> str:
    """One term in PostgreSQL's language; words are letters and digits only, so that quotes hold them.

    A known word is asked for as the known words that begin so: `:*` reads all of the index's that do.
    """
    if term.is_phrase:
        asked = " <-> ".join(f"'{word}'" for word in term.words)
    else:
        spelt = [other for word in term.words for other in also.get(word, ())]
        begins = [f"'{word}':*" for word in term.words if word not in also or EVERY in also[word]]
        asked = " | ".join([*begins, *(f"'{other}'" for other in spelt if other != EVERY)])
    return f"!({asked})" if term.is_not else f"({asked})"

"""The words of the catalog: learnt whenever entities are written, asked whenever somebody searches."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db import connection

from services.catalog.finding import words

PARTS, BEGUN, NEAR = 40, 20, 200
EVERY = "*"
AT_ONCE = 5000
NEW = """
SELECT DISTINCT lexeme FROM catalog_entity, unnest(tsvector_to_array(search)) lexeme
WHERE ref = ANY(%s) AND lexeme !~ '^[0-9]+$' AND length(lexeme) BETWEEN 3 AND 40
AND NOT EXISTS (SELECT FROM catalog_word WHERE word = lexeme) ORDER BY lexeme
"""
ADD = """
INSERT INTO catalog_word (word, marks)
SELECT word, marks::int[] FROM unnest(%s::text[], %s::text[]) AS new (word, marks) ON CONFLICT DO NOTHING
"""
GONE = """
DELETE FROM catalog_word WHERE NOT EXISTS (
    SELECT FROM catalog_entity WHERE search @@ to_tsquery('simple', quote_literal(word)))
"""
BEGINS = "SELECT %s::int, 'begins', word FROM (SELECT word FROM catalog_word WHERE word LIKE %s LIMIT %s) w"
HOLDS = "SELECT %s::int, 'holds', word FROM (SELECT word FROM catalog_word WHERE marks @> %s LIMIT %s) w"
# Mark by mark, for of many at once the planner expects so many words that it compares with every one of them.
ALIKE = """SELECT DISTINCT its.word FROM unnest(%s::int[]) AS mark
    CROSS JOIN LATERAL (SELECT word FROM catalog_word WHERE marks @> ARRAY[mark] LIMIT 200) AS its"""
LIKE = f"SELECT %s::int, 'like', word FROM ({ALIKE} LIMIT %s) w"  # noqa: S608  # constants
# The same for a word that is not there: whether it is costs two short looks, and then nothing is compared.
UNHEARD = f"""SELECT %s::int, 'like', word FROM ({ALIKE}
    WHERE NOT EXISTS (SELECT FROM catalog_word WHERE word LIKE %s)
    AND NOT EXISTS (SELECT FROM catalog_word WHERE marks @> %s AND word LIKE %s) LIMIT %s) w"""  # noqa: S608  # constants


def learn(refs: Iterable[str]) -> None:
    """Take in the words of these entities that are new."""
    with connection.cursor() as cursor:
        cursor.execute(NEW, [list(refs)])
        new = [word for (word,) in cursor.fetchall()]
        for start in range(0, len(new), AT_ONCE):
            some = new[start : start + AT_ONCE]
            written = ["{" + ",".join(map(str, words.marks(word))) + "}" for word in some]
            cursor.execute(ADD, [some, written])


def forget() -> int:
    """Leave out the words that no entity has any more; how many those were."""
    with connection.cursor() as cursor:
        cursor.execute(GONE)
        return int(cursor.rowcount)


Spellings = dict[str, list[str]]


def heard(wanted: list[str]) -> tuple[Spellings, Spellings]:
    """For each word the known ones that hold it (EVERY, where many begin so), and those that may be meant by
    words of which there are none, the nearest first; one query."""
    arms: list[tuple[str, list[Any]]] = []
    for at, word in enumerate(wanted):
        arms.append((BEGINS, [at, f"{word}%", BEGUN + 1]))
        if len(word) >= words.PART:
            marks = words.part_marks(word)
            arms.append((HOLDS, [at, marks, PARTS]))
            if words.slips(word):
                unheard = [f"{word}%", marks, f"%{word}%"]
                arms.append((UNHEARD, [at, words.near_marks(word), *unheard, NEAR]))
    rows = _ask(arms)
    return _holding(wanted, rows), _nearest(wanted, rows)


def _holding(wanted: list[str], rows: list[tuple[int, str, str]]) -> Spellings:
    found: Spellings = {}
    begun: Counter[str] = Counter()
    for at, how, word in rows:
        if how == "like":
            continue
        begun[wanted[at]] += how == "begins"
        if how == "begins" or (wanted[at] in word and not word.startswith(wanted[at])):
            found.setdefault(wanted[at], []).append(word)
    return {word: [EVERY] * (begun[word] > BEGUN) + known for word, known in found.items()}


def near(wanted: list[str]) -> Spellings:
    """For each word the known ones that may be meant, the nearest first; absent where there is none."""
    arms = [(LIKE, [at, words.near_marks(word), NEAR]) for at, word in enumerate(wanted) if words.slips(word)]
    return _nearest(wanted, _ask(arms))


def _nearest(wanted: list[str], rows: list[tuple[int, str, str]]) -> Spellings:
    found: Spellings = {}
    for at, how, word in rows:
        if how == "like":
            found.setdefault(wanted[at], []).append(word)
    meant = {word: words.nearest(word, known) for word, known in found.items()}
    return {word: known for word, known in meant.items() if known}


def _ask(arms: list[tuple[str, list[Any]]]) -> list[tuple[int, str, str]]:
    if not arms:
        return []
    with connection.cursor() as cursor:
        statement = " UNION ALL ".join(arm for arm, _ in arms)
        cursor.execute(statement, [value for _, values in arms for value in values])
        return list(cursor.fetchall())

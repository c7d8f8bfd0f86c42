"""Words of a search and their spellings: what tells two alike, without a database. Pure.

A spelling is kept as numbers: of each run of three letters, so that a part is found inside a word, and of the
word with up to two letters left out (SymSpell's deletions), so that a slip of the finger still meets it.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import combinations
from zlib import crc32

LONGEST, HEAD, PART = 40, 7, 3
WORD = re.compile(r"[^\W_]+")


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, as the database splits it."""
    return WORD.findall(text.lower())


def slips(word: str) -> int:
    """How many slips a word of this length is forgiven."""
    return 0 if len(word) < 4 else 1 if len(word) < 6 else 2


def _shorter(word: str) -> Iterator[str]:
    """The head of the word, with up to as many letters left out as it is forgiven slips."""
    head = word[:HEAD]
    for out in range(slips(word) + 1):
        for kept in combinations(range(len(head)), len(head) - out):
            yield "".join(head[at] for at in kept)


def _numbers(sort: str, parts: Iterable[str]) -> list[int]:
    return sorted({crc32((sort + part).encode()) - 2**31 for part in parts})


def near_marks(word: str) -> list[int]:
    """Numbers of which two words share one when they differ by no more slips than either is forgiven."""
    return _numbers("-", _shorter(word))


def part_marks(word: str) -> list[int]:
    """Numbers that every word has that holds this one; none for what is too short to look for."""
    return _numbers("+", (word[at : at + PART] for at in range(len(word) - PART + 1)))


def marks(word: str) -> list[int]:
    """What is stored for a word, for both of these."""
    return [*near_marks(word), *part_marks(word)] if len(word) <= LONGEST else []


def distance(one: str, other: str) -> int:
    """How many letters to add, leave out, change or swap with a neighbour (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        last, row, before_last = row, [i], before
        for j, its in enumerate(other, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != its))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == its:
                cost = min(cost, before_last[j - 2] + 1)
            row.append(cost)
        before = last
    return row[-1]


def nearest(word: str, known: Iterable[str], most: int = 8) -> list[str]:
    """Those of `known` that may be meant by `word`, the nearest first."""
    allowed = slips(word)
    near = [(distance(word, other), other) for other in known if abs(len(other) - len(word)) <= allowed]
    found = sorted(
        (
            (slipped, other[:1] != word[:1], abs(len(other) - len(word)), other)
            for slipped, other in near
            if 0 < slipped <= allowed
        ),
    )
    return [other for *_, other in found[:most]]

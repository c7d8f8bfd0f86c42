"""The chain of hashes over the audit's events, computed a second time, away from the database that wrote it.

Needs neither Django nor memory for more than a batch. The form that is hashed is that of `audit_content`
and `audit_seal` in the migrations: text lengths are characters, times are microseconds since 1970.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

START = bytes(32)  # what the first link has before it
BATCH = 5000
_LINKS = """
SELECT l.position, l.event_id, l.previous, l.hash, e.id, (extract(epoch FROM e.at) * 1000000)::bigint,
       e.actor, e.actor_name, e.action, e.object_type, e.object_id, e.summary, e.details::text, e.request_id
FROM audit_link l LEFT JOIN audit_event e ON e.id = l.event_id ORDER BY l.position
"""
_UNLINKED = """
SELECT e.id FROM audit_event e
WHERE NOT EXISTS (SELECT FROM audit_link l WHERE l.event_id = e.id) ORDER BY e.id
"""


@dataclass(frozen=True)
class Head:
    """A place of the chain and its hash: whoever noted it can prove later that nothing before it changed."""

    position: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.position}:{self.hash.hex()}"

    @classmethod
    def parse(cls, text: str) -> "Head":
        """Refuses (ValueError) what is not `position:hash`."""
        position, _, digest = text.strip().partition(":")
        head = cls(int(position), bytes.fromhex(digest))
        if head.position < 0 or len(head.hash) != len(START):
            raise ValueError(text)
        return head


@dataclass(frozen=True)
class Problem:
    """`event` is the id of an event that is not what it was, or that stands where something was removed."""

    event: int
    what: str


@dataclass
class Report:
    events: int = 0
    head: Head = field(default_factory=lambda: Head(0, START))
    problems: list[Problem] = field(default_factory=list)

    @property
    def broken(self) -> list[int]:
        return sorted({problem.event for problem in self.problems})


def verify(connection: psycopg.Connection[Any], *, noted: Sequence[Head] = ()) -> Report:
    """Look at every event, inside the caller's transaction. `noted` are heads that must still be there."""
    report = Report()
    wanted: dict[int, set[bytes]] = {}
    for head in noted:
        if head.position:
            wanted.setdefault(head.position, set()).add(head.hash)
    last_event = 0
    for row in _rows(connection, _LINKS):
        report.problems += _check(report.head, row)
        position, event, _, digest, found, *_ = row
        others = wanted.pop(position, set()) - {digest}
        report.problems += [Problem(event, "the chain up to here was written anew") for _ in others]
        report.head = Head(position, digest)
        report.events += found is not None
        last_event = event
    report.problems += [
        Problem(last_event, f"the chain ends here; it once reached position {position}")
        for position in wanted
    ]
    for (event,) in _rows(connection, _UNLINKED):
        report.events += 1
        report.problems.append(Problem(event, "stands outside the chain"))
    return report


def _check(before: Head, row: Sequence[Any]) -> Iterator[Problem]:
    position, event, previous, digest, found, *columns = row
    if position != before.position + 1 or previous != before.hash:
        yield Problem(event, "what came before it was removed or changed")
    if found is None:
        yield Problem(event, "was removed")
    elif digest != link_hash(previous, position, content(found, *columns)):
        yield Problem(event, "was changed")


def content(event: int, at: int, *texts: str) -> bytes:
    """The hash over an event's own columns; `at` in microseconds since 1970."""
    pieces = "".join([f"{len(text)}:{text}" for text in texts])
    return hashlib.sha256(f"slipway-audit-1 {event} {at} {pieces}".encode()).digest()


def link_hash(previous: bytes, position: int, content: bytes) -> bytes:
    return hashlib.sha256(previous + position.to_bytes(8, "big") + content).digest()


def _rows(connection: psycopg.Connection[Any], query: str) -> Iterator[Sequence[Any]]:
    with connection.cursor(name="audit_chain", binary=True) as cursor:
        cursor.itersize = BATCH
        cursor.execute(query)
        yield from cursor

"""What the portal says on a host for its people, and how it reads it back."""

from collections.abc import Iterable

from .. import inert
from ..base import Comment, Person, Review
from ..names import MERGED_TRAILER, spoken
from . import marks
from .dialect import Note, Vote

SIGNED_TRAILER = "Slipway-Mark"


def who(person: Person) -> dict[str, str]:
    return {"u": person.username, "n": person.name}


def person(said: dict[str, str]) -> Person:
    return Person(said.get("u", ""), said.get("n", ""))


def body(text: str, author: Person, about: str) -> str:
    """A pull request's text, and for whom it was opened."""
    return f"{inert.body(text).strip()}\n\n{marks.mark('by', about, who(author))}".strip()


def spoken_for(kind: str, about: str, key: str, author: Person, text: str, verb: str = "said") -> str:
    """What somebody says in the portal, as the host's own people read it."""
    head = f"**{inert.line(author.name)}** {verb} in Slipway:"
    return f"{head}\n\n{inert.quoted(text)}\n\n{marks.mark(kind, about, {'k': key, **who(author)})}"


def found(kind: str, about: str, key: str, notes: Iterable[Note]) -> Comment | None:
    """What was said under a key before."""
    for note in notes:
        said = marks.read(kind, about, note.body)
        if said is not None and said.get("k") == key:
            return _ours(note, said)
    return None


def comments(about: str, notes: Iterable[Note]) -> list[Comment]:
    """The conversation: what the portal said for its people, and what others say there."""
    result = []
    for note in notes:
        said = marks.read("comment", about, note.body)
        if said is not None:
            result.append(_ours(note, said))
        elif not any(marks.read(kind, about, note.body) for kind in ("close", "approval")):
            result.append(Comment(note.key, note.author, marks.without(note.body), note.at))
    return result


def _ours(note: Note, said: dict[str, str]) -> Comment:
    return Comment(said.get("k", ""), person(said), inert.unquoted(marks.without(note.body)), note.at)


def approval(about: str, by: Person, head: str) -> str:
    told = f"**{inert.line(by.name)}** approved {head} in Slipway."
    return f"{told}\n\n{marks.mark('approval', about, {**who(by), 'h': head})}"


def reviews(about: str, votes: Iterable[Vote], head: str) -> list[Review]:
    """Who approved what: in the portal by our marks, on the host by its own word."""
    result = []
    for vote in votes:
        said = marks.read("approval", about, vote.body)
        if said is not None:
            result.append(Review(person(said), said["h"], vote.at, said["h"] != head))
        elif vote.approves:
            result.append(Review(vote.author, vote.head_sha, vote.at, vote.head_sha != head))
    return result


def merge_message(message: str, about: str, by: Person) -> tuple[str, str]:
    """Title and text of the merge commit; the text says for whom, signed."""
    title, _, rest = spoken(message).partition("\n")
    signed = marks.mac("merge", about, by.username)
    told = f"{MERGED_TRAILER}: {by.username}\n{SIGNED_TRAILER}: {signed}"
    return inert.line(title), f"{rest.strip()}\n\n{told}".strip()


def merged_by(message: str, about: str) -> str:
    """For whom the portal merged; empty when somebody else did."""
    lines = dict(line.partition(": ")[::2] for line in message.splitlines() if ": " in line)
    name, signed = lines.get(MERGED_TRAILER, ""), lines.get(SIGNED_TRAILER, "")
    return name if name and signed.strip() == marks.mac("merge", about, name.strip()) else ""

"""One file that nobody foresaw takes nothing from the others: what fails is noted, with the file's name."""

from collections.abc import Iterator
from contextlib import contextmanager

from services.catalog.derivation.model import Note

UNFORESEEN = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


@contextmanager
def noted(notes: list[Note], file: str, line: int = 1) -> Iterator[None]:
    """Leave out what cannot be understood and say so."""
    try:
        yield
    except UNFORESEEN as error:
        why = f"not everything here was understood ({type(error).__name__}); the rest was read"
        notes.append(Note("failed", file, line, why))

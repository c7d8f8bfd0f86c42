"""How a handler does a thing once: find it, else create it, else find it again."""

from collections.abc import Callable
from typing import TypeVar

from services.effects.errors import OutsideError

T = TypeVar("T")


def find_else_create(find: Callable[[], T | None], create: Callable[[], T]) -> T:
    """Return what exists under the natural key, creating it when nothing does.

    When creating fails in a way that leaves the outcome open (a lost reply, or somebody else was faster),
    looks once more before passing the error on.
    """
    found = find()
    if found is not None:
        return found
    try:
        return create()
    except OutsideError:
        found = find()
        if found is None:
            raise
        return found

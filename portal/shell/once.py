"""What several parts of one page need is read once, and lives as long as its request."""

from collections.abc import Callable
from typing import TypeVar

from portal.shell.http import HttpRequest

T = TypeVar("T")


def once(request: HttpRequest, key: str, read: Callable[[], T]) -> T:
    """The result of `read` for this request: the first call reads, the others get the same."""
    kept = request.__dict__.setdefault("_read_once", {})
    if key not in kept:
        kept[key] = read()
    found: T = kept[key]
    return found

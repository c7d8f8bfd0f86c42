"""Where what is wrong with a service can be put right. A higher app adds what it knows when it is ready."""

from collections.abc import Callable, Mapping
from typing import Any

# page, entity, fix of a finding -> the address of the form that changes it, or "" when there is none.
Source = Callable[[Any, Any, Mapping[str, Any]], str]
sources: list[Source] = []


def url_of(request: Any, entity: Any, fix: Mapping[str, Any]) -> str:
    """The form with the fix filled in, for somebody who may send it; "" where there is none."""
    return next((url for url in (source(request, entity, fix) for source in sources) if url), "")

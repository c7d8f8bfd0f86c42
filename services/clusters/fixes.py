"""Where a finding's fix can be made. A higher app puts in what it knows when it is ready."""

from collections.abc import Callable
from typing import Any

# entity, environment name, finding -> the address of the form filled in, or "" when this source has none.
Source = Callable[[Any, str, Any], str]
sources: list[Source] = []


def url_of(entity: Any, environment: str, finding: Any) -> str:
    found = (source(entity, environment, finding) for source in sources) if finding.fix else ()
    return next((url for url in found if url), "")

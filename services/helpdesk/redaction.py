"""A second look at what is frozen into a ticket: names and shapes of secrets are blanked before it is stored.

The cluster's picture is redacted when it is read; a ticket is kept for years and seen by colleagues, so
nothing is taken on trust.
"""

import re
from typing import Any

from portal.shell import pasted

BLANK = pasted.BLANK

_NAMES = re.compile(
    r"passw(or)?d|passphrase|secret|token|credential|api[-_]?key|access[-_]?key|private[-_]?key|client[-_]?key"
    r"|authorization|cookie|dsn|connection[-_]?string",
    re.IGNORECASE,
)
_HARMLESS = re.compile(rf"({'|'.join(pasted.HARMLESS)})$", re.IGNORECASE)
_ASSIGNED = re.compile(pasted.NAMED + r"(?!•)[^\s,;&\"']+")


def redact(value: Any, name: str = "") -> Any:
    """The same JSON with secrets blanked: by the name they stand under, by an environment variable's
    name, by shape.
    """
    if isinstance(value, dict):
        return _redact_mapping(value)
    if isinstance(value, list):
        return [redact(item, name) for item in value]
    if _is_secret_name(name) and value not in (None, "", True, False):
        return BLANK
    return _redact_text(value) if isinstance(value, str) else value


def _is_secret_name(name: str) -> bool:
    return bool(_NAMES.search(name)) and not _HARMLESS.search(name)


def _redact_mapping(value: dict[str, Any]) -> dict[str, Any]:
    if isinstance(value.get("name"), str) and "value" in value:
        # {"name": "DB_PASSWORD", "value": "…"}: how Kubernetes writes an environment variable
        return {k: redact(v, value["name"] if k == "value" else k) for k, v in value.items()}
    return {k: redact(v, k) for k, v in value.items()}


def _redact_text(text: str) -> str:
    return _ASSIGNED.sub(rf"\1\2{BLANK}", pasted.without_shapes(text))

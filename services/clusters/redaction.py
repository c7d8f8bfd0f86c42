"""What is taken out of objects and logs before the portal keeps or shows them: secrets, and mere bulk."""

import re
from typing import Any

from portal.shell import pasted

MASK = pasted.BLANK
SECRET_NAME = re.compile(
    r"passw|passphrase|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credential|auth(?!or)|dsn|pwd",
    re.IGNORECASE,
)
# Nothing here may start over at every character: what is searched is whatever a container cares to print.
_IN_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.\-]{0,20}://[^\s:/@]{0,300}):(?P<password>[^\s@/]{1,1000})@", re.IGNORECASE
)
_ASSIGNED = re.compile(
    r"(?P<key>(?:passw(?:or)?d|secret|token|api[-_]?key|credential|authorization)[\w.\-]{0,60})"
    r"(?P<sign>[\"']?\s{0,20}[:=]\s{0,20}[\"']?(?:Bearer\s+|Basic\s+)?)(?P<value>[^\s\"',;&}]+)",
    re.IGNORECASE,
)
BULK = {"managedFields", "selfLink", "generateName"}
# Copies of whole objects, secrets included, that tools leave in annotations.
NOISE = re.compile(r"last-applied|objectset\.rio\.cattle\.io/applied")


def redact_text(text: str) -> str:
    """`text` without passwords in addresses, assigned secrets, known token shapes and private keys."""
    text = pasted.PRIVATE_KEY.sub(MASK, text.replace("\0", ""))
    text = _IN_URL.sub(rf"\g<scheme>:{MASK}@", text)
    text = pasted.TOKEN.sub(MASK, text)
    return _ASSIGNED.sub(rf"\g<key>\g<sign>{MASK}", text)


def _variable(variable: Any) -> Any:
    """One `env` entry: references stay, values of secret-looking names go."""
    if not isinstance(variable, dict) or "value" not in variable:
        return _walk(variable)
    secret = SECRET_NAME.search(str(variable.get("name") or ""))
    return variable | {"value": MASK if secret else redact_text(str(variable["value"]))}


def _walk(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _member(key, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_walk(item) for item in value]
    return redact_text(value) if isinstance(value, str) else value


def _member(key: str, value: Any) -> Any:
    if key == "env" and isinstance(value, list):
        return [_variable(item) for item in value]
    if key == "annotations" and isinstance(value, dict):
        return {name: _walk(item) for name, item in value.items() if not NOISE.search(name)}
    if key in ("command", "args") and isinstance(value, list):
        return [redact_text(item) if isinstance(item, str) else _walk(item) for item in value]
    return _walk(value)


def _metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    walked: dict[str, Any] = _walk({key: value for key, value in metadata.items() if key not in BULK})
    return walked


def pruned(obj: dict[str, Any]) -> dict[str, Any]:
    """The object as the portal keeps it: no secret, no bulk; of Secrets and ConfigMaps the keys alone."""
    kept: dict[str, Any] = {
        "apiVersion": obj.get("apiVersion"),
        "kind": obj.get("kind"),
        "metadata": _metadata(obj["metadata"]),
    }
    if obj.get("kind") in ("Secret", "ConfigMap"):
        keys = [key for part in ("data", "stringData", "binaryData") for key in obj.get(part) or {}]
        return kept | {"keys": sorted(keys)}
    rest = {key: value for key, value in obj.items() if key not in kept}
    return kept | {key: _walk(value) for key, value in rest.items()}

"""`$(VAR)`, `${VAR:-default}`, `${property:default}`, `$VAR`: what stands there when the program runs."""

import re
from collections.abc import Mapping

BRACES = re.compile(r"\$\{([A-Za-z_][\w.\-]*)(?:(:-|:\?|:\+|:|-|\?)([^${}]*))?\}")
PARENTHESES = re.compile(r"\$\(([A-Za-z_][\w.]*)\)")
BARE = re.compile(r"(?<!\$)\$([A-Za-z_][A-Za-z0-9_]*)")
HOST_OF = re.compile(r"_SERVICE_HOST\Z")
ROUNDS = 6
MAX_RESULT = 100_000
MOST = 200  # in one round
MAX_VALUE = 4_000


def expand(value: str, variables: Mapping[str, str]) -> str:
    """The value with what is known put in; an unknown variable with a default takes it, any other stays."""
    for _ in range(ROUNDS):
        if "$" not in value or len(value) > MAX_RESULT:
            break
        told = BRACES.sub(lambda match: _braces(match, variables), value, MOST)
        told = PARENTHESES.sub(lambda match: _found(match, variables), told, MOST)
        told = BARE.sub(lambda match: _found(match, variables), told, MOST)
        if told == value:
            break
        value = told
    return value[:MAX_RESULT]


def _braces(match: re.Match[str], variables: Mapping[str, str]) -> str:
    known = _known(match[1], variables)
    if match[2] == ":+":
        return match[3] or "" if known else ""
    if known is None and match[2] in (":-", ":", "-"):
        return match[3] or ""
    return _found(match, variables)


def _found(match: re.Match[str], variables: Mapping[str, str]) -> str:
    """What a variable stands for; `X_SERVICE_HOST` is what every container is told of the Service x."""
    known = _known(match[1], variables)
    if known is None and HOST_OF.search(match[1]):
        return HOST_OF.sub("", match[1]).lower().replace("_", "-")
    return known or match[0]


def _known(name: str, variables: Mapping[str, str]) -> str | None:
    """A variable's value; a property may come from the variable spelled as Spring spells it."""
    for spelled in (name, name.replace(".", "_").replace("-", "").upper()):
        if variables.get(spelled):
            return variables[spelled][:MAX_VALUE]
    return None

"""Unquoted scalars as Kubernetes reads them."""

import math
import re
from typing import Any, Final

# What Go's YAML, through which Kubernetes reads, makes of a plain scalar.
_WORDS: Final[dict[str, Any]] = (
    dict.fromkeys(("", "~", "null", "Null", "NULL"), None)
    | dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"), True)
    | dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"), False)
    | {".nan": float("nan"), ".NaN": float("nan"), ".NAN": float("nan")}
    | dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf"))
    | dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf"))
)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INTEGERS: Final = (
    (re.compile(r"[-+]?0b[01][01_]*"), 2),
    (re.compile(r"[-+]?0x[0-9a-fA-F][0-9a-fA-F_]*"), 16),
    (re.compile(r"[-+]?0o?[0-7][0-7_]*"), 8),
    (re.compile(r"[-+]?(0|[1-9][0-9_]*)"), 10),
)
_MOST_DIGITS: Final = 70  # 64 of them binary, a sign and a prefix
_PREFIX = re.compile(r"(?<![0-9a-fA-F])0[box]?(?=[0-9a-fA-F])")


def plain_value(text: str) -> Any:
    """The value of an unquoted scalar: null, true, false, a number, or the text itself."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "-+.0123456789":
        return text
    for pattern, base in _INTEGERS:
        if pattern.fullmatch(text):
            return _integer(text, base)
    return _floating(text, text) if _FLOAT.fullmatch(text) else text


def _floating(digits: str, text: str) -> Any:
    """To Go what is too large for a float is no number."""
    value = float(digits)
    return text if math.isinf(value) else value


def _integer(text: str, base: int) -> Any:
    """What does not fit into 64 bits is a float to Go where that is possible, and text elsewhere."""
    digits = text.replace("_", "")
    if len(digits) <= _MOST_DIGITS:
        value = int(digits if base == 10 else _PREFIX.sub("", digits), base)
        if -(2**63) <= value < 2**64:
            return value
    return _floating(digits, text) if base == 10 else text

"""Plain scalars by the core schema of YAML 1.2, as npm's `yaml` reads them: dates and `yes` are strings."""

import math
import re
from typing import Any

import yaml

NUMBER = re.compile(r"[-+]?[0-9]+$")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")
BASED = re.compile(r"(0o[0-7]+|0x[0-9a-fA-F]+)$")
WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
WORDS |= {word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")}


def scalar(event: yaml.ScalarEvent) -> Any:
    """A plain scalar by the core schema; anything quoted, folded or tagged as string stays text."""
    text: str = event.value
    if not event.implicit[0] or (event.tag or "").endswith(":str"):
        return text
    if text in WORDS:
        return WORDS[text]
    if NUMBER.match(text) and len(text) < 300:
        return int(text)
    if BASED.match(text) and len(text) < 300:
        return int(text, 0)
    return _float(text) if FLOAT.match(text) else text


def _float(text: str) -> float | str:
    """A number JSON can carry; one beyond every float stays text."""
    number = float(text)
    return number if math.isfinite(number) else text

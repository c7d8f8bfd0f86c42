"""Kubernetes quantities as numbers."""

import re

_SUFFIX = {
    "": 1.0, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50,
}  # fmt: skip
_QUANTITY = re.compile(r"^([0-9.]+)([A-Za-z]*)$")


def number(text: object) -> float:
    """Bytes or cores; 0 for what is no quantity."""
    found = _QUANTITY.match(str(text))
    if not found or found[2] not in _SUFFIX:
        return 0.0
    try:
        return float(found[1]) * _SUFFIX[found[2]]
    except ValueError:
        return 0.0


_DURATION = re.compile(r"([0-9.]+)\s*([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def duration(text: object, default: float = 0.0) -> float:
    """`90s`, `2h30m` or `6d` as seconds."""
    found = _DURATION.findall(str(text))
    return sum(float(count) * _SECONDS[unit] for count, unit in found) if found else default

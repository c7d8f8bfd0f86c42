"""Quantities of Kubernetes as plain numbers: `250m`, `1.5Gi`, `2e3`."""

import re

_WRITTEN = re.compile(r"([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E)?\Z")
_BINARY = {f"{letter}i": 2.0 ** (10 * power) for power, letter in enumerate("KMGTPE", start=1)}
_DECIMAL = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}


def amount(written: object) -> float | None:
    """None for what is no quantity."""
    match = _WRITTEN.match(str(written))
    if match is None:
        return None
    return float(match[1]) * (_BINARY | _DECIMAL).get(match[2] or "", 1.0)

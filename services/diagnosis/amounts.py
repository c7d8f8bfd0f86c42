"""Quantities of Kubernetes as plain numbers: `250m`, `1.5Gi`, `2e3`."""

import re

_WRITTEN = re.compile(r"([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E)?\Z")
_BINARY = {f"{letter}i": 2.0 ** (10 * power) for power, letter in enumerate("KMGTPE", start=1)}
_DECIMAL = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}


def cores(value: float) -> str:
    """As manifests write it: `250m`, `1.5`."""
    return f"{round(value * 1000)}m" if value < 1 else f"{value:.2f}".rstrip("0").rstrip(".")


def size(value: float) -> str:
    """Bytes in what people count memory in: `128Mi`, `1.5Gi`."""
    return f"{value / 2**30:.1f}Gi" if value >= 2**30 else f"{round(value / 2**20)}Mi"


def amount(written: object) -> float | None:
    """None for what is no quantity."""
    match = _WRITTEN.match(str(written))
    if match is None:
        return None
    return float(match[1]) * (_BINARY | _DECIMAL).get(match[2] or "", 1.0)

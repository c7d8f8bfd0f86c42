"""Kubernetes quantities ("250m", "1.5Gi", "1e3") as numbers, and back."""

import math
import re
from decimal import Decimal

# Spelling of apimachinery's resource.Quantity: sign, digits with at most one point, a suffix or an exponent.
_QUANTITY = re.compile(
    r"^(?P<number>[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40}))"
    r"(?:(?P<suffix>Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E)|[eE](?P<exponent>[+-]?\d{1,2}))?$"
)
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}


class NotAQuantity(ValueError):
    """The text is not something Kubernetes accepts as a quantity."""

    def __init__(self, text: object) -> None:
        super().__init__(f"{text!r} is not a quantity; write it like 250m, 128Mi or 2Gi")


def parse(value: object) -> Decimal:
    """The exact number behind a quantity, in base units (cores, bytes); refuses what Kubernetes refuses."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise NotAQuantity(value)
    match = _QUANTITY.match(str(value))
    if match is None:
        raise NotAQuantity(value)
    number = Decimal(match["number"])
    if match["suffix"] in _BINARY:
        return number * Decimal(1024) ** _BINARY[match["suffix"]]
    power = _DECIMAL.get(match["suffix"] or "", 0) if match["suffix"] else int(match["exponent"] or 0)
    return number.scaleb(power)


def is_quantity(value: object) -> bool:
    try:
        parse(value)
    except NotAQuantity:
        return False
    return True


def memory(size: float | Decimal) -> str:
    """Bytes as people write them: whole mebibytes rounded up, gibibytes when that loses nothing."""
    mebi = math.ceil(Decimal(size) / 1024**2)
    return f"{mebi // 1024}Gi" if mebi and mebi % 1024 == 0 else f"{mebi}Mi"


def cpu(cores: float | Decimal) -> str:
    """Cores as people write them: millicores rounded up, whole cores when that loses nothing."""
    milli = math.ceil((Decimal(cores) * 1000).quantize(Decimal("0.000001")))
    return str(milli // 1000) if milli and milli % 1000 == 0 else f"{milli}m"

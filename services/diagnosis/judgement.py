"""The words of a verdict on health."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Status = Literal["Healthy", "Progressing", "Degraded", "Suspended", "Missing", "Unknown"]


@dataclass(frozen=True)
class Health:
    status: Status
    message: str = ""


HEALTHY = Health("Healthy")
UNOBSERVED = Health("Progressing", "Waiting for the change to be observed")

# From best to worst: the health of several objects together is the last of theirs.
ORDER: tuple[Status, ...] = ("Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown")


def worst(healths: Iterable[Health]) -> Health:
    """The health of a whole; that of nothing is Missing."""
    return max(healths, key=lambda each: ORDER.index(each.status), default=Health("Missing"))

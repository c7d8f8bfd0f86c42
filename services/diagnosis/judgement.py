"""The words of a verdict on health."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["Healthy", "Progressing", "Degraded", "Suspended", "Missing", "Unknown"]


@dataclass(frozen=True)
class Health:
    status: Status
    message: str = ""


HEALTHY = Health("Healthy")
UNOBSERVED = Health("Progressing", "Waiting for the change to be observed")

"""What a preview, or a copy of a set elsewhere, would be: worked out before it is asked for (row 37)."""

from .elsewhere import Elsewhere, elsewhere, parity
from .gathering import Gathered, gather
from .plans import MOST_SERVICES, Choice, Plan, Wish, plan

__all__ = [
    "MOST_SERVICES", "Choice", "Elsewhere", "Gathered", "Plan", "Wish", "elsewhere", "gather", "parity",
    "plan",
]  # fmt: skip

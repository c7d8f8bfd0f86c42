"""What a preview, or a copy of a set elsewhere, would be: worked out before it is asked for (row 37)."""

from .gathering import Gathered, gather
from .plans import MOST_SERVICES, Choice, Plan, Wish, plan

__all__ = ["MOST_SERVICES", "Choice", "Gathered", "Plan", "Wish", "gather", "plan"]

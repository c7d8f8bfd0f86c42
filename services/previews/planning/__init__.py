"""What a preview, or a copy of a set elsewhere, would be: worked out before it is asked for (row 37)."""

from .elsewhere import Elsewhere, elsewhere, parity
from .followed import Following, about, following, guessed, named, why_not
from .gathering import Gathered, gather
from .plans import MOST_SERVICES, Choice, Plan, Wish, plan
from .traffic import Shift, shift

__all__ = [
    "MOST_SERVICES", "Choice", "Elsewhere", "Following", "Gathered", "Plan", "Shift", "Wish", "about",
    "elsewhere", "following", "gather", "guessed", "named", "parity", "plan", "shift", "why_not",
]  # fmt: skip

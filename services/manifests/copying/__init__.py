"""The manifests of a set of services, made into those of the same set somewhere else. Pure.

A copy stands by itself: what the set says about itself follows it, what it says about others leads back to
where they are, and nothing of it reaches anybody who did not ask for it.
"""

from services.manifests.copying.copying import copy
from services.manifests.copying.model import Copied, Item, Left, Missing, Noted, Routed, Target

__all__ = ["Copied", "Item", "Left", "Missing", "Noted", "Routed", "Target", "copy"]

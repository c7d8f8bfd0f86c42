"""Who an entity belongs to, from facts alone: its own owner, else its system's, else its domain's."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

DEEPEST = 6  # systems within domains within domains


class Standing(StrEnum):
    """What can be said of an owner; only the first two mean that somebody answers."""

    OWNED = "owned"
    INHERITED = "inherited"
    DEAD = "dead"
    UNKNOWN = "unknown"
    NOBODY = "nobody"


@dataclass(frozen=True)
class Fact:
    """What the catalog holds of one entity; `within` is its system, or the domain of a system or domain."""

    ref: str
    owner_ref: str = ""
    is_known: bool = False  # whether the owner is in the catalog
    within: str = ""


@dataclass(frozen=True)
class Ownership:
    """`via` is what it was inherited from; `why` says what is wrong with a dead owner."""

    standing: Standing
    owner_ref: str = ""
    via: str = ""
    why: str = ""

    @property
    def short(self) -> str:
        """The owner's name, with its kind and namespace where those are unusual."""
        return self.owner_ref.removeprefix("group:default/").removeprefix("user:default/")

    @property
    def listed(self) -> tuple[str, str]:
        """What lists have of it: whose it is, and how; that an owner cannot answer is for reports to say."""
        if self.standing != Standing.DEAD:
            return self.owner_ref, str(self.standing)
        return self.owner_ref, str(Standing.INHERITED if self.via else Standing.OWNED)

    @property
    def is_answered(self) -> bool:
        return self.standing in (Standing.OWNED, Standing.INHERITED)


def resolve(fact: Fact, around: Mapping[str, Fact], lifeless: Mapping[str, str]) -> Ownership:
    """The first owner named by the entity, its system, its domain and the domains around that.

    `around` holds the containers, `lifeless` why an owner is dead. A container that is not there, or that
    contains itself, ends the way.
    """
    at: Fact | None = fact
    seen: set[str] = set()
    while at is not None and at.ref not in seen and len(seen) <= DEEPEST:
        if at.owner_ref:
            return _judged(at, "" if at is fact else at.ref, lifeless)
        seen.add(at.ref)
        at = around.get(at.within)
    return Ownership(Standing.NOBODY)


def _judged(named: Fact, via: str, lifeless: Mapping[str, str]) -> Ownership:
    if not named.is_known:
        return Ownership(Standing.UNKNOWN, named.owner_ref, via)
    if why := lifeless.get(named.owner_ref):
        return Ownership(Standing.DEAD, named.owner_ref, via, why)
    return Ownership(Standing.INHERITED if via else Standing.OWNED, named.owner_ref, via)

"""How the catalog learns how things are. A higher app puts its source in here when it is ready."""

from collections.abc import Collection, Sequence
from typing import Protocol

WORST_FIRST = ("Degraded", "Missing", "Progressing", "Suspended", "Unknown", "Healthy")


class HealthSource(Protocol):
    def by_entity(self, refs: Sequence[str]) -> dict[str, dict[str, str]]:
        """Health by environment name for each reference that runs somewhere; one query."""
        ...

    def refs_with(self, health: str) -> Collection[str]:
        """References of everything that has this health in some environment."""
        ...

    def environments(self) -> Sequence[str]:
        """Names of the environments, the most important first."""
        ...


sources: list[HealthSource] = []


def by_entity(refs: Sequence[str]) -> dict[str, dict[str, str]]:
    """Health by environment for each of `refs`; empty where nobody knows."""
    found: dict[str, dict[str, str]] = {}
    for source in sources:
        for ref, states in source.by_entity(refs).items():
            found.setdefault(ref, {}).update(states)
    return found


def refs_with(health: str) -> set[str]:
    return {ref for source in sources for ref in source.refs_with(health)}


def environments() -> list[str]:
    return list(dict.fromkeys(name for source in sources for name in source.environments()))


def worst(states: dict[str, str]) -> str:
    """The state that deserves to be shown when there is room for one."""
    return min(states.values(), key=rank, default="")


def rank(health: str) -> int:
    return WORST_FIRST.index(health) if health in WORST_FIRST else WORST_FIRST.index("Unknown")

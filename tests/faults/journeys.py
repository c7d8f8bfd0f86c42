"""Requests on their way, what is being done for them, and what was done to them."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.faults.nemesis import Fault

SETTLED = ("done", "cancelled", "needs_attention")


@dataclass
class Journey:
    """One request on its way, with the faults that wait for it."""

    token: str
    kind: str
    plan: list[Fault]
    broken: bool = False
    row: dict[str, Any] = field(default_factory=dict)
    effects: dict[int, dict[str, Any]] = field(default_factory=dict)
    acked: set[str] = field(default_factory=set)
    retried: Counter[int] = field(default_factory=Counter)
    busy: bool = False
    next_at: float = 0.0
    head: str = ""
    pushed: bool = False
    last_fault: float = field(default_factory=time.monotonic)

    @property
    def answers(self) -> dict[str, Any]:
        tag = "does-not-exist" if self.broken else "1.0.0"
        said: dict[str, Any] = {
            "name": self.token, "owner": "checkout", "description": "Goes through faults.",
            "image": f"registry.larkfield.shop/{self.token}:{tag}", "environments": ["staging"],
            "replicas": 1,
        }  # fmt: skip
        if self.kind == "costly":
            said |= {"size": "large", "replicas": 4, "environments": ["staging", "production"]}
        return said

    def take(self, stage: str) -> Fault | None:
        """The next fault planned for this stage."""
        for fault in self.plan:
            if fault.stage == stage:
                self.plan.remove(fault)
                return fault
        return None

    @property
    def done(self) -> int:
        return sum(effect["state"] == "done" for effect in self.effects.values())

    def settled(self, stage: str) -> bool:
        """Whether everything of this kind has ended, or waits for a person."""
        mine = [each for each in self.effects.values() if each["kind"] == stage]
        return all(each["state"] in SETTLED for each in mine)


@dataclass
class Job:
    journey: Journey
    stage: str
    effect: int = 0
    fault: Fault | None = None
    fence: int = 0
    redis_down: bool = False
    resume_by: float = 0.0


@dataclass
class Injected:
    fault: Fault
    token: str
    at: float
    recovered: float | None = None
    done: int | None = None

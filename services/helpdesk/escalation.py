"""Steps of an escalation as people write them: "15 before any: warn", one to a line."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.helpdesk import hours
from services.helpdesk.clocks import FIRST, NEXT, RESOLUTION, Clock
from services.helpdesk.hours import Hours

ANY = "any"
DEEDS = {
    "warn": "tell whoever has it, else who is on duty",
    "tell duty": "tell who is on duty",
    "tell leads": "tell those who lead the platform team",
    "give to duty": "give it to who is on duty",
    "raise": "raise its priority by one",
}
LINE = re.compile(r"(\d{1,5})\s*(?:min(?:utes)?)?\s+(before|after)\s+(\w+)\s*:\s*(.+)", re.IGNORECASE)


@dataclass(frozen=True)
class Step:
    """`minutes` of working time from the deadline of a clock; negative before it."""

    minutes: int
    clock: str
    do: str

    @property
    def stored(self) -> dict[str, Any]:
        return {"minutes": self.minutes, "clock": self.clock, "do": self.do}

    @property
    def line(self) -> str:
        side = "before" if self.minutes < 0 else "after"
        return f"{abs(self.minutes)} {side} {self.clock}: {self.do}"


def read(line: str) -> Step:
    """One line as a step. Refuses (ValueError) with what could stand there."""
    found = LINE.fullmatch(line.strip())
    if found is None:
        raise ValueError(f"“{line.strip()}” is no step; write “15 before any: warn”.")
    minutes, side, clock, do = found.groups()
    clock, do = clock.lower(), " ".join(do.lower().split())
    if clock not in (ANY, FIRST, NEXT, RESOLUTION):
        raise ValueError(f"“{clock}” is no clock; there are first, next, resolution and any.")
    if do not in DEEDS:
        raise ValueError(f"“{do}” is nothing that can be done; there are {', '.join(DEEDS)}.")
    return Step(-int(minutes) if side.lower() == "before" else int(minutes), clock, do)


def stored(steps: list[dict[str, Any]]) -> list[Step]:
    return [Step(**step) for step in steps]


@dataclass(frozen=True)
class Due:
    """A step of one run of one clock; `key` is the same however often it is looked at."""

    step: Step
    clock: Clock
    at: datetime

    def key(self, ticket: int) -> str:
        began = f"{self.clock.began_at.timestamp():.0f}"
        return f"{ticket}:{self.clock.kind}:{began}:{self.step.minutes}:{self.step.do.replace(' ', '-')}"


def plan(clocks: dict[str, Clock], steps: list[Step], calendar: Hours, now: datetime) -> list[Due]:
    """The steps of all running clocks with their moments, which all lie in working time; earliest first.

    A step whose moment went by while the clock stood still comes as soon as somebody is there.
    """
    found = [
        Due(step, clock, at)
        for clock in clocks.values()
        if clock.due_at is not None
        for step in steps
        if step.clock in (ANY, clock.kind)
        if (at := _moment(step, clock, calendar, now)) is not None
    ]
    return sorted(found, key=lambda due: (due.at, due.step.minutes))


def _moment(step: Step, clock: Clock, calendar: Hours, now: datetime) -> datetime | None:
    if clock.late_at is not None or step.minutes >= 0:
        assert clock.due_at is not None  # plan() looks at running clocks only
        return hours.after(calendar, clock.due_at, timedelta(minutes=max(step.minutes, 0)))
    ahead = clock.left + timedelta(minutes=step.minutes)
    return hours.after(calendar, now, ahead) if ahead > timedelta() else hours.opens_next(calendar, now)

"""The three clocks of a ticket, computed from its events alone.

*First answer* runs from the opening to the first public word of the desk. *Next answer* runs, once there was
a first one, from the asker's oldest word without an answer to the desk's next. *Resolution* runs from the
opening while the ticket is not done; a reopened ticket goes on where it stopped. All stand still outside
working hours and in the states a promise pauses in. Nothing is counted up.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.helpdesk import hours
from services.helpdesk.hours import ALWAYS, Hours
from services.helpdesk.states import PHASES, Phase

FIRST, NEXT, RESOLUTION = "first", "next", "resolution"
NAMES = {FIRST: "First answer", NEXT: "Next answer", RESOLUTION: "Resolution"}
DESK, ASKER = "desk", "asker"
Stretch = tuple[datetime, datetime | None]


@dataclass(frozen=True)
class Moment:
    """An event as clocks see it: a change of state (`to`), or a public word of one side."""

    at: datetime
    to: str = ""
    said: str = ""


@dataclass(frozen=True)
class Promise:
    """Within how much working time; a kind that is absent is not promised."""

    targets: Mapping[str, timedelta]
    hours: Hours = ALWAYS
    pauses: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Clock:
    """One clock at a moment. `due_at` is when it would run out; None while it stands still, or is over."""

    kind: str
    target: timedelta
    spent: timedelta
    running: bool
    over: bool
    due_at: datetime | None
    late_at: datetime | None
    began_at: datetime

    @property
    def title(self) -> str:
        return NAMES[self.kind]

    @property
    def left(self) -> timedelta:
        return self.target - self.spent

    @property
    def is_late(self) -> bool:
        return self.late_at is not None

    @property
    def paused(self) -> bool:
        return not self.running and not self.over


def read(moments: Iterable[Moment], promise: Promise, now: datetime) -> dict[str, Clock]:
    """The clocks of a ticket as they stand at `now`; later moments are not known yet."""
    past = [moment for moment in moments if moment.at <= now]
    if not past:
        return {}
    stands = _standing(past, promise.pauses)
    runs = {FIRST: _first(past), NEXT: _next(past), RESOLUTION: [_resolution(past)]}
    found = {}
    for kind, target in promise.targets.items():
        for began, end, over in runs[kind]:
            found[kind] = _clock(kind, target, promise.hours, (began, end), over, stands, now)
    return found


def next_deadline(clocks: Mapping[str, Clock]) -> Clock | None:
    """The running clock that runs out first, late or not."""
    due = [clock for clock in clocks.values() if clock.due_at is not None]
    return min(due, key=lambda clock: (clock.due_at, clock.kind), default=None)


Run = tuple[datetime, datetime | None, bool]


def _first(past: list[Moment]) -> list[Run]:
    """Until the desk says something, or it is done without a word."""
    began = past[0].at
    end = next((m.at for m in past if m.said == DESK or _done(m)), None)
    return [(began, end, end is not None)]


def _next(past: list[Moment]) -> list[Run]:
    """The last question after the first answer; nothing when there was none."""
    answered, asked = False, None
    run: list[Run] = []
    for moment in past:
        if moment.said == ASKER and answered and asked is None:
            asked = moment.at
            run = [(asked, None, False)]
        elif moment.said == DESK or _done(moment):
            answered = answered or moment.said == DESK
            run = [(asked, moment.at, True)] if asked else run
            asked = None
    return run


def _resolution(past: list[Moment]) -> Run:
    """From the opening to the last time it was done; open again, it has no end."""
    end = None
    for moment in past:
        if moment.to:
            end = (end or moment.at) if _done(moment) else None
    return past[0].at, end, end is not None


def _done(moment: Moment) -> bool:
    return bool(moment.to) and PHASES[moment.to] in (Phase.DONE, Phase.FINAL)


def _standing(past: list[Moment], pauses: frozenset[str]) -> list[Stretch]:
    """The stretches in which no clock runs: states that pause, and the time a ticket was done."""
    found: list[Stretch] = []
    since: datetime | None = None
    for moment in past:
        if not moment.to:
            continue
        stands = moment.to in pauses or _done(moment)
        if stands and since is None:
            since = moment.at
        elif not stands and since is not None:
            found.append((since, moment.at))
            since = None
    return [*found, (since, None)] if since is not None else found


def _clock(
    kind: str,
    target: timedelta,
    calendar: Hours,
    run: Stretch,
    over: bool,
    stands: list[Stretch],
    now: datetime,
) -> Clock:
    spent, late_at, began = timedelta(), None, run[0]
    stretches = list(_running(run, stands, now))
    for start, end in stretches:
        more = hours.between(calendar, start, end)
        if late_at is None and spent + more > target:
            late_at = hours.after(calendar, start, target - spent)
        spent += more
    running = not over and not any(start <= now and end is None for start, end in stands)
    due = None
    if running:
        due = late_at or hours.after(calendar, now, target - spent)
    return Clock(kind, target, spent, running, over, due, late_at, began)


def _running(run: Stretch, stands: list[Stretch], now: datetime) -> Iterable[tuple[datetime, datetime]]:
    """What is left of a run when the stretches in which it stands still are cut out."""
    at, end = run[0], run[1] or now
    for start, until in stands:
        if at < min(start, end):
            yield at, min(start, end)
        at = max(at, until or end)
    if at < end:
        yield at, end

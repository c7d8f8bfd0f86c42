"""The three clocks, from events alone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.helpdesk import clocks, escalation
from services.helpdesk.clocks import ASKER, DESK, FIRST, NEXT, RESOLUTION, Moment, Promise
from services.helpdesk.hours import Hours
from services.helpdesk.states import State

START = datetime(2026, 11, 2, 9, tzinfo=UTC)  # a Monday
HOUR = timedelta(hours=1)
OFFICE = Hours("UTC", ((("09:00", "17:00"),),) * 5 + ((), ()))
TARGETS = {FIRST: HOUR, NEXT: 2 * HOUR, RESOLUTION: 8 * HOUR}
PROMISE = Promise(TARGETS, pauses=frozenset({State.WAITING_REQUESTER}))


def h(n: float) -> datetime:
    return START + n * HOUR


def story(*moments: tuple[float, str]) -> list[Moment]:
    """(hours after the opening, a state or a side)"""
    sides = (ASKER, DESK)
    return [Moment(START, to=State.NEW)] + [
        Moment(h(n), said=what) if what in sides else Moment(h(n), to=what) for n, what in moments
    ]


@pytest.mark.parametrize(
    ("moments", "now", "kind", "spent", "due", "late"),
    [
        ([], 0.5, FIRST, 0.5, 1, None),
        ([], 3, FIRST, 3, 1, 1),
        ([(0.5, DESK)], 3, FIRST, 0.5, None, None),
        ([(2, DESK)], 3, FIRST, 2, None, 1),
        ([(0.5, ASKER)], 3, FIRST, 3, 1, 1),  # the asker's own word is no answer
        ([(0.5, DESK), (1, ASKER), (2, ASKER)], 2, NEXT, 1, 3, None),  # from the oldest unanswered word
        ([(0.5, DESK), (1, ASKER), (4, DESK)], 5, NEXT, 3, None, 3),
        ([(0.5, DESK), (1, ASKER), (2, State.RESOLVED)], 5, NEXT, 1, None, None),
        ([(1, State.WAITING_REQUESTER), (5, State.IN_PROGRESS)], 6, RESOLUTION, 2, 12, None),
        ([(1, State.WAITING_REQUESTER)], 6, RESOLUTION, 1, None, None),
        ([(1, State.WAITING_EXTERNAL)], 6, RESOLUTION, 6, 8, None),
        ([(2, State.RESOLVED)], 50, RESOLUTION, 2, None, None),
        ([(2, State.RESOLVED), (20, State.IN_PROGRESS)], 21, RESOLUTION, 3, 26, None),  # reopened: goes on
        ([(2, State.RESOLVED), (20, State.IN_PROGRESS), (22, State.RESOLVED)], 90, RESOLUTION, 4, None, None),
    ],
)  # fmt: skip
def test_clocks_run_stand_and_end(moments, now, kind, spent, due, late) -> None:
    clock = clocks.read(story(*moments), PROMISE, h(now))[kind]
    assert (clock.spent, clock.due_at) == (spent * HOUR, None if due is None else h(due))
    assert clock.late_at == (None if late is None else h(late))


def test_there_is_no_next_answer_before_the_first() -> None:
    assert NEXT not in clocks.read(story((1, ASKER)), PROMISE, h(2))
    assert clocks.read([], PROMISE, h(2)) == {}


def test_nights_and_weekends_do_not_count() -> None:
    promise = Promise({RESOLUTION: 16 * HOUR}, OFFICE)
    friday = [Moment(START + timedelta(days=4, hours=4), to=State.NEW)]  # 13:00
    clock = clocks.read(friday, promise, START + timedelta(days=6))[RESOLUTION]
    assert (clock.spent, clock.due_at) == (4 * HOUR, datetime(2026, 11, 10, 13, tzinfo=UTC))


def test_the_next_deadline_is_the_earliest_that_runs() -> None:
    found = clocks.read(story((0.5, DESK), (1, ASKER)), PROMISE, h(1))
    assert clocks.next_deadline(found).kind == NEXT
    assert clocks.next_deadline(clocks.read(story((1, State.WAITING_REQUESTER)), PROMISE, h(2))) is None


states = st.sampled_from([State.IN_PROGRESS, State.WAITING_REQUESTER, State.WAITING_EXTERNAL, State.RESOLVED])
steps = st.lists(
    st.tuples(st.floats(0.01, 60), st.one_of(states, st.sampled_from([ASKER, DESK]))), max_size=12
)


@settings(max_examples=80, deadline=None)
@given(steps, st.floats(0, 80), st.sampled_from([OFFICE, Hours()]))
def test_clocks_keep_their_laws(moments, now, calendar) -> None:
    """Time only grows, never beyond what passed; a deadline, once promised, is met exactly by waiting."""
    past = story(*sorted(moments, key=lambda step: step[0]))
    promise = Promise(TARGETS, calendar, PROMISE.pauses)
    found = clocks.read(past, promise, h(now))
    later = clocks.read([m for m in past if m.at <= h(now)], promise, h(now) + HOUR)
    for kind, clock in found.items():
        assert timedelta() <= clock.spent <= h(now) - START
        assert later[kind].spent >= clock.spent
        assert clock.is_late == (clock.spent > clock.target)
        if clock.running and not clock.is_late:
            known = [m for m in past if m.at <= h(now)]
            then = clocks.read(known, promise, clock.due_at)[kind]
            assert (then.spent, then.is_late) == (clock.target, False)


@pytest.mark.parametrize(
    "line",
    [
        "15 before any: warn",
        "0 after first: tell leads",
        "60 after next: give to duty",
        "5 min after resolution: raise",
    ],
)
def test_steps_are_read_as_written(line: str) -> None:
    step = escalation.read(line)
    assert escalation.read(step.line) == step == escalation.Step(**step.stored)


@pytest.mark.parametrize("line", ["soon", "15 before lunch: warn", "15 before any: shout", "any: warn"])
def test_what_is_no_step_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="“"):
        escalation.read(line)


def test_steps_come_in_working_time() -> None:
    """A deadline on Monday at 09:10 warns on Friday, when somebody is there to hear it."""
    promise = Promise({FIRST: timedelta(hours=1)}, OFFICE)
    friday = datetime(2026, 11, 6, 16, 10, tzinfo=UTC)
    found = clocks.read([Moment(friday, to=State.NEW)], promise, friday)
    steps = [escalation.read("15 before any: warn"), escalation.read("30 after any: raise")]
    ahead = escalation.plan(found, steps, OFFICE, friday)
    assert [due.at for due in ahead] == [
        datetime(2026, 11, 6, 16, 55, tzinfo=UTC), datetime(2026, 11, 9, 9, 40, tzinfo=UTC),
    ]  # fmt: skip
    assert len({due.key(1) for due in ahead}) == 2

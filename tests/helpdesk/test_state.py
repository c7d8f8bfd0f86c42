"""The state machine, exhaustively: what is not in the table is refused, whoever asks."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from services.audit.queries import events_for
from services.helpdesk import actions, rules
from services.helpdesk.errors import AnswerMissing, IllegalTransition, NotAllowed, TicketMoved, TooLate
from services.helpdesk.models import Ticket, TicketEvent
from services.helpdesk.queries import spans, waited
from services.helpdesk.states import OPEN_STATES, PHASES, PRIORITY_MATRIX, TRANSITIONS, Impact, State, Urgency
from tests.factories.people import member, platform_engineer
from tests.factories.tickets import answers, kinds, ticket, ticket_in

pytestmark = pytest.mark.django_db

LEGAL = [(a, b) for a in State for b in sorted(TRANSITIONS[a])]
ILLEGAL = [(a, b) for a in State for b in State if b not in TRANSITIONS[a]]
# Leaving `duplicate` for an open state is an undo, tested on its own: only to where it came from.
UNDO = {(State.DUPLICATE, s) for s in OPEN_STATES}


def test_the_table_knows_every_state_and_only_states() -> None:
    assert set(TRANSITIONS) == set(State) == set(PHASES)
    assert all(set(after) <= set(State) for after in TRANSITIONS.values())


@pytest.mark.parametrize(("before", "after"), [step for step in LEGAL if step not in UNDO])
def test_every_legal_step_is_taken_once_and_written_down(before: str, after: str) -> None:
    made = ticket_in(before)
    version, events = made.version, len(kinds(made))
    moved = actions.change_state(ticket=made, to=after, by=platform_engineer(), **answers(after))
    made.refresh_from_db()
    assert (moved.state, made.state, made.version) == (after, after, version + 1)
    last = TicketEvent.objects.filter(ticket=made).last()
    assert last is not None
    assert (len(kinds(made)), last.from_state, last.to_state, last.version) == (
        events + 1,
        before,
        after,
        made.version,
    )
    assert events_for(made).last().action == f"ticket.{after}"


@pytest.mark.parametrize("by", ["platform", "asker", "portal"])
@pytest.mark.parametrize(("before", "after"), ILLEGAL)
def test_every_illegal_step_is_refused_and_changes_nothing(before: str, after: str, by: str) -> None:
    made = ticket_in(before)
    person = {"platform": platform_engineer(), "asker": made.asker, "portal": None}[by]
    version, events = made.version, kinds(made)
    with pytest.raises(IllegalTransition):
        actions.change_state(ticket=made, to=after, by=person, **answers(after))
    made.refresh_from_db()
    assert (made.state, made.version, kinds(made)) == (before, version, events)


def test_an_unknown_state_is_refused() -> None:
    with pytest.raises(IllegalTransition):
        actions.change_state(ticket=ticket(), to="nonsense", by=None)


@pytest.mark.parametrize(("before", "after"), LEGAL)
def test_colleagues_move_nothing_and_askers_only_what_is_theirs(before: str, after: str) -> None:
    made = ticket_in(before)
    assert not rules.can_change_state(member("noah", "checkout"), made, after)
    answering = (before, after) == (State.WAITING_REQUESTER, State.IN_PROGRESS)
    allowed = before == State.RESOLVED or (before in OPEN_STATES and after == State.RESOLVED) or answering
    assert rules.can_change_state(made.asker, made, after) == allowed


def test_a_colleague_is_refused_at_the_door() -> None:
    with pytest.raises(NotAllowed):
        actions.change_state(ticket=ticket(), to=State.IN_PROGRESS, by=member("noah", "checkout"))


def test_the_platform_resolves_with_two_answers_the_asker_without() -> None:
    made = ticket()
    for missing in ({}, {"cause": "missing_docs"}, {"minutes": 5}, {"cause": "gremlins", "minutes": 5}):
        with pytest.raises(AnswerMissing):
            actions.change_state(ticket=made, to=State.RESOLVED, by=platform_engineer(), **missing)
    solved = actions.change_state(ticket=made, to=State.RESOLVED, by=made.asker)
    assert (solved.state, solved.cause, solved.minutes) == (State.RESOLVED, "", None)


def test_reopening_works_for_seven_days() -> None:
    made = ticket_in(State.RESOLVED)
    late = made.resolved_at + timedelta(days=7, seconds=1)
    with pytest.raises(TooLate):
        actions.change_state(ticket=made, to=State.IN_PROGRESS, by=made.asker, at=late)
    back = actions.change_state(
        ticket=made, to=State.IN_PROGRESS, by=made.asker, at=made.resolved_at + timedelta(days=7)
    )
    assert (back.state, back.resolved_at) == (State.IN_PROGRESS, None)


def test_a_duplicate_names_its_original_and_can_be_undone_for_a_day() -> None:
    original, made = ticket(title="The first"), ticket_in(State.WAITING_REQUESTER)
    by = platform_engineer()
    for wrong in (None, made):
        with pytest.raises(AnswerMissing):
            actions.change_state(ticket=made, to=State.DUPLICATE, by=by, duplicate_of=wrong)
    made = actions.change_state(ticket=made, to=State.DUPLICATE, by=by, duplicate_of=original)
    with pytest.raises(AnswerMissing):
        actions.change_state(ticket=original, to=State.DUPLICATE, by=by, duplicate_of=made)
    with pytest.raises(IllegalTransition):
        actions.change_state(ticket=made, to=State.NEW, by=by)
    with pytest.raises(TooLate):
        actions.change_state(
            ticket=made, to=State.WAITING_REQUESTER, by=by, at=made.state_since + timedelta(hours=25)
        )
    undone = actions.change_state(ticket=made, to=State.WAITING_REQUESTER, by=by)
    assert (undone.state, undone.duplicate_of) == (State.WAITING_REQUESTER, None)


def test_a_conversion_names_its_request() -> None:
    made = ticket()
    with pytest.raises(AnswerMissing):
        actions.change_state(ticket=made, to=State.CONVERTED, by=platform_engineer())
    made = actions.change_state(
        ticket=made, to=State.CONVERTED, by=platform_engineer(), converted_to="R-1007"
    )
    assert made.converted_to == "R-1007"
    assert actions.change_state(ticket=made, to=State.RESOLVED, by=None).resolved_at is not None


def test_a_step_from_an_old_page_is_refused() -> None:
    made = ticket()
    seen = made.version
    actions.reply(ticket=made, by=made.asker, body="It is worse now.")
    with pytest.raises(TicketMoved) as moved:
        actions.change_state(
            ticket=made, to=State.RESOLVED, by=platform_engineer(), seen=seen, cause="other", minutes=1
        )
    assert [e.kind for e in moved.value.events] == ["message"]
    made.refresh_from_db()
    assert made.state == State.NEW


def test_waiting_is_derived_from_events() -> None:
    start = timezone.now() - timedelta(hours=5)
    made = ticket(at=start)
    by = platform_engineer()
    for hours, to in ((1, State.IN_PROGRESS), (2, State.WAITING_REQUESTER), (4, State.IN_PROGRESS)):
        made = actions.change_state(ticket=made, to=to, by=by, at=start + timedelta(hours=hours))
    assert [s.state for s in spans(made)] == ["new", "in_progress", "waiting_requester", "in_progress"]
    assert waited(made, timezone.now()) == timedelta(hours=2)


def test_events_are_never_changed_or_deleted() -> None:
    event = ticket().events.get()
    for change in (lambda: TicketEvent.objects.update(data={"x": 1}), event.delete):
        with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
            change()


def test_the_database_refuses_states_that_cannot_be() -> None:
    made = ticket()
    for broken in ({"state": "limbo"}, {"state": "resolved"}, {"state": "duplicate"}, {"duplicate_of": made}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Ticket.objects.filter(pk=made.pk).update(**broken)


def test_priority_comes_from_words() -> None:
    assert set(PRIORITY_MATRIX) == {(i, u) for i in Impact for u in Urgency}
    assert ticket(impact="customers", urgency="now").priority == 0
    assert ticket(impact="me", urgency="later").priority == 3


def test_numbers_start_at_1001_and_rise() -> None:
    first, second = ticket(), ticket()
    assert first.number >= 1001
    assert second.number > first.number
    assert first.key == f"T-{first.number}"

"""Messages: what follows from them, who reads them, and that none is crossed, doubled or lost."""

from datetime import timedelta

import pytest
from django.utils import timezone

from services.helpdesk import actions
from services.helpdesk.errors import ContinuesElsewhere, NotAllowed, TicketMoved
from services.helpdesk.models import Message, Ticket
from services.helpdesk.queries import conversation, history
from services.helpdesk.states import State
from tests.factories.people import member, platform_engineer
from tests.factories.tickets import kinds, ticket, ticket_in

pytestmark = pytest.mark.django_db


def test_opening_twice_with_one_submission_opens_one() -> None:
    first, second = ticket(submission="abc"), ticket(submission="abc")
    assert first == second
    assert (kinds(first), first.messages.count()) == (["opened"], 1)
    assert ticket(submission="abc", by=member("sam", "checkout")) != first


def test_the_first_answer_clocks_assigns_and_waits() -> None:
    start = timezone.now() - timedelta(hours=1)
    made, priya = ticket(at=start), platform_engineer()
    actions.reply(
        ticket=made, by=priya, body="Which version?", then_wait=True, at=start + timedelta(minutes=9)
    )
    made.refresh_from_db()
    assert made.first_response_after == timedelta(minutes=9)
    assert (made.state, made.assignee) == (State.WAITING_REQUESTER, priya)
    actions.reply(ticket=made, by=made.asker, body="2.41")
    made.refresh_from_db()
    assert (made.state, made.first_response_after) == (State.IN_PROGRESS, timedelta(minutes=9))
    assert kinds(made) == ["opened", "message", "state", "assigned", "message", "state"]


def test_an_answer_without_waiting_means_somebody_is_at_it() -> None:
    made = ticket()
    actions.reply(ticket=made, by=platform_engineer(), body="I am looking.")
    made.refresh_from_db()
    assert made.state == State.IN_PROGRESS


def test_a_note_moves_no_clock_and_is_read_by_the_platform_only() -> None:
    made, priya = ticket(), platform_engineer()
    actions.reply(ticket=made, by=priya, body="Tax tables again.", internal=True)
    made.refresh_from_db()
    assert (made.first_response_at, made.state, made.assignee) == (None, State.NEW, None)
    assert conversation(made, made.asker).count() == 1
    assert conversation(made, priya).count() == 2
    assert [e.kind for e in history(made, made.asker)] == ["opened"]
    with pytest.raises(NotAllowed):
        actions.reply(ticket=made, by=made.asker, body="psst", internal=True)


def test_a_colleague_may_help_but_stops_no_clock() -> None:
    made = ticket_in(State.WAITING_REQUESTER)
    actions.reply(ticket=made, by=member("noah", "checkout"), body="Same here.")
    made.refresh_from_db()
    assert (made.state, made.first_response_at) == (State.WAITING_REQUESTER, None)


def test_a_private_ticket_refuses_strangers() -> None:
    made, noah = ticket(private=True), member("noah", "checkout")
    with pytest.raises(NotAllowed):
        actions.reply(ticket=made, by=noah, body="Hello?")
    with pytest.raises(NotAllowed):
        actions.watch(ticket=made, by=noah)


def test_a_reply_against_an_older_state_is_held_and_says_what_happened() -> None:
    made, priya, tomas = ticket(), platform_engineer(), platform_engineer("tomas")
    seen = made.version
    actions.reply(ticket=made, by=tomas, body="I know this one.")
    with pytest.raises(TicketMoved) as moved:
        actions.reply(ticket=made, by=priya, body="Looking into it", seen=seen)
    assert [(e.kind, e.by) for e in moved.value.events] == [("message", tomas), ("state", tomas)]
    assert not Message.objects.filter(author=priya).exists()
    sent = actions.reply(ticket=made, by=priya, body="Looking into it", seen=moved.value.version)
    assert sent.author == priya


def test_what_does_not_concern_the_writer_holds_nothing() -> None:
    made, priya = ticket(), platform_engineer()
    seen = made.version
    actions.reply(ticket=made, by=priya, body="a note", internal=True)
    actions.assign(ticket=made, to=priya, by=priya)
    made = actions.set_priority(ticket=made, priority=3, by=priya)
    assert actions.reply(ticket=made, by=priya, body="my own note is no surprise", seen=seen)
    other = ticket(title="Another")
    actions.reply(ticket=other, by=priya, body="a note", internal=True)
    assert actions.reply(ticket=other, by=other.asker, body="notes are not theirs to know", seen=1)


def test_the_same_message_arrives_once() -> None:
    made = ticket()
    sent = [actions.reply(ticket=made, by=made.asker, body="again", external_id="m-1") for _ in range(2)]
    assert sent[0] == sent[1]
    assert made.messages.count() == 2


def test_the_askers_word_reopens_within_a_week() -> None:
    made = ticket_in(State.RESOLVED)
    actions.reply(ticket=made, by=made.asker, body="Still broken")
    made.refresh_from_db()
    assert made.state == State.IN_PROGRESS


@pytest.mark.parametrize("state", [State.RESOLVED, State.CLOSED])
def test_later_the_askers_word_opens_a_linked_follow_up(state: str) -> None:
    made = ticket_in(state)
    made.watchers.add(member("sam", "checkout"))
    late = timezone.now() + timedelta(days=8)
    for _ in range(2):
        message = actions.reply(ticket=made, by=made.asker, body="Again!", external_id="k", at=late)
    follow_up = message.ticket
    assert (follow_up.follows, follow_up.state, follow_up.entity_ref) == (made, State.NEW, made.entity_ref)
    assert [str(w) for w in follow_up.watchers.all()] == ["Sam"]
    made.refresh_from_db()
    assert (made.state, Ticket.objects.count(), kinds(made)[-1]) == (state, 2, "follow_up")


def test_the_platform_adds_to_a_resolved_ticket_but_not_to_a_closed_one() -> None:
    made = ticket_in(State.RESOLVED)
    late = timezone.now() + timedelta(days=8)
    assert actions.reply(ticket=made, by=platform_engineer(), body="By the way", at=late).ticket == made
    with pytest.raises(NotAllowed):
        actions.reply(ticket=ticket_in(State.CLOSED), by=platform_engineer(), body="Too late")


def test_a_duplicate_sends_people_to_its_original() -> None:
    made = ticket_in(State.DUPLICATE)
    with pytest.raises(ContinuesElsewhere) as elsewhere:
        actions.reply(ticket=made, by=made.asker, body="Hello?")
    assert elsewhere.value.ticket == made.duplicate_of

"""Assigning, priority, category, privacy, watching: and who may."""

import pytest

from services.helpdesk import actions, rules
from services.helpdesk.errors import NotAllowed
from services.helpdesk.models import Category, Ticket
from services.helpdesk.states import State
from tests.factories.people import member, platform_engineer
from tests.factories.tickets import kinds, ticket, ticket_in

pytestmark = pytest.mark.django_db


def test_assigning_triages_and_can_be_taken_back() -> None:
    made, priya = ticket(), platform_engineer()
    made = actions.assign(ticket=made, to=priya, by=priya)
    assert (made.assignee, made.state) == (priya, State.TRIAGED)
    actions.assign(ticket=made, to=priya, by=priya)
    made = actions.assign(ticket=made, to=None, by=priya)
    assert (made.assignee, made.state) == (None, State.TRIAGED)
    assert kinds(made) == ["opened", "assigned", "state", "assigned"]


def test_only_the_platform_is_assigned_and_only_by_the_platform() -> None:
    made, mira, priya = ticket(), member("mira", "checkout"), platform_engineer()
    for to, by in ((mira, priya), (priya, mira)):
        with pytest.raises(NotAllowed):
            actions.assign(ticket=made, to=to, by=by)


@pytest.mark.parametrize("state", list(State))
def test_sorting_is_refused_to_askers_always_and_to_all_when_closed(state: str) -> None:
    made, priya = ticket_in(state), platform_engineer()
    other = Category.objects.get(slug="other")
    people = [made.asker, priya] if state == State.CLOSED else [made.asker]
    for by in people:
        with pytest.raises(NotAllowed):
            actions.set_priority(ticket=made, priority=3, by=by)
        with pytest.raises(NotAllowed):
            actions.set_category(ticket=made, category=other, by=by)
        with pytest.raises(NotAllowed):
            actions.assign(ticket=made, to=priya, by=by)
    if state != State.CLOSED:
        for _ in range(2):
            made = actions.set_priority(ticket=made, priority=3, by=priya)
            made = actions.set_category(ticket=made, category=other, by=priya)
        assert (made.priority, made.category) == (3, other)
        assert kinds(made)[-2:] == ["priority", "category"]


def test_privacy_is_the_askers_choice() -> None:
    made, noah = ticket(), member("noah", "checkout")
    with pytest.raises(NotAllowed):
        actions.set_private(ticket=made, private=True, by=noah)
    for _ in range(2):
        made = actions.set_private(ticket=made, private=True, by=made.asker)
    assert (made.private, kinds(made)) == (True, ["opened", "privacy"])


def test_watching() -> None:
    made, noah = ticket(), member("noah", "checkout")
    for on in (True, True, False):
        actions.watch(ticket=made, by=noah, on=on)
    assert kinds(made) == ["opened", "watcher", "watcher"]
    assert not made.watchers.exists()


def test_private_tickets_are_seen_by_those_concerned() -> None:
    hidden, shown = ticket(private=True), ticket(title="Open to all")
    noah, sam, priya = member("noah", "checkout"), member("sam", "checkout"), platform_engineer()
    hidden.watchers.add(sam)
    for person, count in ((noah, 1), (sam, 2), (hidden.asker, 2), (priya, 2)):
        assert Ticket.objects.visible_to(person).count() == count
        assert rules.can_see(person, hidden) == (count == 2)
        assert rules.can_see(person, shown)

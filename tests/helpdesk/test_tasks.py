"""Silence resolves, a resolution closes, and running twice does nothing twice."""

from datetime import timedelta

import pytest
from django.utils import timezone

from services.helpdesk import actions
from services.helpdesk.states import State
from services.helpdesk.tasks import settle
from tests.factories.people import platform_engineer
from tests.factories.tickets import answers, ticket

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("state", "after", "hours"),
    [
        (State.WAITING_REQUESTER, State.RESOLVED, 7 * 24),
        (State.RESOLVED, State.CLOSED, 7 * 24),
        (State.DUPLICATE, State.CLOSED, 24),
    ],
)
def test_time_settles(state: str, after: str, hours: int) -> None:
    now = timezone.now()
    cases = {}
    for extra in (-1, 1):
        at = now - timedelta(hours=hours + extra)
        made = ticket(at=at)
        cases[extra] = actions.change_state(
            ticket=made, to=state, by=platform_engineer(), at=at, **answers(state)
        )
    settle()
    settle()
    for extra, expected in ((-1, state), (1, after)):
        cases[extra].refresh_from_db()
        assert cases[extra].state == expected
    last = cases[1].events.last()
    assert (last.by, last.to_state) == (None, after)


def test_nothing_settles_what_has_moved() -> None:
    made = ticket()
    assert actions.settle(ticket=made, now=timezone.now() + timedelta(days=99)).version == made.version

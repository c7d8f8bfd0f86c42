"""Slack: a process is killed at each point of taking in and of saying, and all of it happens once."""

import json

import pytest
from django.utils import timezone

from services.effects import crashpoints, worker
from services.effects.models import Effect
from services.helpdesk import actions, slack
from services.helpdesk.models import Message, SlackDelivery, Ticket
from tests.fakes import slack as fakes
from tests.faults.nemesis import IN_CHAT
from tests.faults.test_announcing import killed_at, killed_while
from tests.helpdesk.slack import ASK, MIRA, TEAM, make

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


@pytest.fixture
def desk(client, settings, tmp_path, monkeypatch):
    settings.TESTING = True
    (tmp_path / "orders").mkdir()
    monkeypatch.setenv(crashpoints.FOLDER, str(tmp_path / "orders"))
    with fakes.serving() as fresh:
        made = make(fresh(), client, settings)
        made.orders = tmp_path / "orders"
        yield made


def overcome(desk, point: str, effect: Effect) -> None:
    """A worker dies at the point; another finishes what it began."""
    Effect.objects.filter(pk=effect.pk).update(due_at=timezone.now())
    killed_at(desk.orders, point, effect.pk)
    Effect.objects.filter(pk=effect.pk, state="running").update(lease_until=timezone.now())
    worker.run_one(effect.pk)
    effect.refresh_from_db()
    assert effect.state == "done", (point, effect.state, effect.last_error)


def test_every_point_of_it_is_died_at(desk):
    ticket, ts = desk.asked()
    done = set()
    for point in ("slack.accepted.written", "slack.accepted.committed"):
        heard = desk.shop.says(MIRA, ASK, point, thread=ts)
        killed_while(desk.orders, point, lambda heard=heard: desk.send("events", json.dumps(heard).encode()))
        desk.event(heard, heard)
        assert Message.objects.filter(body=point).count() == 1
        done.add(point)
    kinds = {slack.TAKE: takes, slack.POST: posts, slack.MEND: mends}
    for kind, begin in kinds.items():
        for point in sorted(each for each in crashpoints.NAMES if each.startswith(f"{kind}.")):
            overcome(desk, point, begin(desk, ticket, ts, point))
            done.add(point)
    for point in ("slack.asking", "slack.asked"):
        overcome(desk, point, posts(desk, ticket, ts, point))
        done.add(point)
    desk.work()
    assert desk.trouble() == []
    assert done == {point for point in crashpoints.NAMES if point.startswith(IN_CHAT)}
    assert Ticket.objects.count() == 1
    assert SlackDelivery.objects.filter(said="").count() == 0
    for body in Message.objects.values_list("body", flat=True):
        assert Message.objects.filter(body=body).count() == 1
    for channel, thread in ((ASK, ts), (TEAM, desk.team_thread(ticket))):
        said = desk.said(channel, thread)
        assert len(said) == len(set(said)), "nothing was said twice"


def takes(desk, ticket, ts, point):
    heard = desk.shop.says(MIRA, ASK, f"heard {point}", thread=ts)
    desk.send("events", json.dumps(heard).encode())
    return Effect.objects.filter(kind=slack.TAKE).latest("pk")


def posts(desk, ticket, ts, point):
    desk.work()
    actions.reply(ticket=ticket, by=desk.priya, body=f"said {point}")
    return Effect.objects.get(kind=slack.POST, state="due", key__contains="/asker/")


def mends(desk, ticket, ts, point):
    desk.work()
    ticket.refresh_from_db()
    to = "waiting_external" if ticket.state == "in_progress" else "in_progress"
    actions.change_state(ticket=ticket, to=to, by=desk.priya)
    return Effect.objects.get(kind=slack.MEND, state="due", key__startswith="mark")

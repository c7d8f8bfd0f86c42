"""Slack's doors: the forged, the replayed and the broken stay outside; and the page about the connection."""

import json
import time
from pathlib import Path
from urllib.parse import urlencode

import pytest
import yaml
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from services.effects.models import Effect
from services.helpdesk.models import Rota, RotaMember, SlackDelivery, SlackLook, Ticket
from services.helpdesk.slack import manifest
from services.helpdesk.tasks import slack as tasks
from services.helpdesk.views import slack as views
from tests.factories.people import platform_engineer
from tests.fakes import slack as fakes
from tests.fakes.slack.methods import SCOPES
from tests.helpdesk.slack import ASK, FORM, JSON, MIRA, PRIYA, TEAM, make

pytestmark = pytest.mark.django_db
DOORS = ("events", "commands", "actions")


@pytest.fixture(scope="module")
def workspaces():
    with fakes.serving() as fresh:
        yield fresh


@pytest.fixture
def desk(workspaces, client, settings):
    return make(workspaces(), client, settings)


def mention(desk):
    heard = desk.shop.says(MIRA, ASK, "<@U0BOT> Hello there")
    return json.dumps({**heard, "event": {**heard["event"], "type": "app_mention"}}).encode()


@pytest.mark.case("W1")
@pytest.mark.parametrize("door", DOORS)
def test_what_is_not_signed_stays_outside(desk, settings, door):
    body, address = mention(desk), f"/hooks/slack/{door}/"
    for headers in ({}, fakes.signed(body, "another"), fakes.signed(body + b" ", fakes.SIGNING_SECRET)):
        assert desk.client.post(address, body, content_type=JSON, headers=headers).status_code == 403
    settings.SLACK_SIGNING_SECRET = ""
    assert (
        desk.client.post(address, body, content_type=JSON, headers=fakes.signed(body, "")).status_code == 403
    )
    assert not SlackDelivery.objects.exists()


@pytest.mark.case("W4")
def test_what_was_signed_at_another_time_stays_outside(desk):
    body = mention(desk)
    for off in (-301, 301):
        headers = fakes.signed(body, fakes.SIGNING_SECRET, at=str(int(time.time()) + off))
        assert (
            desk.client.post("/hooks/slack/events/", body, content_type=JSON, headers=headers).status_code
            == 403
        )


@pytest.mark.case("W3")
def test_a_delivery_that_is_replayed_counts_once_even_without_an_id(desk):
    body = mention(desk)
    nameless = json.dumps({**json.loads(body), "event_id": None}).encode()
    for each in (body, body, nameless, nameless):
        assert desk.send("events", each).status_code == 200
    assert SlackDelivery.objects.count() == Effect.objects.filter(kind="slack.take").count() == 2


def test_slack_sees_that_the_address_is_ours(desk):
    body = json.dumps({"type": "url_verification", "challenge": "<b>3eZb", "token": "x"}).encode()
    answer = desk.send("events", body)
    assert (answer.content, answer["Content-Type"]) == (b"<b>3eZb", "text/plain")


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400), (b"\xff", 400), (b"[]", 400), (b"[" * 5000, 400), (b'{"a": NaN}', 400),
        (b"9" * 5000, 400), (b" " * (views.MOST_BYTES + 1), 413),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(desk, door, body, status):
    if door == "actions" and status == 400:
        body = urlencode({"payload": body}).encode()
    answer = desk.send(door, body, FORM if door != "events" else JSON)
    assert answer.status_code == (status if door != "commands" or status == 413 or body == b"\xff" else 200)


def test_what_no_database_keeps_is_left_out(desk):
    heard = desk.shop.says(MIRA, ASK, "x")
    event = {
        "type": "app_mention",
        "user": MIRA,
        "text": "a\x00b\ud800",
        "channel": ASK,
        "ts": "1.1",
        "odd\x00": 1e400,
    }
    body = json.dumps({**heard, "event": event}).replace("Infinity", "1e400").encode()
    assert desk.send("events", body).status_code == 200
    desk.work()
    assert Ticket.objects.get().title == "ab?"


def test_odd_shapes_are_answered_and_do_nothing(desk):
    for event in (None, [], "x", {"type": 7}, {"type": "app_mention"}, {"type": "message", "channel": []}):
        assert (
            desk.send("events", json.dumps({"type": "event_callback", "event": event}).encode()).status_code
            == 200
        )
    for payload in (
        {"type": "view_submission", "view": []}, {"type": "view_submission", "user": 7, "view": {"id": "V"}},
        {"type": "block_actions", "user": {"id": MIRA}, "actions": 7, "container": [], "trigger_id": "1"},
        {"type": "block_actions", "user": {"id": MIRA}, "actions": [{"action_id": "take", "value": "x"}],
         "trigger_id": "2"},
        {"type": "odd", "user": {"id": MIRA}, "trigger_id": "3"},
        {"type": "view_submission", "user": {"id": MIRA}, "view": {"id": "V2", "callback_id": "resolve",
         "private_metadata": "{", "state": {"values": {"cause": {"cause": {"value": "other"}},
                                                       "minutes": {"minutes": {"value": "5"}}}}}},
    ):  # fmt: skip
        assert desk.act(payload).status_code == 200
    assert not Ticket.objects.exists()
    assert [each for each in desk.trouble() if "Error" in each] == []


def test_slack_that_holds_back_and_an_app_that_is_removed_are_told_on_the_page(desk):
    desk.send("events", json.dumps({"type": "app_rate_limited", "minute_rate_limited": 1}).encode())
    desk.event(desk.shop.event({"type": "app_uninstalled"}))
    look = SlackLook.objects.get()
    assert (look.limited_at is None, look.error) == (False, "The app was removed from Slack.")
    desk.client.force_login(desk.priya)
    page = desk.client.get("/help/slack/").content.decode()
    assert "The app was removed" in page
    assert "held events back" in page


def test_the_connection_is_looked_at_and_its_troubles_told(desk, settings):
    SlackLook.objects.all().delete()
    desk.client.force_login(desk.priya)
    assert "Slack answers: Shop." in desk.client.post("/help/slack/check/", follow=True).content.decode()
    assert SlackLook.objects.get().is_closed
    desk.shop.misbehave("auth.test", "revoked", "revoked")
    tasks.look_after()
    since = SlackLook.objects.get().failing_since
    answer = desk.client.post("/help/slack/check/", follow=True).content.decode()
    assert "token_revoked" in answer
    assert SlackLook.objects.get().failing_since == since
    settings.SLACK_TEAM_CHANNEL = ""
    tasks.look_after()
    assert not SlackLook.objects.get().is_closed
    settings.SLACK_TOKEN = ""
    assert "No token is set" in desk.client.post("/help/slack/check/", follow=True).content.decode()
    assert "Slack is not connected" in desk.client.get("/help/slack/").content.decode()


@pytest.mark.parametrize("rows", [1, 3])
def test_the_page_asks_few_questions_however_much_came(desk, rows):
    desk.client.force_login(desk.priya)
    for number in range(rows):
        Effect.objects.create(kind="slack.post", key=str(number), state="needs_attention", last_error="<b>no")
        SlackDelivery.objects.create(
            key=str(number), kind="event", what="app_mention", payload={}, said="A new ticket."
        )
    with CaptureQueriesContext(
        connection,
    ) as asked:
        page = desk.client.get("/help/slack/").content.decode()
    assert len(asked) <= 12
    assert page.count("Try again") == rows
    assert "&lt;b&gt;no" in page
    for query, found in (
        ("?kind=event", True),
        ("?kind=command", False),
        ("?q=mention", True),
        ("?q=zzz", False),
    ):
        assert ("A new ticket." in desk.client.get(f"/help/slack/{query}").content.decode()) == bool(found)


def test_only_the_platform_looks_after_it_and_only_what_failed_is_tried_again(desk):
    effect = Effect.objects.create(kind="slack.mend", key="x", state="done")
    other = Effect.objects.create(kind="else.where", key="x", state="needs_attention")
    desk.client.force_login(desk.mira)
    assert desk.client.get("/help/slack/").status_code == 403
    desk.client.force_login(desk.priya)
    assert (
        "it is done by now"
        in desk.client.post(f"/help/slack/retry/{effect.pk}/", follow=True).content.decode()
    )
    assert desk.client.post(f"/help/slack/retry/{other.pk}/").status_code == 404


def test_the_manifest_is_that_of_the_documents_and_asks_for_what_is_used(desk):
    desk.client.force_login(desk.priya)
    given = yaml.safe_load(desk.client.get("/help/slack/manifest/").content)
    told = (Path(__file__).parents[2] / "docs/slack.md").read_text().split("```yaml\n")[1].split("```")[0]
    assert given == yaml.safe_load(told) == manifest.manifest()
    assert set(SCOPES.values()) <= set(given["oauth_config"]["scopes"]["bot"])


def test_what_came_long_ago_is_forgotten(desk):
    old = timezone.now() - tasks.KEPT * 2
    for key, said in (("a", "Done."), ("b", "")):
        SlackDelivery.objects.create(key=key, kind="event", payload={}, said=said, at=old)
    tasks.look_after()
    assert list(SlackDelivery.objects.values_list("key", flat=True)) == ["b"]


def test_the_group_is_whoever_is_on_duty(desk, settings):
    settings.SLACK_ROTA_GROUP = "S0ROTA"
    tasks.look_after()
    desk.work()
    assert desk.shop.groups["S0ROTA"] == ["U0OLD"], "nobody is on duty: it stays as it is"
    rota = Rota.objects.create(starts_on=timezone.localdate(), weeks=1)
    RotaMember.objects.create(rota=rota, person=platform_engineer(), position=1)
    for _ in range(2):
        tasks.look_after()
        desk.work()
    assert desk.shop.groups["S0ROTA"] == [PRIYA]
    assert len(desk.shop.calls("usergroups.users.update")) == 1
    assert desk.trouble() == []
    assert TEAM in desk.shop.channels

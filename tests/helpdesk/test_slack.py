"""Questions asked in Slack become tickets, and threads and tickets say the same on both sides."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from services.effects.models import Effect
from services.helpdesk import actions
from services.helpdesk.models import Message, SlackDelivery, SlackPerson, SlackThread, Ticket
from services.helpdesk.states import Cause, State
from services.helpdesk.tasks import slack as tasks
from tests.factories.people import UserFactory
from tests.factories.tickets import ticket as opened
from tests.fakes import slack as fakes
from tests.helpdesk.slack import ASK, JONAS, MIRA, PRIYA, TEAM, ZOE, make

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def workspaces():
    with fakes.serving() as fresh:
        yield fresh


@pytest.fixture
def desk(workspaces, client, settings):
    return make(workspaces(), client, settings)


def outcomes() -> list[str]:
    return list(SlackDelivery.objects.order_by("pk").values_list("said", flat=True))


def test_a_mention_opens_a_ticket_that_both_sides_hear_of(desk):
    SlackPerson.objects.all().delete()
    ts = desk.mention("Checkout is *slow* since noon")
    ticket = Ticket.objects.get()
    assert (ticket.title, ticket.asker, ticket.channel) == (
        "Checkout is *slow* since noon",
        desk.mira,
        "slack",
    )
    assert desk.trouble() == []
    [said] = desk.said(ASK, ts)
    assert f"{ticket.key}> is open" in said
    [told] = desk.said(TEAM, desk.team_thread(ticket))
    assert "Checkout is *slow* since noon" in told
    assert desk.shop.marks(ASK, ts) == desk.shop.marks(TEAM, desk.team_thread(ticket)) == {"inbox_tray"}
    assert outcomes() == ["A new ticket."]
    assert SlackDelivery.objects.get().ticket == ticket


def test_words_go_both_ways_and_notes_stay_with_the_team(desk):
    ticket, ts = desk.asked()
    desk.event(desk.shop.says(MIRA, ASK, "It is worse now", thread=ts))
    desk.event(desk.shop.says(PRIYA, TEAM, "Looks like the node", thread=desk.team_thread(ticket)))
    actions.reply(ticket=ticket, by=desk.priya, body="We are on it")
    actions.reply(ticket=ticket, by=desk.priya, body="A secret thought", internal=True)
    desk.work()
    assert desk.trouble() == []
    assert list(ticket.messages.values_list("body", "internal")) == [
        ("Checkout is slow", False), ("It is worse now", False), ("Looks like the node", True),
        ("We are on it", False), ("A secret thought", True),
    ]  # fmt: skip
    askers, teams = desk.said(ASK, ts), desk.said(TEAM, desk.team_thread(ticket))
    assert len(askers) == 2
    assert "We are on it" in askers[1]
    assert not any("thought" in each or "node" in each for each in askers)
    assert "worse now" in teams[1]
    assert "A secret thought" in teams[-1]
    assert not any("node" in each for each in teams), "what was said there is not said again"


def test_a_word_of_the_platform_in_the_askers_thread_is_a_public_answer(desk):
    ticket, ts = desk.asked()
    desk.event(desk.shop.says(PRIYA, ASK, "Try again now", thread=ts))
    ticket.refresh_from_db()
    assert (ticket.state, ticket.assignee, ticket.first_response_at is None) == (
        "in_progress",
        desk.priya,
        False,
    )
    assert desk.shop.marks(ASK, ts) == {"hammer_and_wrench"}


def test_the_teams_thread_is_for_notes_of_those_who_may_write_them(desk):
    ticket, _ = desk.asked()
    desk.event(desk.shop.says(JONAS, TEAM, "public: hello", thread=desk.team_thread(ticket)))
    assert not Message.objects.filter(body__contains="hello").exists()
    [whisper] = desk.shop.whispers
    assert (whisper["user"], "for people of the platform" in whisper["text"]) == (JONAS, True)


def test_what_is_delivered_often_or_out_of_order_happens_once(desk):
    question = desk.shop.says(MIRA, ASK, "<@U0BOT> Checkout is slow")
    mention = {**question, "event": {**question["event"], "type": "app_mention"}, "event_id": "Ev1"}
    ts = question["event"]["ts"]
    later = [desk.shop.says(MIRA, ASK, text, thread=ts) for text in ("one", "two")]
    for payload in [*reversed(later), mention, question, *later] * 3:
        desk.send("events", json.dumps(payload).encode(), **{"X-Slack-Retry-Num": "1"})
    desk.work()
    assert desk.trouble() == []
    [ticket] = Ticket.objects.all()
    assert [m.body for m in ticket.messages.all()] == ["Checkout is slow", "one", "two"]
    assert len(desk.said(ASK, ts)) == 1
    assert len(desk.said(TEAM, desk.team_thread(ticket))) == 3


def test_edits_and_deletions_are_shown_and_nothing_is_lost(desk):
    ticket, ts = desk.asked()
    said = desk.shop.says(MIRA, ASK, "The password is hunter22abc", thread=ts)
    desk.event(said)
    [word] = ticket.messages.filter(correction=None).exclude(body="Checkout is slow")
    first = desk.shop.edits(ASK, said["event"]["ts"], "It is the first edit")
    second = desk.shop.edits(ASK, said["event"]["ts"], "It is the second edit")
    desk.event(second, first, second)
    word.refresh_from_db()
    assert word.correction.body == "It is the second edit"
    assert any("second edit" in each for each in desk.said(TEAM, desk.team_thread(ticket)))
    desk.client.force_login(desk.mira)
    page = desk.client.get(ticket.get_absolute_url()).content.decode()
    assert "It is the second edit" in page
    desk.event(desk.shop.deletes(ASK, said["event"]["ts"]), second)
    word.refresh_from_db()
    assert word.correction.deleted
    assert word.body.startswith("The password")
    teams = desk.said(TEAM, desk.team_thread(ticket))
    assert "deleted what stood here" in teams[-1]
    assert not any("second edit" in each for each in teams)
    page = desk.client.get(ticket.get_absolute_url()).content.decode()
    assert "Deleted in Slack" in page


def test_an_edited_question_is_shown_to_the_team_as_it_is_now(desk):
    ticket, ts = desk.asked()
    desk.event(desk.shop.edits(ASK, ts, "<@U0BOT> Checkout is down"))
    [told] = desk.said(TEAM, desk.team_thread(ticket))
    assert "Checkout is down" in told
    assert '"take"' in told, "its buttons stay"


def test_a_deletion_that_comes_before_the_words_keeps_them_out(desk):
    ticket, ts = desk.asked()
    said = desk.shop.says(MIRA, ASK, "oops", thread=ts)
    desk.event(desk.shop.deletes(ASK, said["event"]["ts"]), said)
    assert ticket.messages.count() == 1


def test_what_was_never_delivered_is_made_up_for(desk):
    ticket, ts = desk.asked()
    kept = desk.shop.says(MIRA, ASK, "kept", thread=ts)
    gone = desk.shop.says(MIRA, ASK, "gone", thread=ts)
    desk.event(kept, gone)
    desk.shop.page = 2
    desk.shop.says(MIRA, ASK, "lost on the way", thread=ts)
    desk.shop.edits(ASK, kept["event"]["ts"], "kept and edited")
    desk.shop.deletes(ASK, gone["event"]["ts"])
    SlackThread.objects.update(swept_at=timezone.now() - timedelta(hours=1))
    tasks.sweep()
    tasks.sweep()
    desk.work()
    assert desk.trouble() == []
    bodies = [(m.body, getattr(m, "correction", None)) for m in ticket.messages.select_related("correction")]
    assert [body for body, _ in bodies] == ["Checkout is slow", "kept", "gone", "lost on the way"]
    assert (bodies[1][1].body, bodies[2][1].deleted) == ("kept and edited", True)
    asked = len(desk.shop.calls("conversations.replies"))
    tasks.sweep()
    desk.work()
    assert len(desk.shop.calls("conversations.replies")) == asked, "read a moment ago"


def test_files_are_linked(desk):
    files = [{"name": "trace.txt", "permalink": "https://shop.slack.com/files/U/F/trace.txt"}]
    _, ts = desk.asked()
    desk.event(desk.shop.says(MIRA, ASK, "", thread=ts, files=files, subtype="file_share"))
    [said] = Message.objects.filter(body__contains="trace.txt")
    assert "[trace.txt](https://shop.slack.com/files/U/F/trace.txt)" in said.body


def test_mentions_of_colleagues_reach_them_by_their_name_here(desk):
    ticket, ts = desk.asked()
    desk.event(desk.shop.says(MIRA, ASK, f"<@{JONAS}> and <@{ZOE}>, have a look", thread=ts))
    assert ticket.messages.latest().body == "@jonas and Zoe, have a look"
    assert desk.jonas in ticket.watchers.all()


@pytest.mark.case("E8")
def test_hostile_titles_reach_nobody(desk):
    desk.mira.name = "<!here> *Mira*"
    desk.mira.save()
    ticket, _ts = desk.asked(text="&lt;!channel&gt; <!channel> <http://evil.example|bank> &lt;@U0JONAS&gt;")
    actions.reply(
        ticket=ticket, by=desk.priya, body="<!channel> <@U0MIRA> <https://evil.example|here> @channel"
    )
    actions.change_state(ticket=ticket, to="resolved", by=desk.priya, cause=Cause.OTHER, minutes=1)
    desk.command(f"status {ticket.key}")
    desk.command("mine")
    desk.work()
    assert desk.trouble() == []
    leads = {each.partition("|")[0] for each in desk.shop.told}
    assert leads == {f"https://slipway.example/help/{ticket.key}/"}


def test_who_is_not_known_is_told_so_politely_and_once(desk):
    ticket, ts = desk.asked()
    for text in ("hello", "hello again"):
        desk.event(desk.shop.says(ZOE, ASK, text, thread=ts))
    desk.mention("Let me in", user=ZOE)
    assert (Ticket.objects.count(), ticket.messages.count()) == (1, 1)
    assert {w["user"] for w in desk.shop.whispers} == {ZOE}
    assert len(desk.shop.whispers) == 1
    assert "I do not know you yet" in desk.shop.whispers[0]["text"]
    assert "hello" not in json.dumps(desk.shop.whispers)
    [answer] = desk.command("mine", user=ZOE)
    assert "I do not know you yet" in answer["text"]


@pytest.mark.case("E3")
@pytest.mark.parametrize(
    "about",
    [
        {"team_id": "T0OTHER"}, {"is_stranger": True}, {"is_restricted": True}, {"deleted": True},
        {"is_bot": True}, {"is_ultra_restricted": True},
    ],
)  # fmt: skip
def test_an_address_nobody_vouches_for_is_nobodys(desk, about):
    desk.shop.person("U0FAKE", desk.priya.email, **about)
    desk.mention("Resolve everything", user="U0FAKE")
    assert not Ticket.objects.exists()


def test_an_address_of_two_people_is_nobodys_and_one_who_left_is_not_known(desk):
    UserFactory(username="mira2", email=desk.mira.email)
    SlackPerson.objects.all().delete()
    desk.mention()
    assert not Ticket.objects.exists()
    desk.event(desk.shop.says(JONAS, ASK, "x"))
    desk.mention("One", user=JONAS)
    desk.jonas.is_active = False
    desk.jonas.save()
    desk.mention("Two", user=JONAS)
    assert Ticket.objects.count() == 1


def test_a_stranger_who_signs_in_is_known_soon(desk):
    desk.mention("One", user=ZOE)
    UserFactory(username="zoe", email="zoe@elsewhere.example")
    SlackPerson.objects.update(looked_at=timezone.now() - timedelta(minutes=6))
    desk.mention("Two", user=ZOE)
    assert Ticket.objects.get().title == "Two"


def test_words_of_apps_are_never_answered(desk):
    ticket, ts = desk.asked()
    for payload in list(desk.shop.events):
        desk.event(payload)
    desk.event(desk.shop.says("U0BOT", ASK, "I answer myself", thread=ts))
    desk.event(desk.shop.says(MIRA, ASK, "An app says", thread=ts, bot_id="B0OTHER", subtype="bot_message"))
    own = desk.shop.event(
        {"type": "message", "subtype": "message_changed", "channel": ASK,
         "message": {"bot_id": "B0BOT", "ts": ts, "text": "unfurled"}}
    )  # fmt: skip
    desk.event(own)
    assert (ticket.messages.count(), SlackDelivery.objects.count()) == (1, 0)


def test_what_is_said_elsewhere_is_not_kept(desk):
    desk.event(desk.shop.says(MIRA, ASK, "Lunch?"))
    one = desk.shop.says(MIRA, ASK, "Who comes?")
    desk.event(one, desk.shop.says(JONAS, ASK, "I do", thread=one["event"]["ts"]))
    desk.event(desk.shop.reacts(JONAS, ASK, one["event"]["ts"], "tada"))
    assert not SlackDelivery.objects.exists()


# Emoji.


def test_an_emoji_makes_a_message_a_ticket_of_whoever_wrote_it(desk):
    question = desk.shop.says(MIRA, ASK, "Is staging down?")["event"]["ts"]
    aside = desk.shop.says(JONAS, ASK, "For me it is", thread=question)["event"]["ts"]
    for _ in range(2):
        desk.event(desk.shop.reacts(PRIYA, ASK, question, "ticket"))
    ticket = Ticket.objects.get()
    assert (ticket.asker, ticket.title, list(ticket.watchers.all())) == (
        desk.mira,
        "Is staging down?",
        [desk.priya],
    )
    assert ticket.messages.latest().body == "For me it is", "what was said already is read"
    desk.event(desk.shop.reacts(JONAS, ASK, aside, "ticket"))
    assert Ticket.objects.count() == 1, "an answer in its thread is no other ticket"


def test_a_colleague_asks_in_their_own_name(desk):
    question = desk.shop.says(MIRA, ASK, "Is staging down?")["event"]["ts"]
    desk.event(desk.shop.reacts(JONAS, ASK, question, "ticket"))
    assert Ticket.objects.get().asker == desk.jonas


def test_emoji_of_what_is_not_there_or_no_bodys_do_nothing(desk):
    desk.shop.messages[ASK]["1.2"] = {"ts": "1.2", "bot_id": "B0X", "text": "by an app"}
    for at in ("1.2", "9.9"):
        desk.shop.messages[ASK].setdefault(at, {"ts": at, "text": "x", "user": MIRA})
        payload = desk.shop.reacts(PRIYA, ASK, at, "ticket")
        desk.shop.messages[ASK].pop("9.9", None)
        desk.event(payload)
    desk.event(desk.shop.event({"type": "reaction_added", "user": PRIYA, "reaction": "ticket", "item": {}}))
    desk.shop.messages[ASK]["1.3"] = {"ts": "1.3", "text": "x", "user": MIRA}
    desk.event(desk.shop.reacts(PRIYA, ASK, "1.3", "white_check_mark"))
    assert not Ticket.objects.exists()
    assert desk.trouble() == []


def test_the_asker_resolves_and_reopens_by_emoji(desk):
    ticket, ts = desk.asked()
    desk.event(desk.shop.reacts(MIRA, ASK, ts, "white_check_mark"))
    ticket.refresh_from_db()
    assert ticket.state == State.RESOLVED
    assert "Not solved?" in desk.said(ASK, ts)[-1]
    desk.event(desk.shop.reacts(MIRA, ASK, ts, "white_check_mark", added=False))
    ticket.refresh_from_db()
    assert ticket.state == State.IN_PROGRESS
    assert desk.shop.marks(ASK, ts) == {"hammer_and_wrench"}
    desk.event(desk.shop.reacts(MIRA, ASK, ts, "white_check_mark", added=False))
    assert desk.trouble() == []


def test_the_platform_takes_by_emoji_and_is_asked_why_when_it_resolves(desk):
    ticket, _ = desk.asked()
    thread = desk.team_thread(ticket)
    desk.event(desk.shop.reacts(PRIYA, TEAM, thread, "eyes"))
    ticket.refresh_from_db()
    assert ticket.assignee == desk.priya
    desk.event(desk.shop.reacts(PRIYA, TEAM, thread, "white_check_mark"))
    ticket.refresh_from_db()
    assert ticket.is_open
    assert '"resolve"' in json.dumps(desk.shop.whispers[-1])


def test_others_move_nothing_by_emoji(desk):
    ticket, ts = desk.asked()
    for name in ("eyes", "white_check_mark", "ticket"):
        desk.event(desk.shop.reacts(JONAS, ASK, ts, name))
    ticket.refresh_from_db()
    assert (ticket.state, ticket.assignee) == ("new", None)
    actions.set_private(ticket=ticket, private=True, by=desk.mira)
    desk.event(desk.shop.reacts(JONAS, ASK, ts, "white_check_mark", added=False))
    assert "may not see" in outcomes()[-1]


# Where it is said.


def test_what_becomes_private_goes_on_directly(desk):
    ticket, ts = desk.asked()
    actions.set_private(ticket=ticket, private=True, by=desk.mira)
    actions.reply(ticket=ticket, by=desk.priya, body="For your eyes only")
    desk.work()
    assert not any("eyes only" in each for each in desk.said(ASK, ts))
    thread = ticket.slack_threads.get(side="asker", active=True)
    assert thread.channel == "D0MIRA"
    assert "eyes only" in desk.said(thread.channel, thread.ts)[-1]
    desk.event(desk.shop.says(MIRA, ASK, "In the old thread", thread=ts))
    assert not Message.objects.filter(body="In the old thread").exists()
    desk.event(desk.shop.says(MIRA, "D0MIRA", "In the new one", thread=thread.ts))
    assert ticket.messages.latest().body == "In the new one"


def test_notes_are_not_told_in_a_channel_that_is_not_private(desk):
    desk.shop.channel(TEAM, private=False)
    tasks.look_after()
    ticket = opened(by=desk.mira)
    actions.reply(ticket=ticket, by=desk.priya, body="A thought", internal=True)
    secret = opened(by=desk.mira, title="Nobody knows", private=True)
    actions.reply(ticket=secret, by=desk.priya, body="Nor this")
    desk.work()
    assert desk.trouble() == []
    assert "thought" not in json.dumps(desk.shop.messages)
    assert "Nobody knows" not in json.dumps(desk.shop.messages)


def test_where_the_app_is_not_let_in_the_asker_is_told_directly(desk):
    question = desk.shop.says(MIRA, ASK, "Is staging down?")
    desk.event({**question, "event": {**question["event"], "type": "app_mention"}})
    ticket = Ticket.objects.get()
    desk.shop.channels[ASK]["member"] = False
    actions.reply(ticket=ticket, by=desk.priya, body="It was")
    desk.work()
    thread = ticket.slack_threads.get(side="asker", active=True)
    assert "It was" in desk.said("D0MIRA", thread.ts)[-1]
    assert desk.trouble() == []


def test_answers_to_what_was_merged_reach_both_askers(desk):
    first, one = desk.asked()
    second, two = desk.asked(text="It is slow for me too", user=JONAS)
    actions.merge(ticket=second, into=first, by=desk.priya)
    desk.work()
    actions.reply(ticket=first, by=desk.priya, body="All is well again")
    desk.event(desk.shop.says(JONAS, ASK, "Thank you all", thread=two))
    assert "All is well again" in desk.said(ASK, one)[-2]
    assert "All is well again" in desk.said(ASK, two)[-1]
    assert first.messages.latest().body == "Thank you all"
    assert desk.trouble() == []


def test_a_word_after_the_end_goes_on_in_a_follow_up_in_the_same_thread(desk):
    ticket, ts = desk.asked()
    actions.change_state(ticket=ticket, to="resolved", by=desk.mira)
    actions.change_state(ticket=ticket, to="closed", by=desk.mira)
    desk.work()
    for text in ("Again!", "Is anybody there?"):
        desk.event(desk.shop.says(MIRA, ASK, text, thread=ts))
    after = Ticket.objects.exclude(pk=ticket.pk).get()
    assert (after.follows, [m.body for m in after.messages.all()]) == (
        ticket,
        ["Again!", "Is anybody there?"],
    )
    assert f"{after.key}> is open" in desk.said(ASK, ts)[-1]
    assert desk.trouble() == []


def test_tickets_from_elsewhere_are_told_to_the_team_alone(desk):
    ticket = opened(by=desk.mira)
    desk.work()
    assert "take" in desk.said(TEAM, desk.team_thread(ticket))[0]
    assert not desk.shop.messages[ASK]


def test_histories_that_are_brought_along_are_no_news(desk):
    old = opened(by=desk.mira, at=timezone.now() - timedelta(days=90))
    actions.reply(ticket=old, by=desk.priya, body="Long ago", at=timezone.now() - timedelta(days=89))
    assert not Effect.objects.filter(kind__startswith="slack.").exists()
    actions.reply(ticket=old, by=desk.priya, body="And today")
    desk.work()
    assert ["Since this morning" in each for each in desk.said(TEAM, desk.team_thread(old))] == [True, False]
    assert desk.trouble() == []


def test_without_a_token_nothing_is_queued(desk, settings):
    settings.SLACK_TOKEN = ""
    opened(by=desk.mira)
    tasks.look_after()
    tasks.sweep()
    assert not Effect.objects.filter(kind__startswith="slack.").exists()
    assert desk.shop.asked == []


# When Slack is in trouble.


@pytest.mark.parametrize("fault", ["lost", "502 after", "500", "429"])
def test_each_thing_is_said_once_whatever_slack_answers(desk, fault):
    ticket, ts = desk.asked()
    desk.shop.misbehave("chat.postMessage", fault)
    actions.reply(ticket=ticket, by=desk.priya, body="First")
    actions.reply(ticket=ticket, by=desk.priya, body="Second")
    for _ in range(3):
        desk.shop_time_passes()
        desk.work()
    assert desk.trouble() == []
    for channel, thread in ((ASK, ts), (TEAM, desk.team_thread(ticket))):
        said = [each for each in desk.said(channel, thread) if "First" in each or "Second" in each]
        assert ["First" in each for each in said] == [True, False], "once each, and in their order"


def test_a_first_message_that_was_lost_is_found_again(desk):
    desk.shop.misbehave("chat.postMessage", "lost", "lost")
    opened(by=desk.mira)
    desk.work()
    assert len(desk.shop.messages[TEAM]) == 1
    assert desk.trouble() == []


def test_what_slack_refuses_waits_for_a_person_and_the_rest_goes_on(desk):
    desk.shop.misbehave("chat.postMessage", "archived")
    ticket = opened(by=desk.mira)
    desk.work()
    actions.reply(ticket=ticket, by=desk.priya, body="First")
    desk.work()
    assert [each.partition(":")[0].split(" ")[1] for each in desk.trouble()] == ["needs_attention"] * 3
    desk.client.force_login(desk.priya)
    for effect in Effect.objects.filter(state="needs_attention"):
        desk.client.post(f"/help/slack/retry/{effect.pk}/")
    desk.work()
    assert desk.trouble() == []
    assert len(desk.said(TEAM, desk.team_thread(ticket))) == 3


def test_an_asker_without_an_account_is_a_trouble_that_is_told(desk):
    ticket, _ts = desk.asked()
    SlackThread.objects.filter(side="asker").update(active=False)
    SlackPerson.objects.filter(user=desk.mira).delete()
    desk.shop.users[MIRA]["deleted"] = True
    actions.reply(ticket=ticket, by=desk.priya, body="Hello?")
    desk.work()
    assert any("Mira has no account in Slack" in each for each in desk.trouble())

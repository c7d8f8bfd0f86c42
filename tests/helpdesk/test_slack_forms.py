"""Commands, shortcuts, forms and buttons in Slack, and the home tab."""

import json
from urllib.parse import urlencode

import pytest

from services.effects.models import Effect
from services.helpdesk import actions
from services.helpdesk.actions.slack import mending
from services.helpdesk.forms import AskForm
from services.helpdesk.models import Category, Correction, Message, SlackPerson, SlackPost, Ticket
from services.helpdesk.slack import modals, people
from services.helpdesk.states import State
from services.integrations.errors import IntegrationError
from services.integrations.slack import Slack
from tests.factories.people import UserFactory
from tests.factories.tickets import ticket as opened
from tests.fakes import slack as fakes
from tests.helpdesk.slack import ASK, FORM, JONAS, MIRA, PRIYA, TEAM, ZOE, make

pytestmark = pytest.mark.django_db
FIELDS = [
    {"name": "ask_1_which", "label": "Which?", "kind": "text", "required": True, "options": []},
    {
        "name": "ask_2_size",
        "label": "How big?",
        "kind": "choice",
        "required": False,
        "options": ["a", "a", "b"],
    },
    {"name": "ask_3_many", "label": "How many?", "kind": "number", "required": False, "options": []},
    {"name": "ask_4_sure", "label": "Sure?", "kind": "yes", "required": False, "options": []},
    {"name": "ask_5_where", "label": "Which service?", "kind": "service", "required": False, "options": []},
    {"name": "ask_6_more", "label": "More?", "kind": "long", "required": False, "options": []},
]


DOES = "hammer_and_wrench"
KINDS = {"static_select": "selected_option", "checkboxes": "selected_options"}


@pytest.fixture(scope="module")
def workspaces():
    with fakes.serving() as fresh:
        yield fresh


@pytest.fixture
def desk(workspaces, client, settings):
    return make(workspaces(), client, settings)


def filled(view, **given):
    """The form as it is sent in: what it began with, and what was typed over it."""
    values = {}
    for block in view["blocks"]:
        if block["type"] != "input":
            continue
        name, element = block["block_id"], block["element"]
        said = given.get(name, element.get("initial_value") or element.get("initial_option", {}).get("value"))
        kind = {"static_select": "selected_option", "checkboxes": "selected_options"}.get(
            element["type"], "value"
        )
        shape = {"value": said} if kind == "selected_option" and said else said
        values[name] = {name: {"type": element["type"], kind: shape}}
    return {**view, "state": {"values": values}}


def last_view(desk):
    return list(desk.shop.views.values())[-1]


def send_in(desk, view, user=MIRA, **given):
    return desk.act(desk.shop.action("view_submission", user, view=filled(view, **given)))


def test_the_command_opens_the_form_and_the_form_asks(desk):
    assert desk.command("Checkout is slow &amp; sad") == []
    view = last_view(desk)
    assert filled(view)["state"]["values"]["title"]["title"]["value"] == "Checkout is slow & sad"
    assert send_in(desk, view, category="broken", body="Since noon", private=["yes"]).content == b""
    ticket = Ticket.objects.get()
    assert (ticket.asker, ticket.private, ticket.impact, ticket.category.slug) == (
        desk.mira,
        True,
        "team",
        "broken",
    )
    thread = ticket.slack_threads.get(side="asker")
    assert (thread.channel, "Since noon" in desk.said("D0MIRA", thread.ts)[0]) == ("D0MIRA", True)
    send_in(desk, view, category="broken", body="Since noon")
    assert Ticket.objects.count() == 1, "one form is one ticket"
    assert desk.trouble() == []


def test_the_form_asks_what_the_portal_asks(desk):
    Category.objects.filter(slug="broken").update(fields=FIELDS)
    for chosen in ("", "broken", "other"):
        view = modals.ask({"category": chosen})
        names = {block["block_id"] for block in view["blocks"]}
        assert names == set(AskForm(initial={"category": chosen}, asking=True).fields) - {
            "masked",
            "submission",
        }
        needed = {block["block_id"] for block in view["blocks"] if not block["optional"]}
        wanted = {
            name
            for name, field in AskForm(initial={"category": chosen}, asking=True).fields.items()
            if field.required
        }
        assert needed == wanted


def test_another_category_asks_its_own_questions_and_keeps_what_is_typed(desk):
    Category.objects.filter(slug="broken").update(fields=FIELDS)
    desk.command("Checkout is slow")
    view = last_view(desk)
    chosen = [{"action_id": "category", "block_id": "category", "selected_option": {"value": "broken"}}]
    about = {"container": {"type": "view", "view_id": view["id"]}, "actions": chosen}
    desk.act(desk.shop.action("block_actions", MIRA, view=filled(view, category="broken"), **about))
    fresh = last_view(desk)
    assert "ask_1_which" in json.dumps(fresh)
    desk.act(desk.shop.action("block_actions", MIRA, view={**filled(view), "hash": "h0"}, **about))
    desk.act(desk.shop.action("block_actions", MIRA, view={**filled(view), "id": "V0"}, **about))
    assert desk.trouble() == []
    answer = send_in(desk, fresh, category="broken", body="x", ask_5_where="nowhere").json()
    assert answer["response_action"] == "errors"
    assert set(answer["errors"]) == {"ask_1_which", "ask_5_where"}
    send_in(
        desk,
        fresh,
        category="broken",
        body="x",
        ask_1_which="the large one",
        ask_4_sure=["yes"],
        ask_3_many="3",
    )
    assert "**Which?** the large one" in Ticket.objects.get().messages.get().body


def test_what_is_wrong_stands_at_its_field(desk):
    desk.command("")
    view = last_view(desk)
    errors = send_in(desk, view, title="", body="token: ghp_0123456789abcdefghij", entity="nowhere").json()[
        "errors"
    ]
    assert set(errors) == {"title", "body", "entity", "category"}
    assert "is not in the catalog" in errors["entity"]
    Category.objects.filter(slug="broken").update(fields=FIELDS)
    errors = send_in(desk, view, title="x", body="y", category="broken").json()["errors"]
    assert errors == {"category": "Choose this again: it asks for more, which is not in the form yet."}
    assert not Ticket.objects.exists()


def test_a_message_is_made_a_ticket_in_its_own_thread(desk):
    said = desk.shop.says(MIRA, ASK, "Is staging down?")["event"]
    about = {
        "channel": {"id": ASK},
        "message": said,
        "callback_id": "make",
        "response_url": desk.shop.answer_url(),
    }
    desk.act(desk.shop.action("message_action", PRIYA, **about))
    view = last_view(desk)
    send_in(desk, view, user=PRIYA, category="other")
    ticket = Ticket.objects.get()
    assert (ticket.asker, ticket.slack_threads.get(side="asker").ts) == (desk.mira, said["ts"])
    desk.act(desk.shop.action("message_action", JONAS, **about))
    assert len(desk.shop.views) == 1
    assert ticket.key in json.dumps(desk.shop.answers[about["response_url"]])
    nobody = {"type": "message", "ts": "1.1", "bot_id": "B0X"}
    desk.act(desk.shop.action("message_action", JONAS, channel={"id": ASK}, message=nobody))
    assert "The message has no text." in json.dumps(last_view(desk))
    desk.act(desk.shop.action("shortcut", MIRA, callback_id="ask"))
    assert len(desk.shop.views) == 3
    assert desk.trouble() == []


def test_a_form_that_comes_too_late_is_offered_by_a_button(desk):
    said = desk.shop.command(MIRA, ASK, "Checkout is slow")
    desk.shop.triggers[said["trigger_id"]] = False
    desk.send("commands", urlencode(said).encode(), FORM)
    desk.work()
    [answer] = desk.shop.answers[said["response_url"]]
    assert '"ask"' in json.dumps(answer)
    assert desk.trouble() == []


def test_commands_are_answered_to_oneself_alone(desk):
    secret = opened(by=desk.jonas, title="A secret", private=True)
    shown = opened(by=desk.mira)
    assert desk.command("mine", PRIYA)[0]["text"] == "You have no open ticket."
    assert shown.title in json.dumps(desk.command("mine"))
    assert "It is with nobody yet" in json.dumps(desk.command(f"status {shown.key}"))
    assert desk.command(f"status {secret.number}")[0]["text"] == f"There is no ticket {secret.key}."
    usage = desk.command("help")[0]
    assert (usage["response_type"], "status T-1001" in usage["text"]) == ("ephemeral", True)


def test_a_command_that_cannot_be_answered_there_is_answered_elsewhere(desk):
    desk.shop.misbehave("answer", "404", "404", "503")
    assert desk.command("help") == []
    assert desk.shop.whispers[-1]["user"] == MIRA
    desk.shop.channels[ASK]["member"] = False
    desk.command("help")
    assert "Make it a ticket" in json.dumps(desk.shop.messages["D0MIRA"], ensure_ascii=False)
    desk.command("help")
    assert len(desk.shop.messages["D0MIRA"]) == 1, "whether it was seen is open: it is not said again"
    desk.shop.channels[ASK]["member"] = True
    desk.shop.misbehave("chat.postEphemeral", "lost", "archived", "silent")
    for _ in range(3):
        desk.event(
            desk.shop.event(
                {"type": "app_mention", "user": MIRA, "channel": ASK, "text": "<@U0BOT>", "ts": "1.1"}
            )
        )
    assert [each.split(" ")[2] for each in desk.trouble()] == ["needs_attention:"]


def test_what_is_said_to_the_app_directly(desk):
    desk.shop.channel("D0MIRA")
    desk.event(desk.shop.says(MIRA, "D0MIRA", "thanks!"), desk.shop.says(MIRA, "D0MIRA", "mine"))
    assert not Ticket.objects.exists()
    question = desk.shop.says(MIRA, "D0MIRA", "How do I get a database?")
    desk.event(question)
    ticket = Ticket.objects.get()
    assert (ticket.title, ticket.slack_threads.get(side="asker").channel) == (
        "How do I get a database?",
        "D0MIRA",
    )
    within = desk.shop.says(MIRA, "D0MIRA", "<@U0BOT> please", thread=question["event"]["ts"])
    desk.event(within, desk.shop.event({**within["event"], "type": "app_mention"}))
    assert ticket.messages.count() == 2


def press(desk, user, name, ticket, channel=TEAM):
    about = {"container": {"channel_id": channel, "message_ts": "1.1", "thread_ts": None}}
    row = [{"action_id": name, "block_id": "b", "value": str(ticket.number)}]
    desk.act(
        desk.shop.action("block_actions", user, actions=row, response_url=desk.shop.answer_url(), **about)
    )
    ticket.refresh_from_db()


def test_buttons_do_what_the_person_may_do(desk):
    ticket, _ = desk.asked()
    press(desk, JONAS, "take", ticket)
    assert (ticket.assignee, "Only" in json.dumps(list(desk.shop.answers.values())[-1])) == (None, True)
    for name in ("resolve", "reply", "portal"):
        press(desk, JONAS, name, ticket)
    assert desk.shop.views == {}
    press(desk, PRIYA, "take", ticket)
    assert ticket.assignee == desk.priya
    press(desk, PRIYA, "reply", ticket)
    send_in(desk, last_view(desk), user=PRIYA, body="Try again", wait=["yes"])
    ticket.refresh_from_db()
    assert (ticket.state, ticket.messages.latest().body) == (State.WAITING_REQUESTER, "Try again")
    press(desk, PRIYA, "solved", ticket)
    view = last_view(desk)
    assert set(send_in(desk, view, user=PRIYA, minutes="soon").json()["errors"]) == {"cause", "minutes"}
    send_in(desk, view, user=PRIYA, cause="other", minutes="5")
    ticket.refresh_from_db()
    assert (ticket.state, ticket.minutes) == (State.RESOLVED, 5)
    send_in(desk, {**view, "id": "V9"}, user=PRIYA, cause="other", minutes="5")
    assert "cannot become" in json.dumps(desk.shop.messages["D0PRIYA"], ensure_ascii=False)
    desk.act(desk.shop.action("block_actions", MIRA, actions=[{"action_id": "ask"}], container={}))
    assert desk.trouble() == []


def test_the_asker_solves_with_a_button_and_others_do_not(desk):
    ticket, _ = desk.asked()
    press(desk, JONAS, "solved", ticket, ASK)
    assert ticket.is_open
    press(desk, MIRA, "solved", ticket, ASK)
    assert ticket.state == State.RESOLVED


def test_strangers_press_in_vain(desk):
    ticket, _ = desk.asked()
    press(desk, ZOE, "take", ticket)
    assert "I do not know you" in json.dumps(list(desk.shop.answers.values())[-1])


def test_the_home_tab_follows_what_happens(desk):
    mine, untaken = opened(by=desk.mira, title="Mine alone"), opened(by=desk.jonas, title="Of Jonas")
    for user in (MIRA, PRIYA, ZOE):
        desk.event(desk.shop.event({"type": "app_home_opened", "user": user, "tab": "home"}))
    told = {user: json.dumps(view) for user, view in desk.shop.homes.items()}
    assert ("Mine alone" in told[MIRA], "Of Jonas" in told[MIRA], "Of Jonas" in told[PRIYA]) == (
        True,
        False,
        True,
    )
    assert "I do not know you" in told[ZOE]
    actions.reply(ticket=mine, by=desk.priya, body="Which one?", then_wait=True)
    desk.work()
    assert "waits for the asker" in json.dumps(desk.shop.homes[MIRA])
    actions.change_state(ticket=mine, to="resolved", by=desk.mira)
    desk.work()
    assert "Mine alone" not in json.dumps(desk.shop.homes[MIRA])
    assert untaken.is_open
    assert desk.trouble() == []


def test_what_is_gone_meanwhile_is_left(desk):
    ticket, ts = desk.asked()
    desk.shop.messages[ASK].pop(ts)
    desk.event(desk.shop.says(MIRA, ASK, "x", thread=ts))
    actions.change_state(ticket=ticket, to="in_progress", by=desk.priya)
    post = SlackPost.objects.filter(ours=True, thread__side="team").first()
    with Slack() as slack:
        assert mending.mend(slack, "home", 0) == "gone"
        assert mending.mend(slack, "revise", post.pk) == "gone"
        assert mending.mend(slack, "sweep", ticket.slack_threads.get(side="asker").pk) == "1 made up for."
        desk.shop.misbehave("conversations.replies", "archived", "revoked")
        assert mending.mend(slack, "sweep", ticket.slack_threads.get(side="asker").pk) == "lost: is_archived"
    desk.work()
    assert desk.trouble() == []


def test_somebody_who_never_wrote_in_slack_is_found_by_address(desk):
    SlackPerson.objects.all().delete()
    with Slack() as slack:
        assert people.slack_id_of(slack, desk.mira) == MIRA
        assert people.slack_id_of(slack, UserFactory(email="")) == ""
        assert people.slack_id_of(slack, UserFactory()) == ""
        desk.shop.users[JONAS]["is_restricted"] = True
        assert people.slack_id_of(slack, desk.jonas) == ""
    assert Message.objects.count() == Effect.objects.count() == 0


@pytest.mark.parametrize(
    ("what", "method", "faults"),
    [
        ("mark", "reactions.get", {"archived": DOES, "hidden": DOES, "revoked": ""}),
        ("mark", "reactions.add", {"already": DOES, "silent": ""}),
        ("revise", "chat.update", {"hidden": "gone", "silent": ""}),
        ("sweep", "conversations.replies", {"archived": "lost: is_archived", "revoked": ""}),
    ],
)
def test_what_is_gone_is_let_be_and_all_else_told(desk, what, method, faults):
    ticket, _ = desk.asked()
    ticket.slack_threads.filter(side="asker").delete()
    actions.change_state(ticket=ticket, to="in_progress", by=desk.priya)
    Correction.objects.create(message=ticket.messages.get(), body="Better words")
    post = SlackPost.objects.get(thread__ticket=ticket)
    pk = {"mark": ticket.pk, "revise": post.pk, "sweep": post.thread_id}[what]
    with Slack() as slack:
        for fault, said in faults.items():
            desk.shop.misbehave(method, fault)
            if said:
                assert mending.mend(slack, what, pk) == said
            else:
                with pytest.raises(IntegrationError):
                    mending.mend(slack, what, pk)


def test_a_form_of_trouble_is_told_and_one_that_is_open_is_not_opened_again(desk):
    said = desk.shop.command(MIRA, ASK, "x")
    desk.shop.triggers.clear()
    desk.send("commands", urlencode(said).encode(), FORM)
    desk.shop.misbehave("views.open", "", "silent")
    desk.work()
    assert desk.shop.answers[said["response_url"]] == []
    desk.command("y")
    view = {"id": "V1", "callback_id": "ask", "state": {"values": {}}}
    row = [{"action_id": "category", "selected_option": {"value": "other"}}]
    desk.shop.misbehave("views.update", "silent")
    desk.act(desk.shop.action("block_actions", MIRA, view=view, actions=row, container={}))
    assert [each.split(" ")[1] for each in desk.trouble()] == ["needs_attention:"] * 2
    assert "It could not be taken in" in desk.client_said()


@pytest.mark.parametrize(
    ("door", "fault"), [("answer", "429"), ("chat.postEphemeral", "500"), ("answer", "500")]
)
def test_whispers_wait_when_slack_asks_for_it_and_are_not_repeated(desk, door, fault):
    desk.shop.misbehave("answer", "404")
    desk.shop.misbehave(door, fault)
    answers = desk.command("help")
    assert len(answers) == (1 if fault == "429" else 0)
    assert desk.trouble() == []

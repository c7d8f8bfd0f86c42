"""The pages, as people use them: nothing typed is lost, nothing is shown to those it is not for."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from services.helpdesk import actions
from services.helpdesk.models import Message, Ticket
from services.helpdesk.states import State
from tests.factories.people import member, platform_engineer
from tests.factories.tickets import answers, kinds, ticket, ticket_in

pytestmark = pytest.mark.django_db


def client_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def mira():
    return member("mira", "checkout")


@pytest.fixture
def priya():
    return platform_engineer()


def step(client, made, name, **fields):
    return client.post(reverse(f"helpdesk:{name}", args=[made.key]), fields, follow=True)


QUESTION = {
    "title": "Checkout restarts",
    "body": "Every **ten** minutes",
    "category": "broken",
    "impact": "customers",
    "urgency": "now",
    "submission": "once",
}


def test_ticket_new_opens_one_ticket_for_two_clicks(mira) -> None:
    client = client_of(mira)
    for _ in range(2):
        answer = client.post(reverse("helpdesk:ticket_new"), QUESTION, follow=True)
    made = Ticket.objects.get()
    assert answer.redirect_chain[-1][0] == made.get_absolute_url()
    assert (made.asker, made.priority, made.team.slug) == (mira, 0, "checkout")
    assert "<strong>ten</strong>" in answer.content.decode()


def test_ticket_new_gives_back_everything_on_bad_input(mira) -> None:
    answer = client_of(mira).post(
        reverse("helpdesk:ticket_new"),
        {**QUESTION, "title": "", "entity": "nosuch", "private": "1", "environment": "staging"},
    )
    page = answer.content.decode()
    assert (answer.status_code, Ticket.objects.count()) == (422, 0)
    assert "Every **ten** minutes</textarea>" in page
    for kept in (
        'value="nosuch"',
        'value="customers" checked',
        'value="broken" required checked',
        'value="1" checked',
    ):
        assert kept in page
    assert "“nosuch” is not in the catalog" in page
    assert "Say in one line what it is about." in page


def test_ticket_new_shows_similar_open_tickets_as_one_types(mira) -> None:
    other = ticket(by=member("noah", "checkout"), title="Payments restart every few minutes")
    ticket(by=member("noah", "checkout"), title="Payments restart in private", private=True)
    page = client_of(mira).get(reverse("helpdesk:ticket_similar"), {"title": "payment is restarting"})
    text = page.content.decode()
    assert other.title in text
    assert "in private" not in text
    assert (
        "Is it one"
        not in client_of(mira).get(reverse("helpdesk:ticket_similar"), {"title": "x"}).content.decode()
    )


def test_ticket_new_takes_where_one_comes_from(mira) -> None:
    page = client_of(mira).get(
        reverse("helpdesk:ticket_new"), {"entity": "component:default/checkout", "title": "Help"}
    )
    assert 'value="checkout"' in page.content.decode()
    live = client_of(mira).get(reverse("helpdesk:ticket_live"), {"entity": "component:default/nosuch"})
    assert "How" not in live.content.decode()


def test_markdown_preview_draws_text_and_no_script(mira) -> None:
    url = reverse("helpdesk:markdown_preview")
    text = client_of(mira).post(url, {"body": "*hi* <script>alert(1)</script>"}).content.decode()
    assert "<em>hi</em>" in text
    assert "<script>" not in text
    assert "Nothing to show" in client_of(mira).post(url, {}).content.decode()


def test_ticket_detail_hides_notes_and_tools_from_the_asker(mira, priya) -> None:
    made = ticket()
    actions.reply(ticket=made, by=priya, body="SECRET-NOTE", internal=True)
    theirs = client_of(mira).get(made.get_absolute_url()).content.decode()
    ours = client_of(priya).get(made.get_absolute_url()).content.decode()
    for only_ours in ("SECRET-NOTE", "Internal note", 'id="resolve"', "Assign to me"):
        assert only_ours in ours
        assert only_ours not in theirs
    assert "It works now" in theirs


def test_a_private_ticket_does_not_exist_for_others(mira) -> None:
    made = ticket(private=True)
    noah = client_of(member("noah", "checkout"))
    for name in ("detail", "thread", "snapshot"):
        assert noah.get(reverse(f"helpdesk:ticket_{name}", args=[made.key])).status_code == 404
    for name in ("reply", "state", "assign", "sort", "watch"):
        answer = noah.post(reverse(f"helpdesk:ticket_{name}", args=[made.key]), {"body": "x"})
        assert answer.status_code == 404
    assert noah.get(reverse("helpdesk:ticket_preview", args=[made.key])).status_code == 403
    assert client_of(mira).get(made.get_absolute_url()).status_code == 200


def test_ticket_reply_sends_once_and_waits(mira, priya) -> None:
    made = ticket()
    client = client_of(priya)
    for _ in range(2):
        step(client, made, "ticket_reply", body="Which version?", vis="public", wait="1", seen=1, nonce="n1")
    made.refresh_from_db()
    assert (made.state, made.messages.count()) == (State.WAITING_REQUESTER, 2)
    step(client, made, "ticket_reply", body="psst", vis="note", nonce="n2")
    assert made.messages.filter(internal=True).count() == 1


def test_ticket_reply_against_an_older_page_is_held_with_every_word(mira, priya) -> None:
    made = ticket()
    actions.reply(ticket=made, by=priya, body="I am on it")
    url = reverse("helpdesk:ticket_reply", args=[made.key])
    answer = client_of(mira).post(
        url, {"body": "Forget it, it works", "vis": "public", "seen": "1", "nonce": "n"}
    )
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Not sent yet" in page
    assert "I am on it" in page
    assert "Forget it, it works</textarea>" in page
    assert not Message.objects.filter(author=mira, body__contains="Forget").exists()
    fresh = re.search(r'name="seen" value="(\d+)"', page).group(1)
    sent = client_of(mira).post(
        url, {"body": "Forget it, it works", "vis": "public", "seen": fresh, "nonce": "n"}
    )
    assert sent.status_code == 302
    assert Message.objects.filter(author=mira, body__contains="Forget").exists()


def test_ticket_reply_refused_keeps_the_words(mira, priya) -> None:
    made = ticket_in(State.DUPLICATE)
    answer = client_of(mira).post(
        reverse("helpdesk:ticket_reply", args=[made.key]), {"body": "Hello there", "vis": "public"}
    )
    assert (answer.status_code, made.duplicate_of.key in answer.content.decode()) == (409, True)
    empty = client_of(priya).post(
        reverse("helpdesk:ticket_reply", args=[made.key]), {"body": " ", "vis": "note"}
    )
    assert empty.status_code == 422
    assert "An empty message" in empty.content.decode()


def test_ticket_reply_to_a_closed_ticket_leads_to_the_follow_up(mira) -> None:
    made = ticket_in(State.CLOSED)
    answer = step(client_of(mira), made, "ticket_reply", body="Again", nonce="x")
    assert "so this opened T-" in answer.content.decode()
    assert Ticket.objects.get(follows=made).messages.get().body == "Again"


def test_ticket_state_by_buttons(mira, priya) -> None:
    made, client = ticket(), client_of(priya)
    step(client, made, "ticket_state", to="waiting_requester")
    made.refresh_from_db()
    assert made.state == State.WAITING_REQUESTER
    refused = step(client, made, "ticket_state", to="resolved")
    assert "Resolving asks two things" in refused.content.decode()
    step(client, made, "ticket_state", to="resolved", cause="missing_docs", minutes="15")
    made.refresh_from_db()
    assert (made.state, made.cause, made.minutes) == (State.RESOLVED, "missing_docs", 15)
    assert "Still not solved" in client_of(mira).get(made.get_absolute_url()).content.decode()
    step(client_of(mira), made, "ticket_state", to="closed")
    assert "cannot become" in step(client_of(mira), made, "ticket_state", to="new").content.decode()
    assert "There is no “nonsense” here" in step(client, made, "ticket_state", to="nonsense").content.decode()


def test_ticket_state_marks_and_unmarks_duplicates(priya) -> None:
    made, original = ticket(), ticket(title="The first")
    client = client_of(priya)
    assert (
        "There is no ticket T-9"
        in step(client, made, "ticket_state", to="duplicate", original="T-9").content.decode()
    )
    page = step(client, made, "ticket_state", to="duplicate", original=original.key.lower()).content.decode()
    assert "This repeats" in page
    assert "Not a duplicate" in page
    step(client, made, "ticket_state", to="new")
    made.refresh_from_db()
    assert made.state == State.NEW


def test_ticket_state_from_an_old_page_says_what_happened(mira, priya) -> None:
    made = ticket()
    actions.reply(ticket=made, by=mira, body="Worse now")
    page = step(client_of(priya), made, "ticket_state", to="resolved", cause="other", minutes="1", seen="1")
    assert "meanwhile Mira replied" in page.content.decode()


def test_ticket_assign_sort_and_watch(mira, priya) -> None:
    made, client = ticket(), client_of(priya)
    assert "is yours" in step(client, made, "ticket_assign", to="priya").content.decode()
    assert "with nobody" in step(client, made, "ticket_assign", to="").content.decode()
    step(client, made, "ticket_sort", priority="3")
    step(client, made, "ticket_sort", category="other")
    step(client_of(mira), made, "ticket_sort", private="yes")
    refused = step(client_of(mira), made, "ticket_sort", priority="0").content.decode()
    assert "Only people of the platform" in refused
    step(client_of(mira), made, "ticket_watch", on="yes")
    made.refresh_from_db()
    assert (made.priority, made.category.slug, made.private) == (3, "other", True)
    assert list(made.watchers.all()) == [mira]
    step(client_of(mira), made, "ticket_watch", on="no")
    assert not made.watchers.exists()


def test_ticket_thread_is_silent_until_something_happens(mira, priya) -> None:
    made = ticket()
    url = reverse("helpdesk:ticket_thread", args=[made.key])
    assert client_of(mira).get(url, {"version": made.version}).status_code == 204
    actions.reply(ticket=made, by=priya, body="News")
    answer = client_of(mira).get(url, {"version": made.version})
    assert "News" in answer.content.decode()
    assert "<textarea" not in answer.content.decode()


def test_every_state_has_a_page(mira, priya) -> None:
    for state in State:
        made = ticket_in(state)
        for person in (mira, priya):
            assert client_of(person).get(made.get_absolute_url()).status_code == 200


def test_ticket_list_filters_in_the_address(mira) -> None:
    mine = ticket()
    theirs = ticket(
        by=member("noah", "checkout"), title="Something of Noah", entity_ref="component:default/cart"
    )
    ticket(by=member("noah", "checkout"), title="Hidden of Noah", private=True)
    client = client_of(mira)

    def page(**query) -> str:
        return client.get(reverse("helpdesk:ticket_list"), query).content.decode()

    assert (mine.title in page(), theirs.title in page()) == (True, False)
    everybody = page(who="all")
    assert theirs.title in everybody
    assert "Hidden of Noah" not in everybody
    assert "1 private one that is not shown" in everybody
    assert theirs.title in page(q=theirs.key)
    assert theirs.title in page(entity="component:default/cart")
    assert mine.title not in page(entity="component:default/cart")
    assert "No ticket matches" in page(q="zebra")
    assert "No ticket matches" in page(**{"who": "all", "from": "2001-01-01", "to": "2001-12-31"})
    assert mine.title in page(state="nonsense", who="all", sort="nonsense", page="99")


def test_ticket_list_exports_csv(mira) -> None:
    made = ticket(title='=HYPERLINK("x")')
    text = client_of(mira).get(reverse("helpdesk:ticket_list"), {"format": "csv"}).content.decode()
    assert made.key in text
    assert "'=HYPERLINK" in text


def test_ticket_snapshot_lists_every_frozen_value(mira) -> None:
    made = ticket(snapshot={"environments": [{"environment": "production", "health": "Degraded"}]})
    page = client_of(mira).get(reverse("helpdesk:ticket_snapshot", args=[made.key])).content.decode()
    assert "environments[0].health" in page
    bare = ticket(title="Bare")
    assert (
        "Nothing was frozen"
        in client_of(mira).get(reverse("helpdesk:ticket_snapshot", args=[bare.key])).content.decode()
    )


def test_queue_is_for_the_platform(mira, priya) -> None:
    made = ticket()
    for name in ("queue", "queue_bulk"):
        assert client_of(mira).post(reverse(f"helpdesk:{name}")).status_code == 403
    page = client_of(priya).get(reverse("helpdesk:queue")).content.decode()
    assert made.title in page
    assert f"Preview of {made.key}" in page


@pytest.mark.parametrize("view", ["unassigned", "mine", "waiting", "open", "done", ""])
def test_queue_views_hold_what_they_say(view: str, priya) -> None:
    made = {state: ticket_in(state, title=f"In state {state}") for state in State}
    actions.assign(ticket=made[State.IN_PROGRESS], to=priya, by=priya)
    page = client_of(priya).get(reverse("helpdesk:queue"), {"view": view}).content.decode()
    expected = {
        "unassigned": {"new", "triaged"},
        "mine": {"in_progress"},
        "waiting": {"waiting_requester", "waiting_external", "converted"},
        "open": {"new", "triaged", "in_progress", "waiting_requester", "waiting_external", "converted"},
        "done": {"resolved", "duplicate", "closed"},
        "": set(State.values),
    }[view]
    assert set(re.findall(r'class="ti trunc">In state (\w+)<', page)) == expected


def test_queue_filters_by_what_insights_link_to(priya) -> None:
    made = ticket_in(State.RESOLVED, title="Counted")
    ticket(title="Not counted")
    client = client_of(priya)
    query = {
        "cause": "missing_docs",
        "on": "resolved",
        "team": "checkout",
        "from": "2020-01-01",
        "to": "2090-01-01",
    }
    page = client.get(reverse("helpdesk:queue"), query).content.decode()
    assert made.title in page
    assert "Not counted</span>" not in page
    other = client.get(reverse("helpdesk:queue"), {**query, "cause": "other"}).content.decode()
    assert "No ticket matches" in other
    assert "ticket," in client.get(reverse("helpdesk:queue"), {"format": "csv"}).content.decode()


def test_queue_orders_by_priority_then_age(priya) -> None:
    low = ticket(title="Row low", impact="me", urgency="later")
    first, second = ticket(title="Row first"), ticket(title="Row second")
    rows = re.compile(r'class="ti trunc">(Row \w+)<')
    page = client_of(priya).get(reverse("helpdesk:queue")).content.decode()
    assert rows.findall(page) == [first.title, second.title, low.title]
    page = client_of(priya).get(reverse("helpdesk:queue"), {"sort": "age"}).content.decode()
    assert rows.findall(page) == [low.title, first.title, second.title]


def test_queue_bulk_does_what_it_can_and_names_what_it_cannot(priya) -> None:
    good, closed = ticket(), ticket_in(State.CLOSED)
    client = client_of(priya)
    url = reverse("helpdesk:queue_bulk")
    back = reverse("helpdesk:queue") + "?view=open"
    answer = client.post(
        url,
        {"do": "assign", "to": "priya", "tickets": [good.number, closed.number], "back": back},
        follow=True,
    )
    assert answer.redirect_chain[-1][0] == back
    page = answer.content.decode()
    assert "1 ticket changed" in page
    assert f"{closed.key}: A closed ticket" in page
    good.refresh_from_db()
    assert good.assignee == priya
    client.post(url, {"do": "resolve", "tickets": [good.number], **_plain(answers(State.RESOLVED))})
    client.post(url, {"do": "close", "tickets": [good.number], "back": "https://evil.example/"})
    good.refresh_from_db()
    assert good.state == State.CLOSED
    assert "Nothing is selected" in client.post(url, {"do": "close"}, follow=True).content.decode()


def test_queue_bulk_names_a_few_refusals_and_counts_the_rest(priya) -> None:
    closed = [ticket_in(State.CLOSED, title=f"Closed {i}").number for i in range(5)]
    page = client_of(priya).post(
        reverse("helpdesk:queue_bulk"), {"do": "close", "tickets": closed}, follow=True
    )
    assert "And 2 more." in page.content.decode()


def _plain(fields: dict) -> dict:
    return {k: str(v) for k, v in fields.items()}


def test_ticket_preview_is_a_fragment(priya) -> None:
    made = ticket()
    actions.reply(ticket=made, by=priya, body="A word")
    page = client_of(priya).get(reverse("helpdesk:ticket_preview", args=[made.key])).content.decode()
    assert "A word" in page
    assert "<html" not in page


def test_ticket_now_has_nothing_to_say_of_a_ticket_without_a_snapshot(priya) -> None:
    assert client_of(priya).get(reverse("helpdesk:ticket_now", args=[ticket().key])).status_code == 404


# Literal counts of the help desk's own queries: a list costs the same with one row and with three.
QUERIES = {"helpdesk:queue": 6, "helpdesk:ticket_list": 3}


def own_queries(captured) -> int:
    return sum('"helpdesk_' in query["sql"] for query in captured)


@pytest.mark.parametrize("name", QUERIES)
def test_lists_cost_the_same_for_one_row_and_for_three(
    name: str, priya, django_assert_max_num_queries
) -> None:
    client = client_of(priya)
    client.get(reverse(name))  # what is read once a minute does not count
    for _ in range(2):
        made = ticket(by=priya)
        actions.reply(ticket=made, by=priya, body="Hello")
        with django_assert_max_num_queries(12) as captured:
            assert client.get(reverse(name), {"who": "all", "view": "open"}).status_code == 200
        assert own_queries(captured) == QUERIES[name]
        ticket(by=member("noah", "checkout"), entity_ref="component:default/cart")


def test_ticket_detail_costs_the_same_however_long_it_is(priya, django_assert_max_num_queries) -> None:
    client = client_of(priya)
    made = ticket()
    client.get(made.get_absolute_url())  # what is read once a minute does not count
    for _ in range(2):
        with django_assert_max_num_queries(12) as captured:
            assert client.get(made.get_absolute_url()).status_code == 200
        assert own_queries(captured) == 7
        for i in range(3):
            actions.reply(ticket=made, by=member(f"p{i}", "checkout"), body="More")


def test_home_says_what_waits_for_whom(mira, priya) -> None:
    waits = ticket_in(State.WAITING_REQUESTER)
    urgent = ticket(title="Everything is down", by=member("noah", "checkout"))
    home = client_of(mira).get("/").content.decode()
    assert f"{waits.key} waits for your answer" in home
    assert "My tickets" in home
    assert urgent.title not in home
    assert f"{urgent.key} is urgent and has nobody" in client_of(priya).get("/").content.decode()


def test_the_palette_finds_tickets_and_the_way_to_ask(mira) -> None:
    made = ticket()
    ticket(by=member("noah", "checkout"), title="Hidden checkout matter", private=True)
    options = client_of(mira).get(reverse("palette"), {"q": "checkout"}).content.decode()
    assert made.get_absolute_url() in options
    assert "Hidden" not in options
    assert (
        reverse("helpdesk:ticket_new")
        in client_of(mira).get(reverse("palette"), {"q": "ask"}).content.decode()
    )
    assert made.key in client_of(mira).get(reverse("palette"), {"q": made.key}).content.decode()


def test_kinds_are_all_worded() -> None:
    made = ticket_in(State.CLOSED)
    assert set(kinds(made)) == {"opened", "state"}

"""Tickets tied to each other, to people and to requests."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.shell import shared
from services.helpdesk import actions, expecting, presence
from services.helpdesk.errors import AnswerMissing, ContinuesElsewhere, NotAllowed, TooLate
from services.helpdesk.models import Link, Pending, Ticket
from services.helpdesk.states import State
from services.notices.models import Notice
from services.onboarding.models import Request
from tests.effects_driver import run_due_effects
from tests.factories.people import member, platform_engineer
from tests.factories.requests import make_request
from tests.factories.tickets import kinds, ticket, ticket_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def priya():
    return platform_engineer()


@pytest.fixture
def noah():
    return member("noah", "checkout")


def client_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def step(user, made, name, **fields):
    page = client_of(user).post(reverse(f"helpdesk:{name}", args=[made.key]), fields, follow=True)
    return page.content.decode()


# ---- merge and split -------------------------------------------------------------------------------------


def test_merging_moves_words_watchers_links_and_me_too_and_an_undo_brings_the_words_back(priya, noah) -> None:
    one, into, third = ticket(by=noah, title="Also slow"), ticket(), ticket(title="Third")
    actions.reply(ticket=one, by=noah, body="Since ten o'clock")
    actions.link(ticket=one, other=third, by=priya)
    actions.me_too(ticket=one, by=member("sam", "checkout"))
    assert f"goes on in {into.key}" in step(priya, one, "ticket_merge", original=into.key)
    assert [m.body for m in into.messages.all()][-1] == "Since ten o'clock"
    assert set(into.watchers.values_list("username", flat=True)) == {"noah", "sam"}
    assert (into.links.get().other, into.me_toos.count(), one.messages.count()) == (third, 1, 0)
    assert (kinds(one)[-1], kinds(into)[-1]) == ("merged", "merged")
    with pytest.raises(ContinuesElsewhere):
        actions.reply(ticket=one, by=noah, body="And more")
    for viewer in (priya, noah):
        for each in (one, into):
            assert client_of(viewer).get(each.get_absolute_url()).status_code == 200
    actions.change_state(ticket=one, to=State.NEW, by=priya)
    assert (one.messages.count(), into.messages.count()) == (2, 1)


def test_a_merge_that_would_show_something_private_is_refused(priya, noah) -> None:
    hidden, shown = ticket(private=True), ticket()
    others = ticket(private=True, by=noah)
    for one, into in ((hidden, shown), (shown, hidden), (hidden, others)):
        with pytest.raises(NotAllowed):
            actions.merge(ticket=one, into=into, by=priya)
    for into in (ticket_in(State.CLOSED), ticket_in(State.DUPLICATE)):
        with pytest.raises(NotAllowed):
            actions.merge(ticket=shown, into=into, by=priya)
    with pytest.raises(NotAllowed):
        actions.merge(ticket=shown, into=ticket(), by=noah)
    with pytest.raises(AnswerMissing):
        actions.merge(ticket=shown, into=shown, by=priya)
    assert shown.messages.count() == 1
    mine = ticket(private=True)
    actions.merge(ticket=mine, into=hidden, by=priya)
    assert hidden.messages.count() == 2


def test_a_message_becomes_a_ticket_of_its_own_once(priya, noah) -> None:
    made = ticket()
    other = actions.reply(ticket=made, by=noah, body="By the way, I need a bucket")
    note = actions.reply(ticket=made, by=priya, body="psst", internal=True)
    for _ in range(2):
        step(priya, made, "ticket_split", message=other.pk, title="A bucket for Noah")
    new = Ticket.objects.get(title="A bucket for Noah")
    assert (new.asker, new.messages.get().body, new.links.get().kind) == (noah, other.body, Link.Kind.SPLIT)
    for message, by in ((note, priya), (other, noah)):
        with pytest.raises(NotAllowed):
            actions.split(message=message, title="x", by=by)


def test_links_are_seen_by_those_who_see_both_ends(priya, noah) -> None:
    shown, hidden = ticket(), ticket(private=True, title="Hush")
    row = actions.link(ticket=shown, other=hidden, by=priya)
    assert actions.link(ticket=hidden, other=shown, by=priya) == row
    page = client_of(noah).get(shown.get_absolute_url()).content.decode()
    assert ("Hush" in page, hidden.key in page, "linked a private ticket" in page) == (False, False, True)
    assert "Hush" in client_of(priya).get(shown.get_absolute_url()).content.decode()
    with pytest.raises(NotAllowed):
        actions.link(ticket=shown, other=ticket(), by=noah)
    with pytest.raises(NotAllowed):
        actions.link(ticket=shown, other=shown, by=priya)
    assert "no longer linked" in step(priya, shown, "ticket_link", original=hidden.key, off="1")
    assert not Link.objects.exists()
    assert "There is no ticket" in step(noah, shown, "ticket_link", original=hidden.key)


# ---- one problem, many tickets ---------------------------------------------------------------------------


def test_one_answer_reaches_everybody_behind_a_problem_once(priya, noah) -> None:
    problem, first, second = ticket(by=priya, title="Registry slow"), ticket(), ticket(by=noah, private=True)
    for made in (first, second):
        assert f"{problem.key} is behind" in step(priya, made, "ticket_problem", original=problem.key)
    page = client_of(member("sam", "checkout")).get(problem.get_absolute_url()).content.decode()
    assert (first.key in page, second.key in page) == (True, False)
    given = {"body": "Fixed the registry", "nonce": "n1", "resolve": "1"}
    assert "Resolving asks for" in step(priya, problem, "problem_answer", **given)
    for _ in range(2):
        page = step(priya, problem, "problem_answer", **given, cause="platform_fault", minutes="30")
    for made in (first, second, problem):
        made.refresh_from_db()
        assert (made.state, made.minutes) == (State.RESOLVED, 10)
        assert made.messages.filter(body="Fixed the registry").count() == 1
    with pytest.raises(NotAllowed):
        actions.make_problem(ticket=ticket(private=True), by=priya)
    fresh = actions.make_problem(ticket=ticket(), by=priya)
    with pytest.raises(NotAllowed):
        actions.join_problem(ticket=fresh.ticket, problem=fresh, by=priya)
    with pytest.raises(AnswerMissing):
        actions.answer_all(problem=fresh, body=" ", by=priya, nonce="x")


# ---- people ----------------------------------------------------------------------------------------------


def test_who_is_named_follows_and_hears_of_it_unless_they_may_not_read_it(priya, noah) -> None:
    jonas = member("jonas", "discovery")
    hidden, shown = ticket(private=True), ticket()
    for made, body, internal in (
        (shown, "@noah, can you look? Not mail@jonas.example nor `@jonas`", False),
        (shown, "@jonas reads no notes", True),
        (hidden, "@jonas reads nothing private", False),
    ):
        actions.reply(ticket=made, by=priya, body=body, internal=internal)
    assert list(shown.watchers.all()) == [noah]
    told = Notice.objects.filter(key__startswith="ticket-message")
    assert not told.filter(person=jonas).exists()
    assert told.get(person=noah).text.startswith("Priya mentions you")
    assert told.filter(person=shown.asker).count() == 2  # the answers, not the note


def test_me_too_follows_and_counts_each_person_once(priya, noah) -> None:
    made = ticket()
    for _ in range(2):
        step(noah, made, "ticket_me_too", on="yes")
    assert (made.me_toos.count(), list(made.watchers.all()), kinds(made).count("me_too")) == (1, [noah], 1)
    assert "1 person" in client_of(priya).get(made.get_absolute_url()).content.decode()
    step(noah, made, "ticket_me_too", on="no")
    assert made.me_toos.count() == 0
    for by, one in ((made.asker, made), (noah, ticket(private=True))):
        with pytest.raises(NotAllowed):
            actions.me_too(ticket=one, by=by)


def test_a_nudge_a_day_reaches_who_has_it(priya, noah) -> None:
    made = ticket()
    actions.assign(ticket=made, to=priya, by=priya)
    assert "They know that you wait" in step(made.asker, made, "ticket_nudge")
    assert "Once a day" in step(made.asker, made, "ticket_nudge")
    assert Notice.objects.filter(person=priya, key__startswith="ticket-nudge").count() == 1
    actions.nudge(ticket=made, by=made.asker, at=timezone.now() + timedelta(days=1))
    with pytest.raises(NotAllowed):
        actions.nudge(ticket=made, by=noah)
    with pytest.raises(TooLate):
        actions.nudge(ticket=ticket_in(State.WAITING_REQUESTER), by=made.asker)


def test_colleagues_are_called_in_by_those_who_may(priya, noah) -> None:
    hidden, sam = ticket(private=True), member("sam", "checkout")
    for _ in range(2):
        step(hidden.asker, hidden, "ticket_call_in", person="noah")
    assert (list(hidden.watchers.all()), Notice.objects.filter(person=noah).count()) == ([noah], 1)
    assert client_of(noah).get(hidden.get_absolute_url()).status_code == 200
    for by in (noah, sam):
        with pytest.raises(NotAllowed):
            actions.call_in(ticket=hidden, person=sam, by=by)
    assert "There is nobody of that name" in step(priya, hidden, "ticket_call_in", person="nosuch")


def test_presence_shows_others_and_those_who_write_first(priya, noah) -> None:
    made = ticket()
    shared.ask(lambda client: client.delete(f"slipway:present:{made.pk}"))
    assert "is writing" not in step(priya, made, "ticket_presence", writes="1")
    page = step(noah, made, "ticket_presence")
    assert ("Priya is writing" in page, "Noah" in page) == (True, False)
    assert "Noah is looking" in step(priya, made, "ticket_presence")
    assert [one.writes for one in presence.seen(made.pk, made.asker, writes=False)] == [False, False]


def test_presence_is_known_to_all_processes_and_to_none_without_redis(priya, noah, settings) -> None:
    made = ticket()
    shared.ask(lambda client: client.delete(f"slipway:present:{made.pk}"))
    code = (
        "import django; django.setup(); from types import SimpleNamespace as S;"
        f"from services.helpdesk import presence; presence.seen({made.pk},"
        f" S(pk={noah.pk}, get_short_name=lambda: 'Noah'), writes=True)"
    )
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        env={**os.environ, "REDIS_URL": settings.REDIS_URL, "DJANGO_SETTINGS_MODULE": "portal.settings"},
    )
    assert presence.seen(made.pk, priya, writes=False) == [presence.Present("Noah", True)]
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert presence.seen(made.pk, priya, writes=False) == []
    shared._resting.clear()


# ---- undo send -------------------------------------------------------------------------------------------


def test_a_reply_is_called_back_sent_once_or_held_when_it_crosses(priya) -> None:
    made = ticket()
    given = {"vis": "public", "soon": "1", "wait": "1", "seen": made.version}
    page = step(priya, made, "ticket_reply", body="Wrong window", nonce="a", **given)
    assert ("Sending" in page, made.messages.count()) == (True, 1)
    back = reverse("helpdesk:reply_call_back", args=[made.key, Pending.objects.get().pk])
    assert client_of(made.asker).post(back).status_code == 404
    assert "Wrong window</textarea>" in client_of(priya).post(back).content.decode()
    for _ in range(2):
        step(priya, made, "ticket_reply", body="Since when?", nonce="b", **given)
    for row in Pending.objects.all():
        for _ in range(2):
            actions.send_now(pk=row.pk)
    assert [m.body for m in made.messages.all()][1:] == ["Since when?"]
    with pytest.raises(TooLate):
        actions.call_back(row=Pending.objects.get(nonce="b"), by=priya)
    step(priya, made, "ticket_reply", body="Crossing", nonce="c", **given)
    actions.reply(ticket=made, by=made.asker, body="It is gone!")
    actions.send_now(pk=Pending.objects.get(nonce="c").pk)
    page = client_of(priya).get(made.get_absolute_url()).content.decode()
    assert ("Held: not sent" in page, made.messages.filter(body="Crossing").exists()) == (True, False)
    with pytest.raises(NotAllowed):
        actions.call_back(row=Pending.objects.get(nonce="c"), by=made.asker)


def test_what_crossed_already_is_refused_at_once_and_nothing_waits(priya) -> None:
    made = ticket()
    actions.reply(ticket=made, by=made.asker, body="It is gone!")
    given = {"vis": "public", "soon": "1", "seen": made.version, "nonce": "d", "body": "Since when?"}
    page = client_of(priya).post(reverse("helpdesk:ticket_reply", args=[made.key]), given)
    assert (page.status_code, Pending.objects.count()) == (409, 0)
    for said in ("Not sent yet", "Since when?</textarea>"):
        assert said in page.content.decode()


def test_send_now_sends_once_and_tells_what_became_of_it(priya) -> None:
    made = ticket()
    given = {"vis": "public", "soon": "1", "seen": made.version}

    def sends(nonce: str, **headers: str) -> HttpResponse:
        step(priya, made, "ticket_reply", body=f"Reply {nonce}", nonce=nonce, **given)
        address = reverse("helpdesk:reply_send_now", args=[made.key, Pending.objects.get(nonce=nonce).pk])
        assert client_of(made.asker).post(address).status_code == 404
        first = client_of(priya).post(address, headers=headers)
        again = client_of(priya).post(address)
        assert (again.status_code, again["Location"]) == (302, f"{made.get_absolute_url()}#pending")
        return first

    said = sends("e")["Location"]
    assert said == f"{made.get_absolute_url()}#m-{made.messages.get(body='Reply e').pk}"
    beside = sends("f", HX_Request="true")
    assert (beside.content.decode().strip(), beside["HX-Trigger"]) == ("", "said")
    step(priya, made, "ticket_reply", body="Crossing", nonce="g", **given)
    actions.reply(ticket=made, by=made.asker, body="It is gone!")
    assert made.messages.filter(body__startswith="Reply").count() == 2
    crossed = reverse("helpdesk:reply_send_now", args=[made.key, Pending.objects.get(nonce="g").pk])
    assert "Held: not sent" in client_of(priya).post(crossed, follow=True).content.decode()


def test_send_now_leads_to_the_follow_up_that_words_on_a_closed_ticket_open() -> None:
    for nonce, header in (("h", {}), ("i", {"HX-Request": "true"})):
        made = ticket()
        Ticket.objects.filter(pk=made.pk).update(
            state=State.CLOSED, resolved_at=timezone.now(), closed_at=timezone.now()
        )
        given = {"vis": "public", "soon": "1", "body": f"Still there {nonce}", "nonce": nonce}
        step(made.asker, made, "ticket_reply", **given)
        row = Pending.objects.get(nonce=nonce)
        address = reverse("helpdesk:reply_send_now", args=[made.key, row.pk])
        answer = client_of(made.asker).post(address, headers=header)
        where = answer.headers.get("HX-Redirect") or answer["Location"]
        assert where.startswith(Ticket.objects.get(follows=made).get_absolute_url())


# ---- requests --------------------------------------------------------------------------------------------


def test_a_ticket_becomes_a_request_and_is_resolved_when_that_is_live(priya, noah) -> None:
    made = ticket(title="A web service for gift cards", environment="staging")
    address = reverse("helpdesk:ticket_convert", args=[made.key])
    page = client_of(priya).get(address).content.decode()
    assert (
        page.index('value="web-service"') < page.index('value="cronjob"')
        if 'value="cronjob"' in page
        else True
    )
    assert (
        "Choose a form"
        in client_of(priya).post(address, {"blueprint": "nosuch"}, follow=True).content.decode()
    )
    step(priya, made, "ticket_convert", blueprint="web-service")
    made.refresh_from_db()
    row = Request.objects.get()
    assert (made.state, made.converted_to, row.created_by) == (State.CONVERTED, row.ref, made.asker)
    assert row.answers["owner"] == "checkout"
    assert Notice.objects.filter(person=made.asker, key__startswith="ticket-form").exists()
    assert actions.follow_requests() == 0
    row = make_request(made.asker, state=Request.State.LIVE, name="gift-cards")
    Ticket.objects.filter(pk=made.pk).update(converted_to=row.ref)
    assert (actions.follow_requests(), actions.follow_requests()) == (1, 0)
    made.refresh_from_db()
    assert (made.state, made.events.last().data["reason"]) == (State.RESOLVED, f"{row.ref} is live.")
    with pytest.raises(NotAllowed):
        actions.convert(ticket=ticket(), blueprint=None, by=noah)


def test_a_request_that_will_never_be_brings_the_ticket_back(priya) -> None:
    made = ticket(title="A web service")
    step(made.asker, made, "ticket_convert", blueprint="web-service")
    Request.objects.update(state=Request.State.WITHDRAWN)
    actions.follow_requests()
    made.refresh_from_db()
    assert (made.state, made.converted_to) == (State.IN_PROGRESS, "")


# ---- expectations ----------------------------------------------------------------------------------------


def test_expectations_come_from_history_or_are_not_given(priya) -> None:
    cache.clear()
    now, category = timezone.now(), ticket().category_id
    assert expecting.history(category, 0) is None
    for minutes in range(1, 11):
        made = ticket(at=now - timedelta(days=2))
        actions.reply(
            ticket=made, by=priya, body="Hi", at=now - timedelta(days=2) + timedelta(minutes=minutes)
        )
    cache.clear()
    found = expecting.history(category, 0)
    assert (found.count, found.half, found.solved) == (10, timedelta(minutes=5.5), None)
    mine = ticket(by=member("sam", "checkout"))
    page = client_of(mine.asker).get(mine.get_absolute_url()).content.decode()
    assert ("What to expect" in page, "From 10 tickets like it" in page, "1 ticket<" in page) == (
        True,
        True,
        True,
    )
    assert "What to expect" not in client_of(priya).get(mine.get_absolute_url()).content.decode()


def test_effects_send_what_waits(priya) -> None:
    made = ticket()
    actions.send_soon(ticket=made, by=priya, body="Hi", wait=False, seen=None, nonce="z", at=timezone.now())
    run_due_effects()
    assert Pending.objects.get().state in (Pending.State.WAITING, Pending.State.SENT)

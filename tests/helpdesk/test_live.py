"""The live state of a service: shown before a question is asked, frozen with it, compared with later."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from services.catalog.models import Entity
from services.helpdesk import actions, live
from services.helpdesk.models import Ticket
from services.onboarding.models import State
from tests.factories.people import member, platform_engineer
from tests.factories.requests import make_request
from tests.factories.tickets import ticket
from tests.factories.watched import watched

pytestmark = pytest.mark.django_db
REF = "component:default/checkout"


@pytest.fixture
def mira():
    return member("mira", "checkout")


@pytest.fixture
def checkout() -> Entity:
    return Entity.objects.create(
        ref=REF, kind="Component", name="checkout", type="service", owner_ref="group:default/checkout"
    )


def client_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def ask(client: Client, **fields: str):
    question = {
        "title": "It restarts", "body": "Again", "category": "broken", "impact": "team", "urgency": "now",
        "entity": "checkout", "environment": "production",
    }  # fmt: skip
    return client.post(reverse("helpdesk:ticket_new"), {**question, **fields}, follow=True)


def test_asking_freezes_the_state_without_secrets(mira, checkout) -> None:
    watched(ready=1, killed=4)
    page = ask(client_of(mira)).content.decode()
    made = Ticket.objects.get()
    (row,) = made.snapshot["environments"]
    assert (row["environment"], row["health"], row["ready"], row["desired"]) == (
        "production",
        "Degraded",
        1,
        2,
    )
    assert (row["restarts"], row["limit"], row["last_exit"]) == (8, "128Mi", "OOMKilled")
    assert made.snapshot["findings"][0]["id"] == "oom-killed"
    assert made.snapshot["values"]["production"]["objects"]
    assert "hunter2-frozen" not in json.dumps(made.snapshot)
    assert "Then and now" in page
    assert "ran out of memory" in page


def test_the_ask_page_shows_what_is_wrong_first_and_the_form_that_fixes_it(mira, checkout) -> None:
    watched(ready=1, killed=4)
    client = client_of(mira)
    address = {"entity": REF, "environment": "production"}
    page = client.get(reverse("helpdesk:ticket_new"), address).content.decode()
    assert page.index("How checkout is now") < page.index("In one line")
    assert "ran out of memory" in page
    assert "Open checkout" in page
    request = make_request(mira, state=State.NEEDS_ATTENTION, name="checkout")
    live_part = client.get(reverse("helpdesk:ticket_live"), address).content.decode()
    assert request.get_absolute_url() in live_part
    assert "Raise the memory limit" in live_part


def test_a_service_that_is_well_or_unknown_says_so(mira, checkout) -> None:
    client = client_of(mira)
    nowhere = client.get(reverse("helpdesk:ticket_live"), {"entity": "checkout"}).content.decode()
    assert "does not run in a cluster we watch" in nowhere
    assert live.freeze(REF) is None
    watched()
    well = client.get(reverse("helpdesk:ticket_live"), {"entity": "checkout"}).content.decode()
    assert "Nothing looks wrong from the outside" in well


def test_then_and_now_colours_what_changed(mira) -> None:
    watched(ready=1, killed=4)
    made = ticket(snapshot=live.freeze(REF, "production"))
    same = {row.label: row for row in live.then_and_now(made, live.states(REF)).rows}
    assert {row.tone for row in same.values()} == {""}
    watched(ready=2, killed=5)
    changed = {row.label: row for row in live.then_and_now(made, live.states(REF)).rows}
    assert (changed["Pods ready"].then, changed["Pods ready"].now) == ("1 of 2", "2 of 2")
    assert {label: row.tone for label, row in changed.items() if row.tone} == {
        "Findings": "ok",
        "Health": "ok",
        "Pods ready": "ok",
        "Restarts": "bad",
        "Waits for": "ok",
    }
    gone = live.then_and_now(made, [])
    assert {row.now for row in gone.rows} == {"unknown"}
    assert {row.tone for row in gone.rows} == {""}


def test_where_a_ticket_is_about(mira) -> None:
    watched(ready=1)
    states = live.states(REF)
    assert live.where(ticket(environment="production"), states).environment.name == "production"
    assert live.where(ticket(environment="staging"), states) is None
    assert live.where(ticket(environment=""), states).shown_health == "Degraded"
    assert live.where(ticket(environment=""), []) is None


def test_nothing_frozen_compares_with_nothing() -> None:
    assert live.then_and_now(ticket(), []) is None
    old = ticket(snapshot={"environments": [{"environment": "gone", "health": "Nonsense"}]})
    assert live.then_and_now(old, []).environment == "gone"
    assert live.states("") == []


def test_the_queue_marks_the_health_of_each_service() -> None:
    watched(ready=1)
    ticket()
    page = client_of(platform_engineer()).get(reverse("helpdesk:queue")).content.decode()
    assert "Degraded" in page
    assert live.health_by_ref({"", REF}) == {REF: "Degraded"}
    assert live.health_by_ref({""}) == {}


def test_the_service_page_offers_help_and_lists_tickets(mira, checkout) -> None:
    url = checkout.get_absolute_url()
    client = client_of(mira)
    assert "Something wrong?" in client.get(url).content.decode()
    assert "Nobody has asked about it" in client.get(url, {"tab": "tickets"}).content.decode()
    made = ticket(by=mira)
    hidden = ticket(by=member("noah", "checkout"), title="A private matter", private=True)
    for query in ({}, {"tab": "tickets"}):
        page = client.get(url, query).content.decode()
        assert made.title in page
        assert hidden.title not in page
    assert "Open tickets" in client.get(url).content.decode()


def test_environments_are_offered_by_their_titles(mira) -> None:
    watched()
    page = client_of(mira).get(reverse("helpdesk:ticket_new"), {"environment": "staging"}).content.decode()
    assert '<option value="staging" selected>Staging</option>' in page
    assert '<option value="production">Production</option>' in page


def test_severities_are_ranked_and_unknown_ones_come_last() -> None:
    ranked = sorted(({"severity": s} for s in ("odd", "info", "error", "warn")), key=live._severity)
    assert [f["severity"] for f in ranked] == ["error", "warn", "info", "odd"]


def test_a_reply_keeps_the_snapshot_as_it_was(mira) -> None:
    watched(ready=1)
    made = ticket(snapshot=live.freeze(REF))
    frozen = made.snapshot
    actions.reply(ticket=made, by=mira, body="News")
    made.refresh_from_db()
    assert made.snapshot == frozen

"""The page of numbers: cheap, filtered by its address, and every number opens the rows it counts."""

import html
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from services.accounts.models import Team
from services.helpdesk import actions
from services.helpdesk.states import State as TicketState
from services.onboarding.models import State
from tests.factories.people import member, platform_engineer
from tests.factories.requests import make_request
from tests.factories.tickets import ticket, ticket_in
from tests.insights.test_queries import service

pytestmark = pytest.mark.django_db


def client_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(client: Client, **query: str) -> str:
    answer = client.get(reverse("insights:overview"), query)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def priya():
    return platform_engineer()


def test_overview_of_an_empty_portal_says_what_is_missing(priya) -> None:
    text = page(client_of(priya))
    assert text.count("Nothing to count") == 6
    assert "Import what you have" in text
    assert "nothing in this period" in text


def test_overview_costs_the_same_with_one_row_and_with_three(priya, django_assert_max_num_queries) -> None:
    mira, client = member("mira", "checkout"), client_of(priya)
    tables = ('"helpdesk_', '"onboarding_', '"catalog_', '"accounts_team"')
    for round in range(2):
        for i in range(1 + 2 * round):
            ticket_in(TicketState.RESOLVED)
            make_request(mira, state=State.LIVE, name=f"s{round}{i}")
            service(f"s{round}{i}", Team.objects.get(slug="checkout").ref)
        with django_assert_max_num_queries(20) as captured:
            assert "s00" not in page(client)
        counting = [q for q in captured if "COUNT" in q["sql"] and any(t in q["sql"] for t in tables)]
        assert len([q for q in counting if "GROUP BY" in q["sql"]]) == 6


def links(text: str, path: str) -> list[tuple[str, str]]:
    """(address, words) of the links to one list."""
    found = re.findall(rf'href="({re.escape(path)}\?[^"]*)"[^>]*>(?:<span[^>]*>)?([^<]*)', text)
    return [(html.unescape(url), words) for url, words in found]


@pytest.mark.parametrize("as_platform", [True, False])
def test_numbers_of_tickets_open_the_rows_they_count(as_platform: bool, priya) -> None:
    mira = member("mira", "checkout")
    for cause, count in (("missing_docs", 2), ("no_self_service", 1)):
        for _ in range(count):
            actions.change_state(
                ticket=ticket(by=mira), to=TicketState.RESOLVED, by=priya, cause=cause, minutes=5
            )
    answered = ticket(by=mira)
    actions.reply(ticket=answered, by=priya, body="Hello")
    client = client_of(priya if as_platform else mira)
    target = reverse("helpdesk:queue" if as_platform else "helpdesk:ticket_list")
    counted = [(url, int(words)) for url, words in links(page(client), target) if words.strip().isdigit()]
    assert sorted(number for _, number in counted) == [1, 1, 2, 3, 4]
    for url, number in counted:
        assert rows_of(client, url) == number, url


def rows_of(client: Client, url: str) -> int:
    """How many rows an address lists, by its export."""
    return len(client.get(url + "&format=csv").getvalue().decode().strip().splitlines()) - 1


def test_numbers_of_requests_open_the_rows_they_count(priya) -> None:
    mira, now = member("mira", "checkout"), timezone.now()
    for name, days in (("a", 1), ("b", 40)):
        at = now - timedelta(days=days)
        make_request(mira, state=State.LIVE, name=name, submitted_at=at, created_at=at, finished_at=now)
    make_request(mira, state=State.IN_REVIEW, name="c")
    make_request(mira, state=State.LIVE, name="old", finished_at=now - timedelta(days=50))
    client = client_of(mira)
    text = page(client, range="4w")
    found = {words.strip(): url for url, words in links(text, reverse("onboarding:request_list"))}
    assert {"2 requests went live", "3 requests", "2", "1"} <= set(found)
    for words, url in found.items():
        if words[:1].isdigit():
            assert rows_of(client, url) == int(words.split()[0]), url


def test_numbers_of_services_open_the_rows_they_count(priya) -> None:
    mira = member("mira", "checkout")
    for name, request in (("a", "R-1001"), ("b", "R-1002"), ("c", "")):
        service(name, "group:default/checkout", request=request)
    service("d", "group:default/payments")
    client = client_of(mira)
    found = links(page(client), reverse("catalog:entity_list"))
    counted = [(url, int(words.split()[0])) for url, words in found if words[:1].isdigit()]
    assert sorted(number for _, number in counted) == [1, 2, 3, 4, 4]
    for url, number in counted:
        assert rows_of(client, url) == number, url
    tile = next(url for url, words in found if words.startswith("Services through"))
    assert rows_of(client, tile) == 2


def test_overview_by_team_and_dates(priya) -> None:
    member("ines", "payments")
    ticket(by=member("mira", "checkout"))
    client = client_of(priya)
    assert "1 opened" in page(client, team="checkout")
    assert "1 opened" not in page(client, team="payments")
    assert "1 opened" in page(client, team="nonsense")
    old = page(client, **{"from": "2020-01-01", "to": "2020-03-31"})
    assert "1 opened" not in old
    assert "1 Jan 2020 to 31 Mar 2020" in old
    assert 'name="from" value="2020-01-01"' in old
    assert "range=year" in page(client, range="year")


@pytest.mark.parametrize("key", ["adoption", "teams", "hops", "states", "tickets", "causes"])
def test_chart_csv_is_the_table_of_the_chart(key: str, priya) -> None:
    ticket_in(TicketState.RESOLVED)
    make_request(member("mira", "checkout"), state=State.LIVE)
    answer = client_of(priya).get(reverse("insights:chart_csv", args=[key]), {"range": "4w"})
    assert answer["Content-Type"].startswith("text/csv")
    assert f"slipway-{key}-" in answer["Content-Disposition"]
    if key == "causes":
        assert "Missing docs,1,15,100 %" in answer.content.decode()


def test_chart_csv_of_nothing_is_not_found(priya) -> None:
    assert client_of(priya).get(reverse("insights:chart_csv", args=["nonsense"])).status_code == 404


def test_overview_draws_every_chart_and_its_table(priya) -> None:
    mira = member("mira", "checkout")
    for cause in (
        "no_self_service",
        "form_not_found",
        "missing_docs",
        "platform_fault",
        "service_fault",
        "other",
    ):
        actions.change_state(
            ticket=ticket(by=mira), to=TicketState.RESOLVED, by=priya, cause=cause, minutes=5
        )
    request = make_request(mira, state=State.LIVE)
    request.hops.create(name="form", started_at=request.created_at, finished_at=request.created_at)
    service("wishlist", "group:default/checkout", request=request.ref)
    service("ownerless", "")
    text = page(client_of(member("hanna", "management")))
    assert "Nothing to count" not in text
    assert text.count('<svg class="chart"') == 4
    assert text.count("data-switch") == 6
    assert "the rest" in text
    assert "Nobody" in text
    assert "style=" not in text

"""A colleague decides while one is away: what the account page takes, and what it refuses."""

from datetime import timedelta

import pytest
from django.utils import timezone

from services.accounts.models import Delegation
from services.audit.models import Event
from tests.factories.people import member

pytestmark = pytest.mark.django_db


@pytest.fixture
def sam(client):
    sam = member("sam", "checkout", role="lead")
    client.force_login(sam)
    return sam


def day(number: int) -> str:
    return (timezone.localdate() + timedelta(days=number)).isoformat()


def test_named_until_the_end_of_a_day_shown_and_ended(client, sam):
    jonas = member("jonas", "discovery")
    send = {"away-to": "jonas", "away-until": day(3), "away-reason": "holiday"}
    assert client.post("/account/away/", send).status_code == 302
    made = Delegation.objects.get()
    assert (made.of, made.to, timezone.localtime(made.until).isoformat()[:16]) == (
        sam,
        jonas,
        f"{day(4)}T00:00",
    )
    assert jonas.stands_in_for == {sam.pk}
    page = client.get("/account/").content.decode()
    assert "I am back" in page
    assert "holiday" in page
    for _ in range(2):
        client.post(f"/account/away/{made.pk}/end/")
    made.refresh_from_db()
    assert made.ended_at is not None
    assert Event.objects.filter(action__startswith="accounts.delegat").count() == 2


def test_naming_another_takes_the_place_of_the_first(client, sam):
    for name in ("jonas", "ines"):
        member(name, "discovery")
        client.post("/account/away/", {"away-to": name, "away-until": day(3)})
    assert [row.to.username for row in Delegation.objects.live()] == ["ines"]


@pytest.mark.parametrize(
    ("to", "until", "said"),
    [
        ("sam", 3, "Choose a colleague who is here."),
        ("jonsa", 3, "Nobody here is called that. Did you mean jonas?"),
        ("quite-other", 3, "Nobody here is called that.<"),
        ("jonas", -2, "From today to "),
        ("jonas", 61, "From today to "),
        ("jonas", 999_999, "From today to "),
    ],
)
def test_what_cannot_be_is_refused_and_what_was_typed_stays(client, sam, to, until, said):
    member("jonas", "discovery")
    answer = client.post("/account/away/", {"away-to": to, "away-until": day(until), "away-reason": "sea"})
    page = answer.content.decode()
    assert (answer.status_code, said in page, 'value="sea"' in page) == (422, True, True)
    assert not Delegation.objects.exists()


def test_every_mistake_is_told_at_once(client, sam):
    page = client.post("/account/away/", {"away-to": "jonsa", "away-until": day(-2)}).content.decode()
    assert "Nobody here is called that." in page
    assert "From today to " in page


def test_nobody_ends_what_is_anothers(client, sam):
    jonas = member("jonas", "discovery")
    made = Delegation.objects.create(of=jonas, to=sam, until=timezone.now() + timedelta(days=1))
    assert client.post(f"/account/away/{made.pk}/end/").status_code == 404

import pytest
from django.urls import reverse

from portal.shell import registry
from services.audit import actions
from services.audit.models import Check
from tests.factories.people import member, platform_engineer

pytestmark = pytest.mark.django_db
LIST = reverse("audit:event_list")


@pytest.fixture
def as_priya(client):
    priya = platform_engineer()
    for word in ("request.approved", "ticket.opened"):
        actions.record(by=priya, action=word, object_type="thing", object_id=word, summary=f"About {word}")
    client.force_login(priya)
    return client


@pytest.mark.parametrize(
    ("searched", "shown", "hidden"),
    [
        ("", "ticket.opened", "never"),
        ("request.", "About request", "About ticket"),
        ("PRIYA", "About", "never"),
    ],
)
def test_event_list_shows_what_happened(as_priya, searched, shown, hidden, django_assert_max_num_queries):
    with django_assert_max_num_queries(12):
        text = as_priya.get(LIST, {"q": searched}).text
    assert shown in text
    assert hidden not in text
    assert "Nothing found" in as_priya.get(LIST, {"q": "nothing like it"}).text


def test_event_list_is_for_the_platform_only(client):
    client.force_login(member("mira", "checkout"))
    assert client.get(LIST).status_code == 403


@pytest.mark.parametrize(
    ("broken", "said", "needs"),
    [
        (None, "it has not yet", False),
        ([], "7 events, chain intact", False),
        ([3, 5], "2 of 7 events are not what was written", True),
    ],
)
def test_what_the_last_look_found_is_said(as_priya, broken, said, needs):
    if broken is not None:
        Check.objects.create(events=7, position=7, hash=bytes(32), broken=broken)
    assert said in as_priya.get(LIST).text
    assert ("The audit is not what was written" in as_priya.get("/").text) is needs


def test_a_broken_chain_is_nothing_for_others(client):
    Check.objects.create(events=7, position=7, hash=bytes(32), broken=[3])
    client.force_login(member("mira", "checkout"))
    assert "The audit is not" not in client.get("/").text


def test_readyz_tells_of_a_role_that_could_rewrite_the_audit(settings):
    vital = registry.vitals.get("audit")
    assert vital.check() == "ok"
    settings.DATABASE_ROLE = "postgres"
    assert vital.check() == "the database role of the application could rewrite it"

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from services.effects import actions
from services.effects.models import Effect, Pulse
from tests.effects_driver import run_due_effects
from tests.factories.people import member, platform_engineer

pytestmark = pytest.mark.django_db
LIST = reverse("effects:effect_list")


@pytest.fixture
def stuck():
    with transaction.atomic():
        effect = actions.enqueue(kind="nobody.handles", key="this")
    run_due_effects()
    return effect


def test_effect_list_shows_what_waits_for_a_person(client, stuck, django_assert_max_num_queries):
    client.force_login(platform_engineer())
    with django_assert_max_num_queries(12):
        response = client.get(LIST)
    assert "nobody.handles" in response.text
    assert "No handler is registered" in response.text


def test_effect_list_says_who_leads(client):
    Pulse.objects.create(name="beat", at=timezone.now(), who="harbour-1:4711")
    actions.pulse("sweep")
    client.force_login(platform_engineer())
    text = client.get(LIST).text
    assert "harbour-1:4711" in text
    assert "sweep" not in text  # whichever worker it was


@pytest.mark.parametrize(
    ("state", "said"), [("needs_attention", "needs attention"), ("unknown", "outcome unknown")]
)
def test_home_says_what_state_an_effect_is_in(client, stuck, state, said):
    Effect.objects.update(state=state)
    client.force_login(platform_engineer())
    assert f"nobody.handles this: {said}" in client.get("/").text


@pytest.mark.parametrize(
    ("state", "shown"), [("attention", True), ("open", False), ("done", False), ("all", True)]
)
def test_effect_list_filters_by_state(client, stuck, state, shown):
    client.force_login(platform_engineer())
    response = client.get(LIST, {"state": state})
    assert ("No handler is registered" in response.text) is shown


def test_effect_list_is_for_the_platform_only(client, stuck):
    client.force_login(member("mira", "checkout"))
    assert client.get(LIST).status_code == 403
    assert client.post(reverse("effects:effect_retry", args=[stuck.pk])).status_code == 403


def test_effect_retry_makes_it_due_again(client, stuck):
    client.force_login(platform_engineer())
    response = client.post(reverse("effects:effect_retry", args=[stuck.pk]), follow=True)
    assert "Trying again now." in response.text
    assert Effect.objects.get().state == "due"
    response = client.post(reverse("effects:effect_retry", args=[stuck.pk]), follow=True)
    assert "Nothing to retry: it is due by now." in response.text


def test_effect_cancel_ends_it(client, stuck):
    client.force_login(platform_engineer())
    client.post(reverse("effects:effect_cancel", args=[stuck.pk]))
    assert Effect.objects.get().state == "cancelled"
    response = client.post(reverse("effects:effect_cancel", args=[stuck.pk]), follow=True)
    assert "Too late to cancel: it is cancelled by now." in response.text


def test_home_tells_the_platform_what_gave_up(client, stuck):
    client.force_login(platform_engineer())
    assert "nobody.handles this: needs attention" in client.get(reverse("home")).text
    client.force_login(member("mira", "checkout"))
    assert "nobody.handles this: needs attention" not in client.get(reverse("home")).text

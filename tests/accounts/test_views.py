"""The door, and what people set for themselves."""

from datetime import timedelta

import pytest
from django.test import override_settings
from django.utils import timezone

from services.accounts.models import SignInFailure, User
from services.audit.models import Event
from tests.factories.people import UserFactory, member

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture
def mira():
    user = UserFactory(username="mira", email="mira@example.com")
    user.set_password(PASSWORD)
    user.save()
    return user


def sign_in(client, username="mira", password=PASSWORD, **more):
    return client.post("/sign-in/", {"username": username, "password": password, **more})


def test_every_page_asks_to_sign_in(client):
    answer = client.get("/account/")
    assert answer.status_code == 302
    assert answer["Location"] == "/sign-in/?next=/account/"


@pytest.mark.parametrize("name", ["mira", "MIRA", "mira@example.com"])
def test_sign_in_by_name_or_mail(client, mira, name):
    assert sign_in(client, name)["Location"] == "/"
    assert client.get("/").status_code == 200
    assert Event.objects.filter(action="accounts.signed_in").count() == 1


def test_sign_in_goes_on_to_where_one_wanted(client, mira):
    assert sign_in(client, next="/account/")["Location"] == "/account/"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_sign_in_never_leaves_the_portal(client, mira, elsewhere):
    assert sign_in(client, next=elsewhere)["Location"] == "/"


def test_wrong_password_says_nothing_about_the_name(client, mira):
    wrong = sign_in(client, password="nope").content.decode()
    unknown = sign_in(client, username="nobody", password="nope").content.decode()
    sentence = "Name and password do not belong together"
    assert sentence in wrong
    assert sentence in unknown
    assert "nope" not in wrong


def test_a_mail_address_of_two_people_opens_no_account(client, mira):
    UserFactory(username="twin", email="mira@example.com")
    assert sign_in(client, "mira@example.com").status_code == 422


def test_an_empty_form_counts_as_no_attempt(client, mira):
    assert sign_in(client, "mira", "").status_code == 422
    assert not SignInFailure.objects.exists()


def test_five_wrong_passwords_make_one_wait(client, mira):
    for _ in range(5):
        sign_in(client, password="nope")
    assert "Too many wrong passwords" in sign_in(client).content.decode()
    assert SignInFailure.objects.count() == 5
    SignInFailure.objects.update(at=timezone.now() - timedelta(minutes=16))
    assert sign_in(client).status_code == 302


def test_mail_and_name_count_together(client, mira):
    for name in ("mira", "mira@example.com", "MIRA", "mira", "mira"):
        sign_in(client, name, "nope")
    assert SignInFailure.objects.filter(username="mira").count() == 5
    assert (sign_in(client).status_code, sign_in(client)["Retry-After"]) == (429, "900")


def test_many_names_from_one_address_make_it_wait(client, mira):
    for n in range(30):
        sign_in(client, f"guess{n}", "nope")
    assert "Too many" in sign_in(client).content.decode()


def test_a_right_password_clears_the_count(client, mira):
    for _ in range(4):
        sign_in(client, password="nope")
    sign_in(client)
    assert not SignInFailure.objects.exists()


def test_a_session_from_before_is_not_taken_over(client, mira):
    client.get("/sign-in/")
    before = client.session.session_key
    sign_in(client)
    assert client.session.session_key != before


def test_sign_out_by_post_only(client, mira):
    client.force_login(mira)
    assert client.get("/sign-out/").status_code == 405
    assert client.post("/sign-out/")["Location"] == "/sign-in/"
    assert client.get("/").status_code == 302


@override_settings(DEMO=True)
def test_become_in_the_demo(client, mira):
    page = client.get("/sign-in/").content.decode()
    assert 'value="mira"' in page
    assert client.post("/become/", {"username": "mira"}).status_code == 302
    assert client.session["_auth_user_id"] == str(mira.pk)


@override_settings(DEMO=True)
def test_become_somebody_else_ends_the_session_before(client, mira):
    UserFactory(username="sam")
    client.post("/become/", {"username": "mira"})
    key = client.session.session_key
    client.post("/become/", {"username": "sam"})
    assert client.session.session_key != key


@override_settings(DEMO=True)
def test_become_only_the_people_of_the_demo(client):
    UserFactory(username="root", is_superuser=True)
    assert client.post("/become/", {"username": "root"}).status_code == 404
    assert client.get("/become/").status_code == 405


@override_settings(DEMO=False)
def test_no_become_outside_the_demo(client, mira):
    assert client.post("/become/", {"username": "mira"}).status_code == 404
    assert "Become" not in client.get("/sign-in/").content.decode()


def test_theme_is_saved_and_drawn(client, mira):
    client.force_login(mira)
    assert (
        client.post("/account/theme/", {"theme": "dark"}, headers={"HX-Request": "true"}).status_code == 204
    )
    assert User.objects.get(pk=mira.pk).theme == "dark"
    assert 'data-theme="dark"' in client.get("/").content.decode()
    assert client.post("/account/theme/", {"theme": "pink"}).status_code == 422
    assert client.post("/account/theme/", {"theme": "system"}).status_code == 302


def test_account_page_saves(client):
    user = member("mira", "checkout")
    client.force_login(user)
    assert "Checkout" in client.get("/account/").content.decode()
    data = {"name": "Mira L", "timezone": "Asia/Tokyo", "theme": "light"}
    assert client.post("/account/", data).status_code == 302
    user.refresh_from_db()
    assert (user.name, user.timezone, user.theme) == ("Mira L", "Asia/Tokyo", "light")
    assert (
        Event.objects.get(action="accounts.profile_saved").summary == "Mira L changed name, timezone, theme"
    )
    assert "Saved." in client.get("/account/").content.decode()


def test_account_page_changes_nothing_silently(client, mira):
    client.force_login(mira)
    client.post("/account/", {"name": mira.name, "timezone": "", "theme": "system"})
    assert not Event.objects.filter(action="accounts.profile_saved").exists()


def test_account_page_refuses_an_unknown_zone(client, mira):
    client.force_login(mira)
    answer = client.post("/account/", {"name": "M", "timezone": "Mars/Olympus", "theme": "light"})
    assert answer.status_code == 422

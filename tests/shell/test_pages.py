"""Home, palette, errors, the frame."""

import pytest
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import include, path

from portal import urls
from portal.shell import context, errors, palette, registry
from portal.shell.policies import policy, public, signed_in
from portal.shell.registry import NeedsItem, PaletteItem, Panel
from tests.factories.people import UserFactory, member, platform_engineer

pytestmark = pytest.mark.django_db


@policy(public)
def breaks(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("on purpose")


@policy(signed_in)
def refuses(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied("Members of the team Checkout.")


@policy(signed_in)
def misread(request: HttpRequest) -> HttpResponse:
    raise BadRequest


handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500
urlpatterns = [
    path("breaks/", breaks),
    path("refuses/", refuses),
    path("misread/", misread),
    path("", include(urls.urlpatterns)),
]


@pytest.fixture
def mira(client: Client):
    user = member("mira", "checkout")
    client.force_login(user)
    return user


@pytest.fixture
def own_registries(monkeypatch):
    """Home and palette with nothing of the apps."""
    for name in ("needs_me", "palette"):
        monkeypatch.setattr(registry, name, registry.Registry(key=id, order=lambda _: 0))
    monkeypatch.setattr(
        registry, "home_panels", registry.Registry(key=lambda p: p.key, order=lambda p: p.order)
    )


def test_home_greets_and_shows_what_waits(client, mira, own_registries):
    registry.needs_me.add(lambda request: [NeedsItem("key", "warn", "Second", "b", "/b/", "Open", order=20)])
    registry.needs_me.add(lambda request: [NeedsItem("key", "bad", "First", "a", "/a/", "Fix", order=10)])
    html = client.get("/").content.decode()
    assert "Mira" in html
    assert "2 things need you" in html
    assert html.index("First") < html.index("Second")


def test_home_of_an_empty_account_offers_starts(client, own_registries):
    client.force_login(UserFactory(username="ines"))
    html = client.get("/").content.decode()
    assert "Welcome, Ines" in html
    assert "start-cards" in html


def test_home_draws_panels_with_something_in_them(client, mira, own_registries):
    registry.home_panels.add(Panel("a", "Hidden", 1, "components/mark.html", lambda request: None))
    registry.home_panels.add(Panel("b", "Shown", 2, "components/form_errors.html", lambda request: {"n": 3}))
    html = client.get("/").content.decode()
    assert "Nothing needs you. Everything is moving" in html


def test_home_answers_a_poll_with_its_fragment(client, mira):
    html = client.get("/", headers={"HX-Request": "true"}).content.decode()
    assert "As of" in html
    assert "<html" not in html


def test_frame_has_skip_link_csrf_and_no_inline_code(client, mira):
    html = client.get("/").content.decode()
    assert 'class="skip"' in html
    assert "X-CSRFToken" in html
    assert 'aria-current="page"' in html


@override_settings(DEMO=True)
def test_the_demo_says_that_it_is_one(client, mira):
    assert "Demo · simulated cluster" in client.get("/").content.decode()


def test_no_demo_mark_outside_the_demo(client, mira, settings):
    settings.DEMO = False
    assert "simulated" not in client.get("/").content.decode()


def test_palette_ranks_and_marks(client, mira, own_registries):
    registry.palette.add(
        lambda request, q: [
            PaletteItem("Services", "fraud-check", "/f/", health="Healthy"),
            PaletteItem("Services", "checkout", "/c/", hint="Checkout team"),
            PaletteItem("Services", "cart", "/x/"),
        ]
    )
    html = client.get("/palette?q=check").content.decode()
    assert html.index("<mark>check</mark>out") < html.index("fraud-<mark>check</mark>")
    assert "cart" not in html


def test_palette_lists_commands_after_an_angle(client, mira, own_registries):
    registry.palette.add(lambda request, q: [PaletteItem("Services", "sign-service", "/s/")])
    html = client.get("/palette?q=>sign").content.decode()
    assert "#sign-out" in html
    assert "sign-service" not in html


def test_palette_says_when_nothing_is_called_that(client, mira, own_registries):
    assert "Nothing is called that" in client.get("/palette?q=zzzz").content.decode()


def test_palette_escapes(client, mira, own_registries):
    registry.palette.add(lambda request, q: [PaletteItem("A", "<img src=x>", "/x/")])
    assert "<img" not in client.get("/palette?q=<img").content.decode()


def test_palette_shows_a_few_of_each_group(rf, mira, own_registries):
    registry.palette.add(lambda request, q: (PaletteItem("A", f"thing {n}", f"/{n}/") for n in range(500)))
    request = rf.get("/palette?q=thing")
    request.user = mira
    assert len(dict(palette.groups(request))["A"]) == palette.PER_GROUP


def test_palette_needs_a_person(client):
    assert client.get("/palette").status_code == 302


def test_platform_pages_show_only_to_the_platform_team(client, own_registries, monkeypatch):
    monkeypatch.setattr(registry, "nav", registry.Registry(key=lambda i: i.key, order=lambda i: i.order))
    registry.nav.add(
        registry.NavItem(
            "q",
            "Queue",
            "inbox",
            "home",
            order=1,
            section="platform",
            visible=lambda request: request.user.is_platform,
            badge=lambda request: 7,
            hot=True,
        )
    )
    client.force_login(member("mira", "checkout"))
    assert "Queue" not in client.get("/").content.decode()
    client.force_login(platform_engineer())
    html = client.get("/").content.decode()
    assert "Queue" in html
    assert '<span class="count hot">7' in html


@pytest.mark.urls(__name__)
def test_server_error_has_a_reference_and_no_frame(client, mira):
    client.raise_request_exception = False
    answer = client.get("/breaks/")
    assert answer.status_code == 500
    html = answer.content.decode()
    assert "The portal made a mistake" in html
    assert "on purpose" not in html
    assert "<code>" in html


@pytest.mark.urls(__name__)
def test_server_error_page_needs_no_database(rf, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert errors.server_error(rf.get("/")).status_code == 500


@pytest.mark.urls(__name__)
def test_forbidden_says_who_may(client, mira):
    answer = client.get("/refuses/")
    assert answer.status_code == 403
    assert "Who may: Members of the team Checkout." in answer.content.decode()
    assert "Checkout" in answer["X-Said"]


@pytest.mark.urls(__name__)
def test_bad_request(client, mira):
    answer = client.get("/misread/")
    assert answer.status_code == 400
    assert "could not read that" in answer.content.decode()


def test_not_found_for_a_person_and_for_nobody(client, mira):
    assert "data-palette" in client.get("/nothing/here/").content.decode()
    client.logout()
    answer = client.get("/nothing/here/")
    assert answer.status_code == 404
    assert "nav-side" not in answer.content.decode()


def test_csrf_failure_explains(mira):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(mira)
    answer = strict.post("/account/theme/", {"theme": "dark"})
    assert answer.status_code == 403
    assert "open too long" in answer.content.decode()


def test_every_page_of_the_navigation_has_a_key_of_its_own():
    assert context._letters(["Home", "Help", "Hero", "He"]) == {
        "Home": "h",
        "Help": "e",
        "Hero": "r",
        "He": "",
    }

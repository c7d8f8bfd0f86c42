"""C of the attack list: sessions, forged posts, ways on that lead elsewhere."""

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client

from tests.hostile import doors

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
ELSEWHERE = [
    "//evil.example", "/\\evil.example", "https:evil.example", "https://evil.example/", "javascript:alert(1)",
    "%0d%0aSet-Cookie:a=b//evil", "\r\nX: y", "http:///evil.example", "///evil.example", "\\\\evil.example",
    "/\t/evil.example", "https://testserver@evil.example", "http://[", "x" * 5000 + "//evil.example",
]  # fmt: skip


@pytest.fixture
def mira(people):
    people.mira.set_password(PASSWORD)
    people.mira.save()
    return people.mira


def sign_in(client: Client, **more: str) -> object:
    return client.post("/sign-in/", {"username": "mira", "password": PASSWORD, **more})


@pytest.mark.case("C1")
def test_c1_every_post_without_a_token_is_refused(world):
    """Of every view, for everybody: nothing is exempt."""
    known = doors.known(world)
    for who in (None, world.priya):
        client = Client(enforce_csrf_checks=True)
        if who:
            client.force_login(who)
        for door in doors.doors():
            path, status = door.rooms(known)[0], 401 if door.is_api and not who else 403
            assert client.post(path, {}).status_code == status, path
            foreign = client.post(path, {}, headers={"HX-Request": "true", "Origin": "null"})
            assert foreign.status_code == status, path


@pytest.mark.case("C1")
def test_c1_tokens_of_others_and_foreign_origins_are_refused(people):
    client, other = Client(enforce_csrf_checks=True), Client()
    client.force_login(people.mira)
    other.force_login(people.jonas)
    client.get("/account/")
    other.get("/account/")
    own, foreign = (c.cookies[settings.CSRF_COOKIE_NAME].value for c in (client, other))
    given = {"theme": "dark"}
    refused = [
        client.post("/account/theme/", {**given, "csrfmiddlewaretoken": foreign}),
        client.post("/account/theme/", {**given, "csrfmiddlewaretoken": own}, headers={"Origin": "null"}),
        client.post("/account/theme/", given, headers={"X-CSRFToken": own, "Origin": "https://evil.example"}),
        client.post("/account/theme/", given, headers={"X-CSRFToken": foreign}),
    ]
    assert [answer.status_code for answer in refused] == [403] * 4
    assert client.post("/account/theme/", given, headers={"X-CSRFToken": own}).status_code == 302


@pytest.mark.case("C3")
def test_c3_signing_in_gives_a_new_session_and_kills_the_old_one(client, mira):
    client.get("/sign-in/")
    session = client.session
    session["planted"] = "by somebody else"
    session.save()
    before = session.session_key
    client.cookies[settings.SESSION_COOKIE_NAME] = before
    sign_in(client)
    after = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert after != before
    assert not Session.objects.filter(session_key=before).exists()


@pytest.mark.parametrize("way", ELSEWHERE)
@pytest.mark.case("C4")
def test_c4_the_way_on_stays_in_the_portal(client, mira, way):
    assert sign_in(client, next=way)["Location"] == "/"
    answer = client.post("/account/theme/", {"theme": "dark", "next": way})
    assert answer["Location"] == "/"
    page = Client().get("/sign-in/", {"next": way}).content.decode()
    assert "evil.example" not in page


@pytest.mark.parametrize(
    "way", [*ELSEWHERE, "/help/queue/../../sign-out/", "/help/queue/?a=\r\nX: y", "/help/queue/" + "x" * 5000]
)
@pytest.mark.case("C4")
def test_c4_ways_back_stay_in_the_queue(client, people, way):
    client.force_login(people.priya)
    answer = client.post("/help/queue/bulk/", {"do": "close", "tickets": [], "back": way})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/help/queue/")
    assert "\n" not in answer["Location"]
    assert answer.headers.get("X") is None


@pytest.mark.case("C9")
def test_c9_signing_out_ends_the_session_at_the_server(client, people):
    client.force_login(people.mira)
    kept = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert client.get("/account/").status_code == 200
    client.post("/sign-out/")
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = kept
    assert thief.get("/account/").status_code == 302


@pytest.mark.case("C10")
def test_c10_headers_of_proxies_say_nothing_about_who_somebody_is(client, people):
    spoofed = {
        "Remote-User": "priya",
        "X-Remote-User": "priya",
        "X-Forwarded-User": "priya",
        "X_Forwarded_User": "priya",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
    }
    answer = client.get("/catalog/", headers=spoofed, REMOTE_USER="priya")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/")
    for number in range(30):
        client.post(
            "/sign-in/",
            {"username": "mira", "password": "wrong"},
            headers={"X-Forwarded-For": f"10.0.0.{number}"},
        )
    assert "Too many" in client.post("/sign-in/", {"username": "mira", "password": "wrong"}).content.decode()


@pytest.mark.case("C10")
def test_c10_unknown_hosts_are_refused(client, db):
    for host in ("evil.example", "localhost:8000@evil.example", "[::1"):
        assert client.get("/sign-in/", headers={"Host": host}).status_code == 400


@pytest.mark.case("Z7")
def test_z7_a_deactivated_account_is_out_at_once(client, people):
    client.force_login(people.priya)
    assert client.get("/catalog/").status_code == 200
    type(people.priya).objects.filter(pk=people.priya.pk).update(is_active=False)
    assert client.get("/catalog/").status_code == 302
    assert client.post("/account/theme/", {"theme": "dark"})["Location"].startswith("/sign-in/")


def test_passwords_keep_their_spaces(client, people):
    people.mira.set_password("  spaces at the ends  ")
    people.mira.save()
    assert (
        client.post("/sign-in/", {"username": "mira", "password": "  spaces at the ends  "}).status_code
        == 302
    )

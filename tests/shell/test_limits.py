"""R of the attack list: too much, by one person, from one address, by all together, and without Redis."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import redis
import time_machine
from django.conf import settings as configured
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from portal.shell import limits, proxies, shared
from services.accounts.actions import create_token
from services.helpdesk.models import Ticket
from services.onboarding.models import Request, State
from tests.factories.people import member, platform_engineer
from tests.hostile import doors
from tests.hostile.pages import forms_of

pytestmark = [pytest.mark.django_db, pytest.mark.case("R")]
NOON = 1_800_000_000  # the beginning of a window of every length
NOWHERE = "redis://127.0.0.1:1/0"
QUESTION = {
    "title": "Disk full", "body": "Since\nnoon <b>", "impact": "me", "urgency": "later", "category": "broken",
}  # fmt: skip
FORM = {"name": "parcels", "_token": "ab" * 16}
# How each limit is met: method, address, what is sent.
MET: dict[str, tuple[str, str, dict[str, str]]] = {
    "sign-in": ("post", "/sign-in/", {"username": "mira", "password": "wrong"}),
    "search": ("get", "/palette?q=x", {}),
    "export": ("get", "/help/?format=csv", {}),
    "import": ("post", "/catalog/import/?from=paste", {"text": "a: 1"}),
    "webhook": ("post", "/webhooks/github/1/", {}),
    "chat": ("post", "/hooks/slack/events/", {}),
    "form": ("post", "/help/markdown/", {"body": "x"}),
    "submit": ("post", "/new/web-service/", {**FORM, "_intent": "submit"}),
    "ticket": ("post", "/help/ask/", {}),
    "message": ("post", "/help/T-9/reply/", {}),
    "api": ("get", "/api/me", {}),
    "connection": ("post", "/platform/clusters/nowhere/check/", {}),
}


@pytest.fixture
def few(settings, monkeypatch):
    """Limits of two a person, three an address, four altogether, counted from nothing."""
    settings.LIMIT_FACTOR = 1
    store = redis.Redis.from_url(configured.REDIS_URL)
    for key in store.scan_iter("slipway:limit:*"):
        store.delete(key)
    for name, limit in limits.LIMITS.items():
        monkeypatch.setitem(limits.LIMITS, name, replace(limit, person=2, address=3, everybody=4))
    with time_machine.travel(NOON, tick=False):
        yield


def ask(who, name, address="10.0.0.1"):
    client = Client(REMOTE_ADDR=address, raise_request_exception=False)
    client.force_login(who)
    method, path, given = MET[name]
    given = {**given, "username": who.username} if name == "sign-in" else given
    return getattr(client, method)(path, given)


@pytest.mark.parametrize("name", sorted(limits.LIMITS))
def test_each_limit_is_answered_with_when_to_come_back(few, name):
    somebody = platform_engineer()
    first, second, refused = (ask(somebody, name) for _ in range(3))
    assert 429 not in (first.status_code, second.status_code)
    assert (refused.status_code, refused["Retry-After"]) == (429, "61")
    said = f"Too many {limits.LIMITS[name].what}: wait 61 seconds, then try again."
    assert refused["X-Said"] == said
    assert said in refused.content.decode()


@pytest.mark.parametrize("name", sorted(limits.LIMITS))
def test_each_limit_holds_for_a_person_an_address_and_everybody(few, name):
    def refused(person, address):
        return limits.refused(name, RequestFactory().get("/", REMOTE_ADDR=address), person=person) is not None

    assert [refused("mira", "10.0.0.1") for _ in range(3)] == [False, False, True]
    assert [refused(person, "10.0.1.1") for person in ("sam", "jonas")] == [False, False]
    assert refused("priya", "10.0.2.1")  # all together
    with time_machine.travel(NOON + 60, tick=False):
        assert [refused(person, "10.0.0.1") for person in "abcd"] == [False, False, False, True]
    with time_machine.travel(NOON + 120, tick=False):
        assert [refused(person, f"10.0.0.{person}") for person in "12345"] == [False] * 4 + [True]


def test_what_one_is_refused_is_not_taken_from_all(few):
    """Nor does an address that ends like an empty one go uncounted."""

    def refused(person, address):
        asked = RequestFactory().get("/", REMOTE_ADDR=address)
        return limits.refused("sign-in", asked, person=person) is not None

    assert [refused(f"guess-{number}", "2001:db8::") for number in range(9)] == [False] * 3 + [True] * 6
    assert [refused("", "10.0.0.2"), refused("mira", "10.0.0.2")] == [False, True]


def test_a_token_of_a_team_is_counted_as_itself(few):
    priya = platform_engineer()
    team = priya.teams.get()
    secret = create_token(by=priya, name="t", scopes=["catalog:read"], days=1, team=team)[1]
    header = {"Authorization": f"Bearer {secret}"}
    found = [Client().get("/api/v1/teams", headers=header) for _ in range(3)]
    assert [answer.status_code for answer in found] == [200, 200, 429]
    assert (found[2]["Retry-After"], found[2].json()["title"]) == ("61", "Too Many Requests")


def test_every_limit_is_met_somewhere():
    used = {name for door in doors.doors() for name in getattr(door.view, "limits", ())}
    assert used | {"sign-in"} == set(limits.LIMITS)


def test_what_was_typed_is_kept_and_sent_again_from_the_page(client, few):
    client.force_login(member("mira", "checkout"))
    for _ in range(2):
        assert client.post("/help/ask/", QUESTION).status_code == 302
    refused = client.post("/help/ask/", QUESTION | {"title": "The third"})
    assert (refused.status_code, Ticket.objects.count()) == (429, 2)
    kept = next(form for form in forms_of(refused.content.decode(), "/help/ask/") if "title" in form.values)
    assert {name: values[0] for name, values in kept.values.items() if name in QUESTION} == QUESTION | {
        "title": "The third"
    }
    with time_machine.travel(NOON + 61, tick=False):
        assert client.post(kept.action, kept.values).status_code == 302
    assert set(Ticket.objects.values_list("title", flat=True)) == {"Disk full", "The third"}


def test_what_was_accepted_is_never_taken_back(client, few):
    """The draft that was kept stays as it is while its form is refused."""
    mira = member("mira", "checkout")
    client.force_login(mira)
    for name in ("first", "second", "third"):
        client.post("/new/web-service/", {**FORM, "name": name, "_intent": "save"})
    row = Request.objects.get(created_by=mira)
    assert (row.state, row.answers["name"]) == (State.DRAFT, "second")


@pytest.mark.parametrize(
    "given",
    [{"kubeconfig": "canary-1b7e", "name": "x"}, {"uploads": SimpleUploadedFile("a.yaml", b"canary-1b7e")}],
)
def test_secrets_and_files_are_not_kept_in_the_page(client, few, given):
    client.force_login(platform_engineer())
    path = "/platform/clusters/new/" if "name" in given else "/catalog/import/?from=upload"
    page = [client.post(path, given) for _ in range(3)][-1]
    assert page.status_code == 429
    assert "canary-1b7e" not in page.content.decode()
    assert "still in the form you came from" in page.content.decode()


def test_the_door_keeps_the_name_and_not_the_password(client, few):
    answers = [client.post("/sign-in/", {"username": "mira", "password": "canary-2"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [422, 422, 429]
    page = answers[-1].content.decode()
    assert 'value="mira"' in page
    assert "canary-2" not in page


def test_without_redis_pages_go_on_and_the_door_stays_shut(client, settings, people_signed_in):
    """Nobody's work is lost; nobody's password is tried uncounted."""
    settings.LIMIT_FACTOR, settings.REDIS_URL = 1, NOWHERE
    mira, password = people_signed_in
    inside = Client()
    inside.force_login(mira)
    for name, (method, path, given) in MET.items():
        if name not in ("sign-in", "connection", "message"):
            assert not getattr(inside, method)(path, given).has_header("Retry-After"), name
    made = inside.post("/help/ask/", QUESTION)
    assert made.status_code == 302
    shut = client.post("/sign-in/", {"username": "mira", "password": password})
    assert (shut.status_code, shut["Retry-After"]) == (503, "60")
    assert "cannot count attempts to sign in just now" in shut.content.decode()


@pytest.fixture
def people_signed_in():
    mira = member("mira", "checkout")
    mira.set_password("correct horse battery")
    mira.save()
    yield mira, "correct horse battery"
    shared._resting.clear()


def test_what_cannot_be_counted_is_not_called_too_much(client, settings, monkeypatch, people_signed_in):
    settings.LIMIT_FACTOR, settings.REDIS_URL = 1, NOWHERE
    monkeypatch.setitem(limits.LIMITS, "ticket", replace(limits.LIMITS["ticket"], shut=True))
    client.force_login(people_signed_in[0])
    shut = client.post("/help/ask/", QUESTION)
    assert (shut.status_code, shut["Retry-After"], Ticket.objects.count()) == (503, "60", 0)
    page = shut.content.decode()
    assert "too much at once" not in page
    assert "<h1>Nothing is taken just now</h1>" in page
    assert "what you typed is kept in this page" in page


def test_a_redis_that_does_not_answer_is_not_waited_for_again_and_again(client, settings, people_signed_in):
    settings.LIMIT_FACTOR, settings.REDIS_URL = 1, NOWHERE
    client.force_login(people_signed_in[0])
    client.get("/palette?q=x")
    until = shared._resting[NOWHERE]
    assert 0 < until - time.monotonic() <= shared.REST
    client.get("/palette?q=x")
    assert shared._resting[NOWHERE] == until
    shared._resting[NOWHERE] = time.monotonic() - 1
    client.get("/palette?q=x")
    assert shared._resting[NOWHERE] > until


def test_counting_asks_the_database_nothing(client, settings, people_signed_in):
    client.force_login(people_signed_in[0])
    asked = []
    for settings.LIMIT_FACTOR in (0, 1):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get("/palette?q=x")
        asked.append(len(queries))
    assert asked[0] == asked[1]


@pytest.mark.parametrize(
    ("near", "claimed", "ours", "believed"),
    [
        ("203.0.113.9", "10.9.9.9", [], "203.0.113.9"),
        ("203.0.113.9", "10.9.9.9", ["10.0.0.0/8"], "203.0.113.9"),
        ("10.0.0.1", "198.51.100.7", ["10.0.0.0/8"], "198.51.100.7"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.7, 10.0.0.2", ["10.0.0.0/8"], "198.51.100.7"),
        ("10.0.0.1", "'; drop", ["10.0.0.0/8"], "10.0.0.1"),
        ("10.0.0.1", "", ["10.0.0.1"], "10.0.0.1"),
        ("::1", "2001:db8::7", ["::1"], "2001:db8::7"),
        ("", "198.51.100.7", ["10.0.0.0/8"], ""),
    ],
)
@pytest.mark.case("C10")
def test_only_proxies_of_ones_own_are_believed(settings, near, claimed, ours, believed):
    settings.PROXIES = ours
    request = RequestFactory().get("/", REMOTE_ADDR=near, HTTP_X_FORWARDED_FOR=claimed)
    assert proxies.address_of(request) == believed


def test_the_document_shows_every_limit():
    document = Path(configured.BASE_DIR, "docs/security.md").read_text(encoding="utf-8")
    for limit in limits.LIMITS.values():
        without = "none" if limit.shut else "not counted"
        row = (limit.what, limit.person, limit.address, limit.everybody, without)
        assert f"| {' | '.join(map(str, row))} |" in document
        assert limit.seconds == 60


def test_many_at_once_are_counted_from_the_first_moment(few):
    """A client made twice at the same moment would close the connections of whoever uses the other one."""
    crowd, rounds = 8, 30
    start = threading.Barrier(crowd)

    def one(number: int) -> list[int] | None:
        start.wait()
        return limits._count([f"slipway:limit:crowd:{number}"], 60)

    with ThreadPoolExecutor(crowd) as pool:
        for _ in range(rounds):
            shared._client.cache_clear()
            assert None not in list(pool.map(one, range(crowd)))

"""Every address, asked in every wrong way: nothing falls over, nothing changes by being looked at."""

from itertools import islice

import pytest
from django.conf import settings

from tests.hostile import doors
from tests.hostile.world import fingerprint

pytestmark = pytest.mark.django_db

# What a form as a whole reads from its address; the others are found by listening.
COMMON = (
    "page",
    "sort",
    "q",
    "format",
    "state",
    "team",
    "from",
    "to",
    "on",
    "who",
    "view",
    "entity",
    "category",
    "cause",
    "priority",
)
VALUES = (
    "-1",
    "999999999999999999999",
    "0",
    "__class__",
    "-__class__",
    "--name",
    "a\x00b",
    "x" * 10_000,
    "9999-99-99",
    "9999-12-31",
    "0001-01-01",
    "[]",
    "{}",
    "NaN",
    "٣",
    "²",
    "%",
    "_",
    "\\",
    "'",
    "')",
    ":*",
    "a & | !",
    "\r\nSet-Cookie: a=b",
    "component:",
    "/",
    "custom",
    "<script>alert(1)</script>",
    "\ud7ff\U0010ffff",
    "T-",
    "csv",
    "any",
    "mine",
    "http://[",
    "2026-02-30",
)
RAW = ("?q=%%0000", "?page=%ff%fe&q=%ed%a0%80", "?q=%zz&&&==&=%", "?" + "&".join(["page=1&sort=x&q=y"] * 300))
HEADERS: tuple[dict[str, str], ...] = (
    {"HX-Request": "true", "HX-Current-URL": "http://[", "HX-Target": "\x01<script>"},
    {"HX-Request": "true", "HX-Boosted": "true", "HX-Current-URL": "javascript:alert(1)//"},
    {"X-Request-ID": "x" * 5000, "X-Correlation-ID": '"};DROP'},
    {"Accept-Language": "x" * 9000, "Accept": "*/*;q=²", "Referer": "http://["},
    {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher", "X-Forwarded-For": "'"},
)


def sampled(who: str) -> tuple[str, ...]:
    """The platform's eyes see every branch; a developer's pages are the same code with less in it."""
    return VALUES if who == "priya" else VALUES[::6]


def test_hostile_query_strings(asked, world):
    before = fingerprint()
    known = doors.known(world)
    for door in doors.doors():
        path = door.rooms(known)[0]
        asked.heard()
        answer = asked.ask("GET", path)
        if answer is None or answer.status_code != 200:
            continue
        heard = asked.heard()
        names = (heard - {"*"}) | (set(COMMON) if "*" in heard else set())
        for value in sampled(asked.who) if names else ():
            asked.ask("GET", path, dict.fromkeys(sorted(names), value))
        for raw in RAW:
            asked.ask("GET", path + raw)
    asked.all_well()
    assert fingerprint() == before


def test_hostile_headers(asked, world):
    known = doors.known(world)
    for door in doors.doors():
        for headers in HEADERS if asked.who == "priya" else HEADERS[:3]:
            asked.ask("GET", door.rooms(known)[0], headers=headers)
    asked.all_well()


def test_a_request_id_that_cannot_be_kept_is_not_taken_over(asked, world):
    """It goes into audit rows and log lines: nothing a log reader could take for its own."""
    for given in ("x" * 5000, 'a"}\x1b[31m', "a b"):
        asked.ask("POST", f"/help/{world.ticket.key}/watch/", {"on": "yes"}, headers={"X-Request-ID": given})
    asked.all_well()


@pytest.mark.parametrize(
    "value", ['"\\000\\000\\000\\000\\000\\000abcdefgh"', "x" * 4000, '"\\377\\376aaaaaaaaaa"']
)
@pytest.mark.parametrize("name", [settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, "messages"])
def test_hostile_cookies(client, db, name, value):
    answer = client.get("/catalog/", headers={"Cookie": f"{name}={value}"})
    assert answer.status_code == 302


def test_things_that_do_not_exist_are_not_found(asked, world):
    """For anonymous people neither: they are sent to the door before anything is looked up."""
    known = doors.known(world)
    may = {"nobody": (302,), "mira": (404, 403), "priya": (404,)}[asked.who]
    for door in doors.doors():
        for path in islice(door.nowhere(known), None if asked.who == "priya" else 3):
            answer = asked.ask("GET", path)
            if answer is not None and answer.status_code == 405:
                answer = asked.ask("POST", path)
            asked.expect(answer is None or answer.status_code in may, f"{path[:120]}: {answer}")
    asked.all_well()


def test_c2_only_posts_change_something(asked, world):
    """GET and HEAD of every view change nothing, and every other method is refused with 405."""
    known = doors.known(world)
    before = fingerprint()
    for door in doors.doors():
        for path in door.rooms(known)[:2]:
            for method in ("GET", "HEAD"):
                asked.ask(
                    method,
                    path,
                    {"state": "closed", "to": "closed", "reason": "x", "tree_hash": "x", "head": "x"},
                )
    for door in doors.doors():
        path = door.rooms(known)[0]
        for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
            answer = asked.ask(method, path)
            may = (405,) if asked.who == "priya" or door.policy == "public" else (302, 403, 405)
            asked.expect(answer is not None and answer.status_code in may, f"{method} {path}: {answer}")
    asked.all_well()
    assert fingerprint() == before


def test_anonymous_people_see_the_door_and_nothing_else(client, world):
    known = doors.known(world)
    for door in doors.doors():
        for path in door.rooms(known):
            for method in ("get", "post"):
                answer = getattr(client, method)(path)
                if door.policy == "public":
                    assert answer.status_code in (200, 302, 404, 405, 422, 503), path
                else:
                    assert (answer.status_code, answer.url.split("?")[0]) == (302, "/sign-in/"), path

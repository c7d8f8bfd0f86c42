"""Every address, asked in every wrong way: nothing falls over, nothing changes by being looked at."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings

from tests.hostile import doors
from tests.hostile.asking import Asked, some
from tests.hostile.world import fingerprint

# An undo that was pressed twice finds nothing any more, and says so where one was.
PRESSED_TWICE = {"catalog:ownership_unconfirm"}
pytestmark = pytest.mark.django_db

# What a form as a whole reads from its address; the others are found by listening.
COMMON = [
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
]
VALUES = (
    "-1",
    "999999999999999999999",
    "-__class__",
    "a\x00b",
    "x" * 10_000,
    "9999-99-99",
    "9999-12-31",
    "0001-01-01",
    "[]{}')\\%_",
    "NaN",
    "٣",
    "²",
    ":*",
    "a & | !",
    "\r\nSet-Cookie: a=b",
    "component:",
    "custom",
    "\ud7ff\U0010ffff<script>",
    "T-",
    "csv",
    "http://[",
)
RAW = "?q=%%0000&page=%ff%fe&from=%ed%a0%80&sort=%zz&&&==&=%&" + "&".join(["page=1&sort=x&q=y"] * 100)
HEADERS: tuple[dict[str, str], ...] = (
    {
        "HX-Request": "true",
        "HX-Current-URL": "http://[",
        "HX-Target": "\x01<script>",
        "X-Request-ID": "x" * 5000,
        "X-Correlation-ID": '"};DROP',
    },
    {
        "HX-Request": "true",
        "HX-Boosted": "true",
        "HX-Current-URL": "javascript:alert(1)//",
        "Accept-Language": "x" * 9000,
        "Accept": "*/*;q=²",
        "Referer": "http://[",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "gopher",
        "X-Forwarded-For": "'",
    },
)


def unmoved(asked: Asked, before: Any, path: str) -> Callable[[Any], None]:
    """Looks, before it is undone, whether anything changed."""
    return lambda answer: asked.expect(fingerprint() == before, f"{path}: something changed")


def test_hostile_query_strings(asked, world):
    """The platform's eyes see every branch; a developer's pages are the same code with less in it."""
    before = fingerprint()
    known = doors.known(world)
    every = {"nobody": 99, "mira": 20, "priya": 6}[asked.who]
    for at, door in enumerate(doors.doors()):
        if hasattr(door.view, "operations"):  # refuse what they do not know: `test_operations` sends it
            continue
        path = door.rooms(known)[0]
        asked.heard()
        answer = asked.ask("GET", path)
        if answer is None or answer.status_code != 200:
            continue
        heard = asked.heard()
        names = (heard - {"*"}) | (set(COMMON) if "*" in heard else set())
        for value in some(VALUES, at, every) if names else ():
            asked.ask("GET", path, dict.fromkeys(sorted(names), value))
        asked.ask("GET", path + RAW, check=unmoved(asked, before, path))
    asked.all_well()


@pytest.mark.parametrize("asked", ["priya"], indirect=True)
def test_hostile_headers(asked, world):
    known = doors.known(world)
    for at, door in enumerate(doors.doors()):
        for headers in some(HEADERS, at, 4):
            asked.ask("GET", door.rooms(known)[0], headers=headers)
    asked.all_well()


@pytest.mark.parametrize("asked", ["mira"], indirect=True)
@pytest.mark.case("L5")
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
    for at, door in enumerate(doors.doors()):
        unknown = 401 if door.is_api else 302
        may = {"nobody": (unknown,), "mira": (404, 403), "priya": (404,)}[asked.who]
        may = (403,) if door.is_signed else may  # whether it exists is not said
        if door.name in PRESSED_TWICE and asked.who != "nobody":
            may = (302,)
        nowhere = list(door.nowhere(known))
        for path in some(nowhere, at, 4) if asked.who == "priya" else nowhere[:1]:
            answer = asked.ask("GET", path)
            if answer is not None and answer.status_code == 405:
                answer = asked.ask("DELETE" if "DELETE" in getattr(door.view, "scopes", "") else "POST", path)
            told = (*may, 400) if door.is_api else may  # a body that cannot be read is told first
            asked.expect(answer is None or answer.status_code in told, f"{path[:120]}: {answer}")
    asked.all_well()


@pytest.mark.parametrize("asked", ["mira", "priya"], indirect=True)
@pytest.mark.case("C2")
def test_c2_only_posts_change_something(asked, world):
    """GET and HEAD of every view change nothing, and every other method is refused with 405."""
    known = doors.known(world)
    before = fingerprint()
    said = {"state": "closed", "to": "closed", "reason": "x", "tree_hash": "x", "head": "x", "on": "yes"}
    for number, door in enumerate(doors.doors()):
        path = door.rooms(known)[0]
        asked.ask(("GET", "HEAD")[number % 2], path, said, check=unmoved(asked, before, path))
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE")[number % 3 :: 2]:
            if door.is_api and method in door.view.scopes:
                continue
            answer = asked.ask(method, path)
            may = (405,) if asked.who == "priya" or door.policy == "public" else (403, 405)
            asked.expect(answer is not None and answer.status_code in may, f"{method} {path}: {answer}")
    asked.all_well()


@pytest.mark.case("Z1")
def test_anonymous_people_see_the_door_and_nothing_else(client, world):
    known = doors.known(world)
    for door in doors.doors():
        path = door.rooms(known)[0]
        for method in ("get", "post"):
            answer = getattr(client, method)(path)
            if door.policy == "public":
                assert answer.status_code in (200, 302, 404, 405, 422, 503), path
            elif door.is_signed:
                assert answer.status_code == (405 if method == "get" else 403), path
            elif door.is_api:
                assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="slipway"'), (
                    path
                )
            else:
                assert (answer.status_code, answer.url.split("?")[0]) == (302, "/sign-in/"), path

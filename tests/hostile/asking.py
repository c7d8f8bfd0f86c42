"""Asking the portal something it must survive, and remembering where it did not."""

import os
import re
import traceback
from collections.abc import Sequence
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.test import Client
from django.test.client import ClientHandler
from django.utils.functional import cached_property

DJANGOS = re.compile("This field is required|Enter a valid|Enter a whole|Select a valid|Ensure this value")
THOROUGH = os.environ.get("SLIPWAY_HOSTILE") == "all"


def some(values: Sequence[Any], at: int, every: int) -> Sequence[Any]:
    """Each `every`-th value, beginning elsewhere at each place; all with SLIPWAY_HOSTILE=all."""
    return values if THOROUGH else values[at % every :: every]


class Listening(QueryDict):
    """A query string that remembers what it was asked for; `*` is everything."""

    def __init__(self, *args: Any, heard: set[str] | None = None, **kwargs: Any) -> None:
        self.heard = set() if heard is None else heard
        super().__init__(*args, **kwargs)

    def __getitem__(self, key: str) -> Any:
        self.heard.add(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.heard.add(str(key))
        return super().__contains__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self.heard.add(key)
        return super().get(key, default)

    def getlist(self, key: str, default: Any = None) -> Any:
        self.heard.add(key)
        return super().getlist(key, default)

    def items(self) -> Any:
        self.heard.add("*")
        return super().items()


class ListeningRequest(WSGIRequest):
    """Builds its query string when it is first asked for, as every request does."""

    heard: set[str]

    @cached_property
    def GET(self) -> Listening:  # Django's name
        return Listening(self.META.get("QUERY_STRING", ""), encoding="utf-8", heard=self.heard)


class ListeningHandler(ClientHandler):
    """Django's test client, with a query string that listens."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.heard: set[str] = set()

    def get_response(self, request: HttpRequest) -> HttpResponse:
        request.__class__, request.heard = ListeningRequest, self.heard
        return super().get_response(request)


class Asked:
    """Asks through Django's client and undoes what an answer changed; `failures` are for one assertion."""

    def __init__(self, client: Client, who: str) -> None:
        client.handler = ListeningHandler(enforce_csrf_checks=False)
        self.client, self.who = client, who
        self.failures: list[str] = []
        self.count = 0

    def heard(self) -> set[str]:
        """The parameters that pages looked at since this was asked last."""
        heard, self.client.handler.heard = self.client.handler.heard, set()
        return heard

    def ask(self, method: str, path: str, data: Any = None, *, check: Any = None, **more: Any) -> Any:
        """The answer, or None where the portal fell over, which is noted. What it changed is undone.

        `check` is called with the answer while the change still stands. A program may be told (503) that
        somebody else is silent.
        """
        self.count += 1
        said = f"{self.who}: {method} {path[:150]} {_short(data)} {_short(more)}"
        cookies = _copied(self.client.cookies)
        with transaction.atomic():
            try:
                answer = getattr(self.client, method.lower())(path, data, **more)
                if check is not None:
                    check(answer)
            except Exception as error:
                self.failures.append(f"{said}: {type(error).__name__} {str(error)[:120]} at {_place(error)}")
                return None
            finally:
                transaction.set_rollback(True)
                self.client.cookies = cookies
        fine = answer.status_code < 500 or "/readyz" in path or _tells_of_silence(answer)
        self.expect(fine, f"{said}: {answer.status_code}")
        if answer.status_code == 422:
            self.expect(not DJANGOS.search(answer.content.decode()), f"{said}: refused in Django's words")
        if self.who != "nobody" and not path.startswith("/sign-out/"):
            self.expect(not answer.get("Location", "").startswith("/sign-in/"), f"{said}: asked to sign in")
        return answer

    def expect(self, holds: bool, said: str) -> None:
        if not holds:
            self.failures.append(said)

    def all_well(self) -> None:
        """Fail with what to read; each place is told three times at most."""
        by_place: dict[str, list[str]] = {}
        for failure in self.failures:
            by_place.setdefault(failure.rpartition(" at ")[2][:90], []).append(failure)
        lines = [line for several in by_place.values() for line in several[:3]]
        if lines:
            pytest.fail(
                "\n".join([f"{len(self.failures)} failures in {self.count} questions:", *lines]),
                pytrace=False,
            )


def _tells_of_silence(answer: Any) -> bool:
    is_json = answer.headers.get("Content-Type", "").endswith("json")
    return answer.status_code == 503 and is_json and b"does not answer" in answer.content


def _copied(cookies: SimpleCookie) -> SimpleCookie:
    copied = SimpleCookie()
    copied.update({name: morsel.copy() for name, morsel in cookies.items()})
    return copied


def _short(data: Any) -> str:
    return str(data)[:160] if data else ""


def _place(error: Exception) -> str:
    """Where in our own code it happened."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [
        f for f in frames if f.filename.rpartition("/tests/")[1] == "" and "site-packages" not in f.filename
    ]
    last = (ours or list(frames))[-1]
    return f"{'/'.join(last.filename.rsplit('/', 3)[1:])}:{last.lineno}"

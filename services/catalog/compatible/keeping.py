"""Answers that are ready, kept in this process as long as the catalog is in the state they were made of.

Everybody who may ask here sees the same, so an answer is nobody's in particular; whoever asks was let in
before. It was made after its revision was read, so it is never older than that.
"""

import threading
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase

from portal.shell.http import HttpRequest
from services.catalog.finding import revisions


class Asking(HttpRequest):
    """A request for an answer that may be `ready`; `revision` is that of the catalog when it came."""

    revision: int


View = Callable[..., HttpResponseBase]
MOST: Final = 16 * 1024 * 1024  # bytes of answers in one process
LONGEST: Final = 512 * 1024  # of one
MOST_NUMBERS: Final = 2000
LONGEST_BODY: Final = 16 * 1024


class Kept:
    """What was made of one revision; another one begins anew."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begin(None)

    def _begin(self, revision: int | None) -> None:
        self.revision, self.weight = revision, 0
        self.answers: dict[Any, tuple[bytes, str, str]] = {}
        self.numbers: dict[Any, Any] = {}

    def answer(self, revision: int, key: Any) -> tuple[bytes, str, str] | None:
        with self._lock:
            return self.answers.get(key) if revision == self.revision else None

    def keep(self, revision: int, key: Any, answer: tuple[bytes, str, str]) -> None:
        with self._lock:
            if revision != self.revision or self.weight > MOST:
                self._begin(revision)
            self.answers[key] = answer
            self.weight += len(answer[0])

    def known(self, revision: int | None, key: Any) -> Any:
        """A number, or several, that was noted for this revision; else None."""
        with self._lock:
            return self.numbers.get(key) if revision is not None and revision == self.revision else None

    def note(self, revision: int | None, key: Any, value: Any) -> None:
        if revision is None:
            return
        with self._lock:
            if revision != self.revision or len(self.numbers) > MOST_NUMBERS:
                self._begin(revision)
            self.numbers[key] = value


kept = Kept()


def ready(view: View) -> View:
    """Answer what was answered before without running the view; with `revision` on the request for others."""

    @wraps(view)
    def answering(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        key, revision = _key(request), revisions.of(request)
        request.revision = revision  # type: ignore[attr-defined]  # for the view
        if key is None:
            return view(request, *args, **kwargs)
        if found := kept.answer(revision, key):
            return _response(*found)
        response = view(request, *args, **kwargs)
        if _is_keepable(response):
            kept.keep(revision, key, _said(response))
        return response

    return answering


def _key(request: HttpRequest) -> Any:
    """All that an answer depends on but the catalog; None for what is not worth keeping."""
    body = b""
    if request.method == "POST":
        length = request.META.get("CONTENT_LENGTH") or "0"
        if request.content_type != "application/json" or not length.isdecimal() or int(length) > LONGEST_BODY:
            return None
        body = request.body
    elif request.method not in ("GET", "HEAD"):
        return None
    return settings.BASE_URL, request.path_info, request.META.get("QUERY_STRING", ""), body


def _said(response: Any) -> tuple[bytes, str, str]:
    return response.content, response["Content-Type"], response.get("Link", "")


def _response(content: bytes, content_type: str, link: str) -> HttpResponse:
    response = HttpResponse(content, content_type=content_type)
    if link:
        response["Link"] = link
    return response


def _is_keepable(response: Any) -> bool:
    return response.status_code == 200 and not response.streaming and len(response.content) <= LONGEST

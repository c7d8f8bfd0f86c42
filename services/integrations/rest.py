"""Asking a git host over HTTP, every failure told as an `IntegrationError`.

Addresses are checked where the connection is made, redirects are not followed, an exchange ends in time and
in a bounded number of bytes, and the token goes to this one address only.
"""

import json
import ssl
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from django.conf import settings

from services.integrations import outbound
from services.integrations.errors import IntegrationError, NotFound, Refused, Unauthorised, Unavailable

VERSION = "2022-11-28"  # of GitHub's interface
LIMIT = 16 * 1024 * 1024
FILE_LIMIT = 5 * 1024 * 1024 + 1
PATIENCE = 3
LONGEST_WAIT, SECONDARY_WAIT = 3600.0, 60.0
MOST_PAGES = 500
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.InvalidURL)


class Malformed(IntegrationError):
    """An answer that is not what the interface promises."""


def checked_address(text: str) -> str:
    """The address of an API as it is asked. Raises ValueError for anything but plain http(s)."""
    parts = urlsplit(text.strip())
    odd = parts.username or parts.password or parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in ("http", "https") or not parts.hostname or odd or not text.isprintable():
        raise ValueError("Give the address of the git host, such as https://git.example.org.")
    _ = parts.port  # raises ValueError for one that is none
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise Malformed("The git host's answer is not JSON, or was cut off.") from error

    def rows(self) -> list[dict[str, Any]]:
        """The answer as a list of objects; anything else is Malformed."""
        found = self.json()
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            raise Malformed("The git host's answer is not a list.")
        return found

    def object(self) -> dict[str, Any]:
        found = self.json()
        if not isinstance(found, dict):
            raise Malformed("The git host's answer is not an object.")
        return found


@dataclass(frozen=True)
class Asked:
    """One request: what a test holds against the published interface, and nothing of a token."""

    method: str
    path: str
    params: Mapping[str, str]
    body: Any = None


class Pause:
    """Until when a host wants to be left alone."""

    def __init__(self) -> None:
        self._end = 0.0

    def check(self) -> None:
        """Raises RateLimited until the time the host named has come."""
        if (left := self._end - time.monotonic()) > 0:
            raise RateLimited("The git host wants to be asked less often.", retry_after=left)

    def keep(self, seconds: float) -> None:
        self._end = max(self._end, time.monotonic() + seconds)


class Http:
    """One git host. What is not a success is an error of the family."""

    def __init__(
        self,
        address: str,
        headers: Mapping[str, str] | Callable[[], Mapping[str, str]],
        resolve: outbound.Resolve = outbound.resolve,
        pause: Pause | None = None,
    ) -> None:
        self.address = checked_address(address)
        self.pause = pause or Pause()
        self._headers = headers if callable(headers) else lambda: headers
        guard = outbound.Guarded(settings.GIT_NETWORKS, resolve)
        verify = ssl.create_default_context() if self.address.startswith("https:") else False
        self._http = httpx.Client(
            headers={"Accept-Encoding": "identity", "User-Agent": "slipway"},
            timeout=settings.HTTP_TIMEOUT,
            transport=outbound.Transport(verify, guard),
            trust_env=False,
            follow_redirects=False,
        )

    def close(self) -> None:
        self._http.close()

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        limit: int = LIMIT,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """`path` below the address, or a whole address below it, as links to next pages are."""
        answer = self._exchange(Asked("GET", path, params or {}), limit, headers or {})
        if answer.status in (200, 304):
            return answer
        raise refusal(answer)

    def find(self, path: str, params: Mapping[str, str] | None = None) -> Answer | None:
        """`get`, and None for what is not there."""
        try:
            return self.get(path, params)
        except NotFound:
            return None

    def send(self, method: str, path: str, body: Any, also: Collection[int] = ()) -> Answer:
        """What changes something. Answers any success, and the refusals in `also`.

        Whatever else may have happened is `outcome_unknown`: lost answers, and those of a server in trouble.
        """
        answer = self._exchange(Asked(method, path, {}, body), LIMIT, {})
        if answer.status in also:
            return answer
        if not 200 <= answer.status < 300:
            raise refusal(answer, sent=True)
        return _plainly(answer)

    def _exchange(self, asked: Asked, limit: int, headers: Mapping[str, str]) -> Answer:
        self.pause.check()
        url = self._url(asked.path)
        known, each = {**self._headers(), **headers}, settings.HTTP_TIMEOUT
        sends = asked.method != "GET"
        try:
            request = self._http.build_request(
                asked.method,
                url,
                params=asked.params or None,
                json=asked.body,
                headers=known,
                timeout=outbound.timeout(each, each * PATIENCE),
            )
            answer = self._answer(request, limit)
        except (outbound.AddressRefused, Malformed) as error:
            error.outcome_unknown = sends and isinstance(error, Malformed)
            raise
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            lost = sends and not isinstance(error, NOT_SENT)
            told = f"The git host cannot be asked ({type(error).__name__})."
            raise Unavailable(told, outcome_unknown=lost) from error
        self._mind(answer)
        return answer

    def _url(self, path: str) -> str:
        if not path.startswith("/") and not path.startswith(f"{self.address}/"):
            raise Malformed("The git host leads elsewhere than to itself.")
        return path if not path.startswith("/") else self.address + path

    def _answer(self, request: httpx.Request, limit: int) -> Answer:
        response = self._http.send(request, stream=True)
        try:
            return Answer(response.status_code, response.headers, _whole(response, limit))
        finally:
            response.close()

    def _mind(self, answer: Answer) -> None:
        """Leaves the host alone when it says so, also when it says so in time."""
        left = answer.headers.get("x-ratelimit-remaining", answer.headers.get("ratelimit-remaining"))
        if _is_limit(answer) or left == "0":
            self.pause.keep(_wait(answer.headers))

    def pages(
        self, path: str, params: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> Iterator[Answer]:
        """Page after page, as the host's `Link` or `x-next-page` leads."""
        answer = self.get(path, params, headers=headers)
        for _ in range(MOST_PAGES):
            yield answer
            if link := _next_link(answer.headers.get("link", "")):
                answer = self.get(link)
            elif following := answer.headers.get("x-next-page", ""):
                answer = self.get(path, {**params, "page": following})
            else:
                return
        raise Malformed(f"The git host has more than {MOST_PAGES} pages.")

    def rows(self, path: str, params: Mapping[str, str]) -> list[dict[str, Any]]:
        """Every row of every page."""
        return [row for page in self.pages(path, params) for row in page.rows()]


def segment(text: str) -> str:
    """One segment of a path, whatever is in it; dots alone would lead elsewhere."""
    if not {"", ".", ".."}.isdisjoint(text.split("/")):
        raise NotFound("There is nothing of that name.")
    return quote(text, safe="")


def segments(text: str) -> str:
    return "/".join(segment(part) for part in text.split("/"))


def _next_link(header: str) -> str:
    for part in header.split(","):
        address, _, about = part.partition(";")
        if 'rel="next"' in about.replace("rel=next", 'rel="next"'):
            return address.strip().strip("<>")
    return ""


def _whole(response: httpx.Response, limit: int) -> bytes:
    if response.headers.get("content-encoding", "identity") != "identity":
        raise Malformed("The git host's answer is packed, unasked.")
    found = bytearray()
    for chunk in response.iter_raw():
        found += chunk
        if len(found) > limit:
            raise Malformed(f"The git host's answer is larger than {limit // 1024 // 1024} MB.")
    return bytes(found)


def _plainly(answer: Answer) -> Answer:
    """A success is empty or JSON: a page to sign in at is none."""
    if answer.body:
        try:
            answer.json()
        except Malformed as error:
            error.outcome_unknown = True
            raise
    return answer


def refusal(answer: Answer, sent: bool = False) -> IntegrationError:
    """The error that an answer stands for; `sent` when it answers something that changes the host."""
    if _is_limit(answer):
        return RateLimited("The git host wants to be asked less often.", retry_after=_wait(answer.headers))
    if answer.status in (401, 403):
        return Unauthorised("The git host refuses the token: it is missing, expired or may do too little.")
    if answer.status == 409:
        return Unavailable(said_by(answer)) if sent else NothingThere("There is no commit yet.")
    if answer.status in (404, 410):
        return NotFound("The git host knows nothing of that name, or does not show it to us.")
    if 300 <= answer.status < 400:
        return Refused("The git host sends us elsewhere: it was renamed or moved.")
    if answer.status >= 500:
        told = f"The git host is in trouble (status {answer.status})."
        return Unavailable(told, retry_after=_asked_for(answer.headers), outcome_unknown=sent)
    return Refused(said_by(answer) if sent else f"The git host refuses (status {answer.status}).")


def said_by(answer: Answer) -> str:
    """What the host says is wrong, on one line and short; it may be anything."""
    try:
        body = answer.object()
    except Malformed:
        body = {}
    told = " ".join(str(body.get("message") or body.get("error") or "").split())
    clean = "".join(letter for letter in told if letter.isprintable())[:200]
    return f"The git host refuses (status {answer.status}){': ' + clean if clean else '.'}"


def _is_limit(answer: Answer) -> bool:
    """429; or 403 with a sign of a limit: GitHub's secondary limits say so in words alone."""
    if answer.status == 429:
        return True
    exhausted = answer.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in answer.headers
    return answer.status == 403 and (exhausted or b"rate limit" in answer.body[:2000].lower())


class NothingThere(NotFound):
    """The repository is empty."""


class RateLimited(Unavailable):
    """Nothing is asked of this host before the time it names."""


def _wait(headers: Mapping[str, str]) -> float:
    """Seconds until the host wants to be asked again: as it says, in either way, else a minute."""
    found = _asked_for(headers)
    return SECONDARY_WAIT if found is None else found


def _asked_for(headers: Mapping[str, str]) -> float | None:
    for name in ("retry-after", "x-ratelimit-reset", "ratelimit-reset"):
        value = headers.get(name, "")
        if value.isascii() and value.isdigit() and len(value) < 12:
            seconds = float(value) if name == "retry-after" else float(value) - time.time()
            return min(max(seconds, 1.0), LONGEST_WAIT)
    return None

"""Asking Slack's Web API, every failure told as an `IntegrationError` with Slack's own word for it in `code`.

Slack answers 200 to nearly everything: what counts is `ok`. The token goes to the address of the API alone;
answers to commands go without it, and only to Slack's own host for them.
"""

import json
import ssl
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.db.models import Max
from django.utils import timezone

from services.effects import crashpoints, silences
from services.effects.models import Silence
from services.integrations import outbound
from services.integrations.errors import IntegrationError, NotFound, Refused, Unauthorised, Unavailable

OFFICIAL, ANSWERS = "slack.com", "hooks.slack.com"
# Another address than Slack's own was set by whoever runs the portal.
ANYWHERE = ("0.0.0.0/0", "::/0")
LIMIT = 8 * 1024 * 1024
MOST_PAGES = 50
WAIT = 30.0
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.InvalidURL)
# What only reads takes a form; Slack knows no JSON there.
READS = frozenset(
    {
        "auth.test", "chat.getPermalink", "conversations.history", "conversations.info",
        "conversations.replies", "reactions.get",
        "usergroups.users.list", "users.info", "users.lookupByEmail",
    }
)  # fmt: skip
NO_RIGHT = frozenset(
    {
        "access_denied", "account_inactive", "ekm_access_denied", "invalid_auth", "missing_scope",
        "no_permission", "not_allowed_token_type", "not_authed", "team_access_not_granted", "token_expired",
        "token_revoked",
    }
)  # fmt: skip
TROUBLE = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable"})
crashpoints.declare("slack.asking", "slack.asked")


class RateLimited(Unavailable):
    """Slack wants this method to be asked later; nothing was done."""


class Slack:
    """One workspace, as the app that the token is of."""

    def __init__(self, token: str = "", address: str = "") -> None:
        self.address = (address or settings.SLACK_ADDRESS).rstrip("/")
        self.host = urlsplit(self.address).hostname or ""
        self._token = token or settings.SLACK_TOKEN
        guard = outbound.Guarded(() if self.host == OFFICIAL else ANYWHERE)
        verify = _trusted() if self.address.startswith("https:") else False
        self._http = httpx.Client(
            headers={"Accept-Encoding": "identity", "User-Agent": "slipway"},
            timeout=settings.HTTP_TIMEOUT,
            transport=outbound.Transport(verify, guard),
            trust_env=False,
            follow_redirects=False,
        )

    def __enter__(self) -> "Slack":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def call(self, method: str, **said: Any) -> dict[str, Any]:
        """What Slack answers. What is None is not said. Raises RateLimited, NotFound, Unauthorised, Refused
        or Unavailable, the latter with `outcome_unknown` where something may have been done.
        """
        _respect_silence(method)
        given = {name: value for name, value in said.items() if value is not None}
        sends = method not in READS
        body = {"json": given} if sends else {"data": {name: _as_form(each) for name, each in given.items()}}
        headers = {"Authorization": f"Bearer {self._token}"}
        if sends:
            crashpoints.reached("slack.asking")
        answer = self._exchange(f"{self.address}/{method}", headers, body, sends=sends)
        if sends:
            crashpoints.reached("slack.asked")
        try:
            return _judged(method, answer, sends=sends)
        except RateLimited as error:
            silences.keep(_silence(method), error)
            raise

    def rows(self, method: str, key: str, **said: Any) -> Iterator[dict[str, Any]]:
        """Every row under `key`, page after page."""
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            found = self.call(method, cursor=cursor, **said)
            yield from (row for row in found.get(key) or [] if isinstance(row, dict))
            about = found.get("response_metadata")
            cursor = about.get("next_cursor") if isinstance(about, dict) else None
            if not cursor:
                return
        raise Refused(f"Slack has more than {MOST_PAGES} pages of {method}.")

    def answer(self, url: str, **said: Any) -> None:
        """Say something where a command or shortcut came from; refused (Refused) at any other address."""
        if not is_slacks(url, self.address):
            raise Refused("The address to answer to is none of Slack's.")
        answer = self._exchange(url, {}, {"json": said}, sends=True)
        if answer.status_code == 429:
            raise _limited("its answers", answer)
        if answer.status_code >= 500:
            raise Unavailable(f"Slack is in trouble (status {answer.status_code}).", outcome_unknown=True)
        if answer.status_code != 200:
            raise Refused(f"Slack takes no answer there any more (status {answer.status_code}).")

    def _exchange(
        self, url: str, headers: Mapping[str, str], body: Mapping[str, Any], *, sends: bool
    ) -> httpx.Response:
        each = settings.HTTP_TIMEOUT
        try:
            wait = outbound.timeout(each, each * 2)
            request = self._http.build_request("POST", url, headers=headers, timeout=wait, **body)
            response = self._http.send(request, stream=True)
            try:
                response._content = _whole(response)
            finally:
                response.close()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            lost = sends and not isinstance(error, NOT_SENT)
            told = f"Slack cannot be asked ({type(error).__name__})."
            raise Unavailable(told, outcome_unknown=lost) from error
        return response


@cache
def _trusted() -> ssl.SSLContext:
    """Whom the machine trusts; read once, for it takes a while."""
    return ssl.create_default_context()


def is_slacks(url: str, address: str) -> bool:
    """Whether answers may go there: to Slack's own host for them, or beside another address of the API."""
    parts, here = urlsplit(url), urlsplit(address)
    wanted = ("https", ANSWERS) if here.hostname == OFFICIAL else (here.scheme, here.netloc)
    return (parts.scheme, parts.netloc) == wanted


def _whole(response: httpx.Response) -> bytes:
    found = bytearray()
    for chunk in response.iter_raw():
        found += chunk
        if len(found) > LIMIT:
            raise httpx.ReadError("too much")
    return bytes(found)


def _as_form(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _judged(method: str, answer: httpx.Response, *, sends: bool) -> dict[str, Any]:
    if answer.status_code == 429:
        raise _limited(method, answer)
    if answer.status_code >= 500:
        told = f"Slack is in trouble (status {answer.status_code})."
        raise Unavailable(told, outcome_unknown=sends)
    try:
        said = json.loads(answer.content)
    except (ValueError, RecursionError) as error:
        raise Unavailable("Slack's answer cannot be read.", outcome_unknown=sends) from error
    if not isinstance(said, dict):
        raise Unavailable("Slack's answer is no object.", outcome_unknown=sends)
    if said.get("ok") is not True:
        raise _refusal(method, said, answer, sends=sends)
    return said


def _refusal(
    method: str, said: Mapping[str, Any], answer: httpx.Response, *, sends: bool
) -> IntegrationError:
    code = str(said.get("error") or "no reason")[:80]
    if code in ("ratelimited", "rate_limited"):
        return _limited(method, answer)
    error: IntegrationError
    if code in TROUBLE:
        error = Unavailable(f"Slack is in trouble ({code}).", outcome_unknown=sends)
    elif code in NO_RIGHT:
        needed = f", it needs {said['needed']}" if said.get("needed") else ""
        error = Unauthorised(f"Slack refuses the token for {method} ({code}{needed})."[:300])
    elif code.endswith("_not_found") or code == "no_such_subteam":
        error = NotFound(f"Slack does not know it ({method}: {code}).")
    else:
        error = Refused(f"Slack refuses {method} ({code}).")
    error.code = code
    return error


def _limited(what: str, answer: httpx.Response) -> RateLimited:
    value = answer.headers.get("Retry-After", "")
    wait = float(value) if value.isascii() and value.isdigit() and len(value) < 7 else WAIT
    return RateLimited(f"Slack wants to be asked for {what} less often.", retry_after=max(wait, 1.0))


def _silence(method: str) -> str:
    return f"slack {method}"


def _respect_silence(method: str) -> None:
    """Every process waits when one of them was told to."""
    found = Silence.objects.filter(about=_silence(method)).aggregate(until=Max("until"))["until"]
    left = found - timezone.now() if found else timedelta()
    if left > timedelta():
        raise RateLimited(f"Slack wants to be asked for {method} later.", retry_after=left.total_seconds())

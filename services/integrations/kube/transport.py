"""One HTTP exchange with an API server, every failure told as a `KubeError`."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from services.integrations.kube import errors
from services.integrations.kube.objects import Json

MUTATING = {"POST", "PUT", "PATCH", "DELETE"}
# Failures before anything could have been sent.
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
LOG_LIMIT = 256 * 1024


def _context(ca: str) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=ca) if ca else ssl.create_default_context()


def make_http(server: str, token: str, ca: str, timeout: float) -> httpx.Client:
    """No proxies, no netrc, no redirects: the token goes to this server only."""
    headers = {"Accept": "application/json", "User-Agent": "slipway"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return httpx.Client(
        base_url=server,
        headers=headers,
        timeout=httpx.Timeout(timeout, connect=min(timeout, 5.0)),
        verify=_context(ca) if server.startswith("https:") else False,
        trust_env=False,
        follow_redirects=False,
    )


def _retry_after(response: httpx.Response) -> float | None:
    value = response.headers.get("retry-after", "")
    return float(value) if value.isascii() and value.isdigit() else None


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def raise_for(response: httpx.Response, *, mutating: bool) -> None:
    """Anything but 2xx becomes an error of the family."""
    if not response.is_success:
        raise errors.from_status(
            response.status_code, _json(response), mutating=mutating, retry_after=_retry_after(response)
        )


def _told(error: httpx.HTTPError, *, mutating: bool) -> errors.KubeError:
    name = type(error).__name__
    if isinstance(error, NOT_SENT):
        return errors.Unreachable(f"The cluster cannot be reached ({name}).", reason=name)
    return errors.LostReply(f"The cluster's answer was lost ({name}).", reason=name, outcome_unknown=mutating)


@contextmanager
def telling(*, mutating: bool) -> Iterator[None]:
    """Turn httpx's exceptions into ours."""
    try:
        yield
    except httpx.HTTPError as error:
        raise _told(error, mutating=mutating) from error


def exchange(
    http: httpx.Client,
    method: str,
    path: str,
    *,
    params: Mapping[str, str] | None = None,
    body: bytes | None = None,
    content_type: str = "application/json",
    accept: str = "",
) -> httpx.Response:
    mutating = method in MUTATING
    headers = {"Content-Type": content_type} if body is not None else {}
    headers |= {"Accept": accept} if accept else {}
    with telling(mutating=mutating):
        response = http.request(method, path, params=dict(params or {}), content=body, headers=headers)
    raise_for(response, mutating=mutating)
    return response


def decoded(response: httpx.Response, *, mutating: bool) -> Json:
    """The answer as an object; anything else is Malformed."""
    body = _json(response)
    if not isinstance(body, dict):
        raise errors.Malformed("The cluster's answer is not a JSON object.", outcome_unknown=mutating)
    return body

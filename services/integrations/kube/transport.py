"""One HTTP exchange with an API server, every failure told as a `KubeError`.

Nothing the other side does can hold us for longer, or fill more memory, than is said here.
"""

import json
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

import httpx
from django.conf import settings

from services.integrations import outbound
from services.integrations.kube import errors
from services.integrations.kube.objects import UNREADABLE, Json

MUTATING = {"POST", "PUT", "PATCH", "DELETE"}
# Failures before anything could have been sent.
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
LOG_LIMIT = 256 * 1024
ANSWER_LIMIT = 32 * 1024 * 1024
REFUSAL_LIMIT = 1024 * 1024
# An object has at most 1.5 MiB in etcd; written as JSON in an event it may be a few times as large.
EVENT_LIMIT = 8 * 1024 * 1024
# All of an exchange may take this many times the time-out of one read.
PATIENCE = 3
LONGEST_WAIT = 3600.0
_ESCAPED = re.compile(rb"\\u(0000|[dD][89a-fA-F])")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def _context(ca: str) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=ca) if ca else ssl.create_default_context()


def make_http(
    server: str, token: str, ca: str, timeout: float, resolve: outbound.Resolve = outbound.resolve
) -> httpx.Client:
    """No proxies, no netrc, no redirects, no compression: the token goes to this server only."""
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "slipway"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    guard = outbound.Guarded(settings.CLUSTER_NETWORKS, resolve)
    verify = _context(ca) if server.startswith("https:") else False
    try:
        return httpx.Client(
            base_url=server,
            headers=headers,
            timeout=timeout,
            transport=outbound.Transport(verify, guard),
            trust_env=False,
            follow_redirects=False,
        )
    except httpx.InvalidURL as error:
        raise errors.WrongAddress(f"{server[:80]} is no address.") from error


def _retry_after(response: httpx.Response) -> float | None:
    value = response.headers.get("retry-after", "")
    return min(float(value), LONGEST_WAIT) if value.isascii() and value.isdigit() else None


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


def parsed(raw: bytes) -> Any:
    """The JSON value, None for what is none: broken, too deep, or with a NaN.

    Characters that no database keeps (NUL, halves of a surrogate pair) are replaced.
    """
    try:
        value = json.loads(raw, parse_constant=_no_number)
        return _storable(value) if _ESCAPED.search(raw) else value
    except (ValueError, RecursionError):
        return None


def _storable(value: Any) -> Any:
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, str):
        return _UNSTORABLE.sub(UNREADABLE, value)
    return value


def _is_secret(path: str) -> bool:
    return "secrets" in path.split("/")


def _told(error: httpx.HTTPError, *, mutating: bool) -> errors.KubeError:
    name = type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return errors.Unreachable("The cluster's certificate is not one we trust.", reason="Certificate")
    if isinstance(error, NOT_SENT):
        return errors.Unreachable(f"The cluster cannot be reached ({name}).", reason=name)
    return errors.LostReply(f"The cluster's answer was lost ({name}).", reason=name, outcome_unknown=mutating)


@contextmanager
def telling(*, mutating: bool) -> Iterator[None]:
    """Turn httpx's exceptions, and a refused address, into ours."""
    try:
        yield
    except httpx.HTTPError as error:
        raise _told(error, mutating=mutating) from error
    except outbound.AddressRefused as error:
        raise errors.WrongAddress(str(error)) from error


@contextmanager
def opened(http: httpx.Client, request: httpx.Request) -> Iterator[httpx.Response]:
    """The answer, its body unread. Anything but 2xx becomes an error of the family."""
    mutating = request.method in MUTATING
    with telling(mutating=mutating):
        response = http.send(request, stream=True)
        try:
            _check_plain(response, mutating=mutating)
            if not response.is_success:
                raise _refusal(response, request.url.path, mutating=mutating)
            yield response
        finally:
            response.close()


def _check_plain(response: httpx.Response, *, mutating: bool) -> None:
    if response.headers.get("content-encoding", "identity") != "identity":
        raise errors.Malformed("The cluster's answer is packed, unasked.", outcome_unknown=mutating)


def _refusal(response: httpx.Response, path: str, *, mutating: bool) -> errors.KubeError:
    return errors.from_status(
        response.status_code,
        parsed(whole(response, REFUSAL_LIMIT, mutating=mutating)),
        mutating=mutating,
        retry_after=_retry_after(response),
        secret=_is_secret(path),
    )


def whole(response: httpx.Response, limit: int, *, mutating: bool) -> bytes:
    found = bytearray()
    for chunk in response.iter_raw():
        found += chunk
        if len(found) > limit:
            raise errors.TooLarge(
                f"The cluster's answer is larger than {limit} bytes.", outcome_unknown=mutating
            )
    return bytes(found)


def lines(response: httpx.Response) -> Iterator[bytes]:
    """Each line of an answer that goes on; one that does not end is Malformed."""
    rest = bytearray()
    for chunk in response.iter_raw():
        rest += chunk
        if b"\n" in chunk:
            *found, rest = rest.split(b"\n")
            yield from (bytes(line) for line in found if line.strip())
        if len(rest) > EVENT_LIMIT:
            raise errors.Malformed(f"An event is larger than {EVENT_LIMIT} bytes.")
    if rest.strip():
        yield bytes(rest)


def exchange(
    http: httpx.Client,
    method: str,
    path: str,
    *,
    params: Mapping[str, str] | None = None,
    body: bytes | None = None,
    content_type: str = "application/json",
    accept: str = "",
    limit: int | None = None,
) -> bytes:
    headers = {"Content-Type": content_type} if body is not None else {}
    headers |= {"Accept": accept} if accept else {}
    each = http.timeout.read or 0.0
    request = http.build_request(
        method,
        path,
        params=dict(params or {}),
        content=body,
        headers=headers,
        timeout=outbound.timeout(each, each * PATIENCE),
    )
    with opened(http, request) as response:
        return whole(response, limit or ANSWER_LIMIT, mutating=method in MUTATING)


def decoded(raw: bytes, *, mutating: bool) -> Json:
    """The answer as an object; anything else is Malformed."""
    body = parsed(raw)
    if not isinstance(body, dict):
        raise errors.Malformed("The cluster's answer is not a JSON object.", outcome_unknown=mutating)
    return body

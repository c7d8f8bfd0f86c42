"""HTTP to servers that people name: addresses are checked where the connection is made, and time runs out.

What httpx leaves open is closed here. It resolves a name itself, so a check of the name checks nothing; its
time-outs begin anew with each byte, so an answer of a byte a second never ends.
"""

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self

import httpcore
import httpx

from services.integrations.addresses import refused
from services.integrations.errors import Refused

Resolve = Callable[[str, int], Sequence[tuple[Any, ...]]]
# A connection for each watch of a cluster's client, and some to ask with; idle ones are not trusted for long.
CONNECTIONS, IDLE, IDLE_FOR = 100, 20, 5.0
ADDRESSES = 4  # of a name are tried, all within the time for connecting


class AddressRefused(Refused):
    """The name stands for an address that no server may have here."""


def resolve(host: str, port: int) -> Sequence[tuple[Any, ...]]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


class Until(float):
    """A time-out for each read in seconds, and one for all of them together."""

    end: float

    def __new__(cls, each: float, total: float) -> Self:
        made = super().__new__(cls, each)
        made.end = time.monotonic() + total
        return made

    def left(self) -> float:
        return min(float(self), self.end - time.monotonic())


def timeout(each: float, total: float) -> httpx.Timeout:
    """For one exchange: `each` read or write, `total` for all of it from now."""
    until = Until(each, total)
    return httpx.Timeout(each, connect=min(each, 5.0), read=until, write=until)


class _Stream(httpcore.NetworkStream):
    """A connection whose reads and writes respect `Until`."""

    def __init__(self, below: httpcore.NetworkStream) -> None:
        self._below = below

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._below.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._below.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._below.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._below.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._below.get_extra_info(info)


def _left(timeout: float | None, over: type[httpcore.TimeoutException]) -> float | None:
    left = timeout.left() if isinstance(timeout, Until) else timeout
    if left is not None and left <= 0:
        raise over("no time left for this exchange")
    return left


class Guarded(httpcore.NetworkBackend):
    """Resolves once, refuses a name any of whose addresses is refused, and connects to what was checked."""

    def __init__(self, networks: Iterable[str], resolve: Resolve = resolve) -> None:
        self._networks = list(networks)
        self._resolve = resolve
        self._below = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        trouble: Exception = httpcore.ConnectError(f"{host} has no address")
        until = None if timeout is None else Until(timeout, timeout)
        for address in self._checked(host, port)[:ADDRESSES]:
            try:
                left = _left(until, httpcore.ConnectTimeout)
                return _Stream(self._below.connect_tcp(address, port, left, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                trouble = error
        raise trouble

    def _checked(self, host: str, port: int) -> list[str]:
        try:
            found = [str(entry[4][0]) for entry in self._resolve(host, port)]
        except (OSError, UnicodeError) as error:  # UnicodeError: a label that is empty or too long
            raise httpcore.ConnectError(f"{host} cannot be resolved") from error
        for address in found:
            if why := refused(address, self._networks):
                raise AddressRefused(f"{host} is {address}: {why}, which is not allowed here.")
        return found


class Transport(httpx.HTTPTransport):
    """httpx's own over guarded connections."""

    def __init__(self, verify: ssl.SSLContext | bool, backend: Guarded) -> None:
        super().__init__(verify=verify, trust_env=False)
        context = verify if isinstance(verify, ssl.SSLContext) else None
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=CONNECTIONS,
            max_keepalive_connections=IDLE,
            keepalive_expiry=IDLE_FOR,
            network_backend=backend,
        )

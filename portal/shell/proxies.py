"""Where a request comes from, when proxies of one's own stand before the portal."""

from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest


def address_of(request: HttpRequest) -> str:
    """The nearest address that is no proxy of ours (`SLIPWAY_PROXIES`); what others claim is not believed."""
    near = str(request.META.get("REMOTE_ADDR") or "")
    claimed = str(request.META.get("HTTP_X_FORWARDED_FOR") or "").split(",")
    while _is_ours(near, tuple(settings.PROXIES)) and claimed:
        further = claimed.pop().strip()
        if not _is_address(further):
            break
        near = further
    return near


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_ours(address: str, proxies: tuple[str, ...]) -> bool:
    return _is_address(address) and any(ip_address(address) in network for network in _networks(proxies))


@cache
def _networks(proxies: tuple[str, ...]) -> list[IPv4Network | IPv6Network]:
    return [ip_network(proxy.strip(), strict=False) for proxy in proxies]

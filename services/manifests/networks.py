"""Address ranges as expressions have them: texts such as `10.20.0.0/16`."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network

MOST_TRIED = 4_096  # ranges looked at before giving up


def _network(value: str) -> IPv4Network | IPv6Network:
    return ip_network(value, strict=True)


def is_network(value: str) -> bool:
    try:
        return "/" in value and str(_network(value)) == value
    except ValueError:
        return False


def mended(value: str) -> str:
    """The range an address lies in, where it says how long the prefix is; else the text as it was."""
    try:
        return str(ip_network(value.strip(), strict=False))
    except ValueError:
        return value


def overlaps(one: str, other: str) -> bool:
    """Whether two ranges share an address; those of two versions never do."""
    left, right = _network(one), _network(other)
    if isinstance(left, IPv4Network):
        return isinstance(right, IPv4Network) and left.overlaps(right)
    return isinstance(right, IPv6Network) and left.overlaps(right)


def addresses(value: str) -> int:
    return min(_network(value).num_addresses, 2**53)


def free_range(pool: str, prefix: int, taken: Sequence[str]) -> str | None:
    """The first range of this length in the pool that overlaps none of those taken; null when it is full."""
    inside, used = _network(pool), [_network(each) for each in taken]
    if not inside.prefixlen <= prefix <= inside.max_prefixlen:
        return None
    size, at = 2 ** (inside.max_prefixlen - prefix), int(inside.network_address)
    end = int(inside.broadcast_address)
    for _ in range(MOST_TRIED):
        hit = next((each for each in used if each.version == inside.version and _meets(each, at, size)), None)
        if at + size - 1 > end:
            return None
        if hit is None:
            return str(ip_network((at, prefix)))
        at = -(-(int(hit.broadcast_address) + 1) // size) * size
    return None


def _meets(used: IPv4Network | IPv6Network, at: int, size: int) -> bool:
    return int(used.network_address) < at + size and at <= int(used.broadcast_address)

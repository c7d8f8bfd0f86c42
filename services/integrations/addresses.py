"""Which addresses a server named by people may have, judged after resolving: text proves nothing.

Private networks are allowed by name, for that is where clusters live; a cloud's metadata never is.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
# Metadata services outside of the link-local networks: AWS, Google, Alibaba, Oracle; the host's one of Azure.
METADATA = {
    ip_address(a)
    for a in ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "192.0.0.192", "168.63.129.16")
}
# Special purposes that `is_global` of Python 3.11 does not know.
SPECIAL = [ip_network(n) for n in ("192.0.0.0/24", "64:ff9b:1::/48", "fec0::/10")]
_NAT64, _COMPATIBLE = IPv6Network("64:ff9b::/96"), IPv6Network("::/96")


def refused(text: str, networks: Iterable[str]) -> str:
    """Why a resolved address may not be connected to; empty when it may, being public or in `networks`."""
    address = _unwrapped(ip_address(text.partition("%")[0]))
    if address.is_loopback:
        why = "this machine itself"
    elif address.is_link_local or address in METADATA:
        return "a link-local or metadata address"
    elif address.is_multicast or address.is_unspecified:
        return "no address of one machine"
    else:
        why = "" if _is_public(address) else "a network that is not public"
    return "" if any(address in ip_network(network) for network in networks) else why


def _is_public(address: Address) -> bool:
    return address.is_global and not address.is_reserved and not any(address in net for net in SPECIAL)


def _unwrapped(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one: mapped, compatible, NAT64 or 6to4."""
    if isinstance(address, IPv4Address):
        return address
    number = int(address)
    if address in _NAT64 or (address in _COMPATIBLE and number > 1):
        return IPv4Address(number & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address

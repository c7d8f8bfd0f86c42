"""Which texts are addresses to a browser: the parser of https://url.spec.whatwg.org, only its yes or no.

Backstage asks `new URL(text)`, whose answers differ from Python's in ways that real files meet: a host may be
percent-encoded, a number may be an IPv4 address, other schemes may have no host at all.
"""

import re
from ipaddress import AddressValueError, IPv6Address
from urllib.parse import unquote_to_bytes

import idna

SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
SPECIAL = {"http", "https", "ws", "wss", "ftp"}
AROUND = "".join(map(chr, range(0x21)))
DROPPED = re.compile(r"[\t\n\r]")
NOT_IN_HOSTS = re.compile(r"[\x00\t\n\r #/:<>?@\[\\\]^|]")
NOT_IN_DOMAINS = re.compile(r"[\x00-\x20\x7f%#/:<>?@\[\\\]^|]")
NUMBERS = (
    (re.compile(r"0[xX]([0-9a-fA-F]{0,20})\Z"), 16),
    (re.compile(r"0([0-7]{1,20})\Z"), 8),
    (re.compile(r"([1-9][0-9]{0,20}|0)\Z"), 10),
)
JOINERS = "\u200c\u200d"
DRIVE = re.compile(r"[a-zA-Z][:|]\Z")


def is_url(value: object) -> bool:
    """Whether `new URL(value)` of a browser takes it: absolute, and a host where one is due."""
    if not isinstance(value, str):
        return False
    text = DROPPED.sub("", value.strip(AROUND))
    scheme = SCHEME.match(text)
    if not scheme:
        return False
    name, rest = scheme[1].lower(), text[scheme.end() :]
    if name == "file":
        return _is_file(rest)
    if name in SPECIAL:
        return _is_authority(re.split(r"[/\\?#]", rest.lstrip("/\\"), maxsplit=1)[0], special=True)
    return not rest.startswith("//") or _is_authority(re.split(r"[/?#]", rest[2:], maxsplit=1)[0], False)


def _is_file(rest: str) -> bool:
    if not re.match(r"[/\\]{2}", rest):
        return True
    host = re.split(r"[/\\?#]", rest[2:], maxsplit=1)[0]
    return not host or bool(DRIVE.match(host)) or _is_host(host, special=True)


def _is_authority(text: str, special: bool) -> bool:
    """`user@host:port`; a host may be missing only where the scheme is not the web's."""
    _, at, place = text.rpartition("@")
    if not place:
        return not at and not special
    host, port = _split(place)
    return bool(host) and _is_port(port) and _is_host(host, special)


def _is_port(text: str) -> bool:
    digits = text.lstrip("0")
    return not text or (bool(re.fullmatch("[0-9]+", text)) and len(digits) < 6 and int(digits or 0) < 65536)


def _split(place: str) -> tuple[str, str]:
    """Host and port, at the first colon outside of brackets."""
    inside = False
    for number, letter in enumerate(place):
        if letter in "[]":
            inside = letter == "["
        elif letter == ":" and not inside:
            return place[:number], place[number + 1 :]
    return place, ""


def _is_host(host: str, special: bool) -> bool:
    if host.startswith("["):
        return host.endswith("]") and _is_ipv6(host[1:-1])
    if not special:
        return not NOT_IN_HOSTS.search(host)
    domain = _to_ascii(unquote_to_bytes(host.encode("utf-8", "replace")).decode("utf-8", "replace"))
    if not domain or NOT_IN_DOMAINS.search(domain):
        return False
    return not _ends_in_number(domain) or _is_ipv4(domain)


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return "%" not in text


def _to_ascii(domain: str) -> str:
    """A domain in lower case with its letters beyond ASCII mapped; empty when it may not be one."""
    if domain.isascii() and "xn--" not in domain.lower():
        return domain.lower()
    try:
        mapped = _mapped(domain)
        return mapped if all(map(_is_label, mapped.split("."))) else ""
    except ValueError:  # IDNAError and UnicodeError are such, and so is what unicodedata says
        return ""


def _is_label(label: str) -> bool:
    """A label that says it is encoded must hold what needed it, and every letter must fit its place."""
    if label.startswith("xn--"):
        plain = label[4:].encode("ascii").decode("punycode")
        return not plain.isascii() and plain == _mapped(plain) and _fits(plain)
    return label.isascii() or _fits(label)


def _fits(label: str) -> bool:
    idna.check_initial_combiner(label)
    return all(idna.valid_contextj(label, place) for place, sign in enumerate(label) if sign in JOINERS)


def _mapped(domain: str) -> str:
    return str(idna.uts46_remap(domain, std3_rules=False, transitional=False))


def _ends_in_number(domain: str) -> bool:
    parts = domain.split(".")
    if parts[-1] == "" and len(parts) > 1:
        parts.pop()
    return bool(re.fullmatch("[0-9]+|0[xX][0-9a-fA-F]*", parts[-1]))


def _is_ipv4(domain: str) -> bool:
    """One to four numbers, decimal, octal or hexadecimal; the last one fills what the others leave."""
    parts = domain.removesuffix(".").split(".")
    numbers = [_number(part) for part in parts]
    if len(parts) > 4 or None in numbers:
        return False
    *first, last = [number or 0 for number in numbers]
    return all(number < 256 for number in first) and last < 256 ** (5 - len(parts))


def _number(text: str) -> int | None:
    """What a part of an IPv4 address stands for, or nothing when it is no number."""
    for form, base in NUMBERS:
        if match := form.match(text):
            return int(match[1] or "0", base)
    return None

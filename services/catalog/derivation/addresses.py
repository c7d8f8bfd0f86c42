"""Hosts that a text mentions: in URLs, connection strings, `host:port` pairs, lists, command lines."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from services.catalog.derivation.vocabulary import NO_HOST

Form = Literal["url", "dsn", "pair", "host"]

MAX_TEXT = 200_000
MAX_PARTS = 200
HOST = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?"
URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.:-]{0,40})://(?P<place>[^\s/?#\"'<>;\\|`]{1,2000})")
PAIR = re.compile(rf"(?:[\w.-]+=)?(?P<host>{HOST})\.?:(?P<port>\d{{1,5}})(?::\d+)?(?:;\d+)?(?:/\S*)?\Z")
BARE = re.compile(rf"(?P<host>{HOST})\.?\Z")
RESOLVED = re.compile(r"\b(dns|ipv4|passthrough|xds|consul|etcd):///")
CALL = re.compile(rf"@(?:tcp|udp|tcp4|tcp6)?\((?P<host>{HOST})(?::(?P<port>\d{{1,5}}))?\)")
FIELD = re.compile(
    rf"(?:^|[;\s?&'\"])(?:server|data source|datasource|host|hostname|hostaddr|addr|address|network address)"
    rf"\s*=\s*(?:tcp:)?(?P<host>{HOST})(?:[,:](?P<port>\d{{1,5}}))?",
    re.IGNORECASE,
)
ORACLE = re.compile(rf"jdbc:oracle:\w+:@(?P<host>{HOST})(?::(?P<port>\d{{1,5}}))")
NO_PORT = re.compile(r":[${%][^:]*\Z")
LISTS = re.compile(r"[,\s]+")


@dataclass(frozen=True)
class Mention:
    """A host in a text, lower case, with what stood around it."""

    host: str
    port: int | None
    scheme: str
    form: Form

    def __str__(self) -> str:
        head = f"{self.scheme}://" if self.scheme else ""
        return f"{head}{self.host}" + (f":{self.port}" if self.port else "")


def _port(text: str | None) -> int | None:
    number = int(text) if text else 0
    return number if 0 < number < 65_536 else None


def _mention(host: str, port: str | None, scheme: str, form: Form) -> Mention:
    return Mention(host.lower().rstrip("."), _port(port), scheme.lower(), form)


def in_urls(text: str) -> Iterator[Mention]:
    """Every host of every URL; `mongodb://a:1,b:2/x` has two."""
    for match in URL.finditer(RESOLVED.sub(r"\1://", text)):
        scheme = match["scheme"].lower()
        if scheme.rpartition(":")[2] in NO_HOST:
            continue
        place = match["place"].rpartition("@")[2].rstrip(".,)]}")
        for part in place.split(",")[:MAX_PARTS]:
            found = PAIR.match(part) or BARE.match(NO_PORT.sub("", part))
            if found:
                port = found.groupdict().get("port")
                yield _mention(found["host"], port, scheme, "url")


def in_connection_strings(text: str) -> Iterator[Mention]:
    """`host=a port=1`, `Server=a,1433;Database=b`, `user@tcp(a:3306)/b`, `jdbc:oracle:thin:@a:1521:x`."""
    for pattern in (CALL, FIELD, ORACLE):
        for match in pattern.finditer(text):
            yield _mention(match["host"], match["port"], "", "dsn")


def in_value(text: str) -> list[Mention]:
    """Every host a whole value can mean, each once, in order. Whether a bare name is one, the key decides."""
    text = text[:MAX_TEXT].strip().strip("\"'")
    found = [*in_urls(text), *in_connection_strings(text)]
    if not found:
        found = [each for part in LISTS.split(text)[:MAX_PARTS] if (each := in_part(part))]
        if " " in text and "," not in text and _is_sentence(text, found):
            return []
    return list(dict.fromkeys(found))


def _is_sentence(text: str, found: list[Mention]) -> bool:
    """Words beside an address, rather than a list of addresses."""
    return len(found) < len(text.split()) or any(each.form == "host" for each in found)


def in_part(part: str) -> Mention | None:
    """A `host:port` or a bare host, when the part is nothing else."""
    part = part.strip("[]\"'")
    if match := PAIR.match(part):
        return _mention(match["host"], match["port"], "", "pair") if _port(match["port"]) else None
    if (match := BARE.match(part)) and not match["host"].isdigit():
        return _mention(match["host"], None, "", "host")
    return None

"""The hosts under which the world reaches a set, and those of its copy."""

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from services.manifests import objects
from services.manifests.copying.model import Target
from services.manifests.copying.names import LONGEST

_WHERE: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "Ingress": (("spec", "rules", "*", "host"), ("spec", "tls", "*", "hosts", "*")),
    "HTTPRoute": (("spec", "hostnames", "*"),),
    "GRPCRoute": (("spec", "hostnames", "*"),),
    "TLSRoute": (("spec", "hostnames", "*"),),
    "Gateway": (("spec", "listeners", "*", "hostname"),),
    "Route": (("spec", "host"),),
    "Certificate": (("spec", "dnsNames", "*"), ("spec", "commonName")),
    "DNSEndpoint": (("spec", "endpoints", "*", "dnsName"),),
}
_ANNOTATIONS: Final = ("external-dns.alpha.kubernetes.io/hostname", "external-dns.kubernetes.io/hostname")
_ROUTES: Final = ("HTTPRoute", "GRPCRoute")
NO_LABEL: Final = re.compile(r"[^a-z0-9-]+")


def hosts_in(data: Mapping[str, Any]) -> Iterator[str]:
    """Every host an object answers to."""
    for pattern in _WHERE.get(objects.kind(data), ()):
        yield from (host for _, host in objects.walk(data, pattern) if isinstance(host, str) and host)
    marks = (data.get("metadata") or {}).get("annotations") or {}
    for key in _ANNOTATIONS:
        yield from (host.strip() for host in str(marks.get(key) or "").split(",") if host.strip())


def mapped(datas: Iterable[Mapping[str, Any]], target: Target) -> dict[str, str]:
    """What each host is called in the copy; two never become one."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for host in dict.fromkeys(host.lower() for data in datas for host in hosts_in(data)):
        new = _new(host, target)
        if new in taken:
            new = _new(host, target, also=hashlib.sha256(host.encode()).hexdigest()[:4])
        taken.add(new)
        found[host] = new
    return {old: new for old, new in found.items() if old != new}


def _new(host: str, target: Target, also: str = "") -> str:
    if not target.domain:
        return _exchanged(host, target.domains)
    star = host.startswith("*.")
    first = host.removeprefix("*.").partition(".")[0]
    return ("*." if star else "") + host_of(f"{first}-{also}" if also else first, target)


def host_of(name: str, target: Target) -> str:
    """The host of something in the copy: one label in front of the domain, so that one certificate does."""
    label = NO_LABEL.sub("-", f"{name}-{target.name}".lower()).strip("-")
    if len(label) > LONGEST:
        label = f"{label[: LONGEST - 9].rstrip('-')}-{hashlib.sha256(label.encode()).hexdigest()[:8]}"
    return f"{label}.{target.domain}"


def _exchanged(host: str, domains: Mapping[str, str]) -> str:
    for old in sorted(domains, key=len, reverse=True):
        if host == old or host.endswith(f".{old}"):
            return host.removesuffix(old) + domains[old]
    return host


def named(data: dict[str, Any], target: Target) -> list[str]:
    """Gives a host to routes that had none, and so answered to every one; returns those given."""
    if not target.domain:
        return []
    spec, host = data.get("spec"), host_of(objects.name(data), target)
    if not isinstance(spec, dict):
        return []
    if objects.kind(data) in _ROUTES and not spec.get("hostnames"):
        spec["hostnames"] = [host]
        return [host]
    bare = [rule for _, rule in objects.entries(data, ("spec", "rules")) if not rule.get("host")]
    if objects.kind(data) != "Ingress" or not bare:
        return []
    for rule in bare:
        rule["host"] = host  # type: ignore[index]  # read as a Mapping, built as a dict
    return [host]


def without_certificates(data: Mapping[str, Any], made: Collection[tuple[str, str]]) -> bool:
    """Lets an Ingress whose certificate nothing makes show its controller's own; says if there was one."""
    if objects.kind(data) != "Ingress":
        return False
    entries = [each for _, each in objects.entries(data, ("spec", "tls")) if isinstance(each, dict)]
    gone = [each for each in entries if each.get("secretName") and ("Secret", each["secretName"]) not in made]
    for each in gone:
        del each["secretName"]
    return bool(gone)


def exchanged_in(text: str, hosts: Mapping[str, str]) -> str:
    """A text with the hosts of the set as they are in the copy."""
    if not hosts or "." not in text:
        return text
    some = "|".join(re.escape(host) for host in sorted(hosts, key=len, reverse=True))
    pattern = rf"(?<![\w.*-])(?:{some})(?![\w-]|\.\w)"
    return re.sub(pattern, lambda match: hosts[match.group(0).lower()], text, flags=re.IGNORECASE)

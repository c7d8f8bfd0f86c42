"""Services, ingresses, network policies."""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from services.manifests import pointers
from services.manifests.objects import Object, entries, kind, walk
from services.manifests.pointers import Path
from services.manifests.problems import Problem, Rule
from services.manifests.semantics.names import PORT
from services.manifests.semantics.pods import port_number

SERVICE_PORTS = Rule(
    "service-ports",
    "Service ports that cannot be told apart",
    "A service with several ports names each of them; names and numbers are used once.",
    {"": "block"},
)
SERVICE_TYPE = Rule(
    "service-type",
    "A service type without what it needs",
    "ExternalName needs externalName; a headless service has no load balancer.",
    {"": "block"},
)
INGRESS_PATH = Rule(
    "ingress-path",
    "A path the API refuses",
    "Paths begin with a slash; a rule without paths serves nothing.",
    {"": "block"},
    (18,),
)
BAD_CIDR = Rule(
    "bad-cidr",
    "Not a range of addresses",
    "Ranges look like 10.0.0.0/8: an address and how many of its bits count.",
    {"": "block"},
)


def service(obj: Object) -> Iterator[Problem]:
    spec = obj.get("spec")
    if kind(obj) != "Service" or obj.get("apiVersion") != "v1" or not isinstance(spec, Mapping):
        return
    if spec.get("type") == "ExternalName":
        if not spec.get("externalName"):
            yield Problem(
                SERVICE_TYPE, ("spec", "externalName"), "an ExternalName service needs externalName"
            )
        return
    if not spec.get("ports") and spec.get("clusterIP") != "None":
        yield Problem(SERVICE_PORTS, ("spec", "ports"), "the service has no ports")
    if spec.get("clusterIP") == "None" and spec.get("type") in ("LoadBalancer", "NodePort"):
        message = f"clusterIP None (headless) cannot be of type {spec['type']}"
        yield Problem(
            SERVICE_TYPE, ("spec", "type"), message, {("spec", "type"): "ClusterIP"}, "Use ClusterIP"
        )
    yield from _service_ports(list(entries(obj, ("spec", "ports"))))


def _service_ports(ports: list[tuple[Path, Mapping[str, Any]]]) -> Iterator[Problem]:
    seen: set[str] = set()
    for path, port in ports:
        name, number = port.get("name"), f"{port.get('port')}/{port.get('protocol', 'TCP')}"
        if len(ports) > 1 and not name:
            yield Problem(SERVICE_PORTS, (*path, "name"), "with several ports each one needs a name")
        told = {str(name) if name else number, number}
        for key in sorted(told & seen):
            yield Problem(SERVICE_PORTS, path, f"the port {key} is there twice")
        seen |= told
        yield from _one_port(path, port)


def _one_port(path: Path, port: Mapping[str, Any]) -> Iterator[Problem]:
    for key in ("port", "targetPort", "nodePort"):
        yield from port_number((*path, key), port.get(key))
    target = port.get("targetPort")
    if isinstance(target, str) and not PORT.match(target):
        at = (*path, "targetPort")
        changes = {at: int(target)} if target.isdecimal() else {}
        message = f"targetPort {target!r} is neither a number nor a port name"
        yield Problem(
            SERVICE_PORTS, at, message, changes, f"Write {target} without quotes" if changes else ""
        )


def ingress(obj: Object) -> Iterator[Problem]:
    if kind(obj) != "Ingress":
        return
    if not pointers.find(obj, ("spec", "rules")) and not pointers.find(obj, ("spec", "defaultBackend")):
        yield Problem(INGRESS_PATH, ("spec", "rules"), "the ingress has neither rules nor a default backend")
    for path, value in walk(obj, ("spec", "rules", "*", "http", "paths", "*")):
        given = value.get("path") if isinstance(value, Mapping) else None
        if isinstance(given, str) and value.get("pathType") != "ImplementationSpecific" and given[:1] != "/":
            at = (*path, "path")
            yield Problem(
                INGRESS_PATH, at, f"{given!r} does not begin with /", {at: f"/{given}"}, "Add the slash"
            )


def address_ranges(obj: Object) -> Iterator[Problem]:
    if kind(obj) != "NetworkPolicy":
        return
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for path, cidr in walk(obj, ("spec", direction, "*", peers, "*", "ipBlock", "cidr")):
            yield from _range(path, cidr)


def _range(path: Path, cidr: Any) -> Iterator[Problem]:
    try:
        ipaddress.ip_network(str(cidr), strict=False)
    except ValueError:
        yield Problem(BAD_CIDR, path, f"{cidr!r} is not a range such as 10.0.0.0/8")
        return
    if "/" not in str(cidr):
        one = f"{cidr}/{128 if ':' in str(cidr) else 32}"
        yield Problem(BAD_CIDR, path, f"{cidr!r} has no length", {path: one}, f"Write {one}")


CHECKS = (service, ingress, address_ranges)

"""Whom a host name means, seen from one workload."""

import ipaddress
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from services.catalog.derivation.model import Service, Workload
from services.catalog.derivation.vocabulary import LOCAL, ZONES

POD = re.compile(r"-\d+\Z")
CLUSTER = re.compile(r"\.svc(\.cluster\.local|\.[a-z0-9.-]+)?\Z")
SAMPLE = re.compile(
    r"(^|\.)(example|test|invalid|localhost|local|localdomain)(\.(com|org|net|edu|io|local))?\Z|your|changeme"
    r"|placeholder|(^|\.)(my|some|your)?-?(domain|company|server|host|site|mydomain|yourdomain)\.(com|org|net|tld)\Z"
    r"|^(foo|bar|acme|xxx+|abc)\."
)
LIBRARIES = re.compile(
    r"(^|\.)(w3\.org|json-schema\.org|xmlsoap\.org|schemastore\.org|apache\.org|opensource\.org|spdx\.org|purl\.org"
    r"|github\.com|githubusercontent\.com|gitlab\.com|bitbucket\.org|docker\.io|docker\.com|quay\.io|gcr\.io|pkg\.dev"
    r"|ghcr\.io|k8s\.io|kubernetes\.io|registry\..*|repo\d?\..*|springframework\.org|swagger\.io"
    r"|openapis\.org|opentelemetry\.io|grafana\.com|prometheus\.io|nginx\.org|nginx\.com|readthedocs\.io|java\.sun\.com"
    r"|jboss\.org|hibernate\.org|mozilla\.org|wikipedia\.org|stackoverflow\.com|helm\.sh|artifacthub\.io"
    r"|jsdelivr\.net|unpkg\.com|cdnjs\.cloudflare\.com|googletagmanager\.com|fonts\.googleapis\.com|microsoft\.com"
    r"|schemas\..*|docs\..*|doc\..*|www\.php\.net|mcr\.microsoft\.com|jcp\.org|ietf\.org|schema\.org)\Z"
)


@dataclass(frozen=True)
class Found:
    """What a host name means: workloads, or a host outside; `sureness` lowers trust in the unusual ways."""

    names: tuple[str, ...] = ()
    outside: str = ""
    ports: frozenset[int] = frozenset()
    sureness: float = 1.0


@dataclass
class Names:
    """Every name that leads somewhere in one system."""

    by_service: dict[tuple[str, str], list[Service]] = field(default_factory=lambda: defaultdict(list))
    by_name: dict[tuple[str, str], list[Workload]] = field(default_factory=lambda: defaultdict(list))
    by_labels: dict[tuple[str, str], list[Workload]] = field(default_factory=lambda: defaultdict(list))
    spaces: set[str] = field(default_factory=set)
    served: set[str] = field(default_factory=set)
    anywhere: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    by_app: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, workloads: Iterable[Workload], services: Iterable[Service]) -> "Names":
        names = cls()
        for workload in workloads:
            names._add(workload)
        for service in services:
            names.by_service[service.space, service.name.lower()].append(service)
            names.spaces.add(service.space)
            names.anywhere[service.name.lower()].add(service.space)
        for service in (each for listed in names.by_service.values() for each in listed):
            names.served |= {workload.name for workload in names.behind(service)}
        return names

    def _add(self, workload: Workload) -> None:
        self.spaces.add(workload.space)
        for name in {workload.name.lower(), *workload.aliases}:
            self.by_name[workload.space, name].append(workload)
            if workload.in_compose:
                self.anywhere[name].add(workload.space)
        for label in workload.labels.items():
            self.by_labels[label].append(workload)

    def behind(self, service: Service) -> list[Workload]:
        """The workloads whose pods a Service selects."""
        if not service.selector:
            return []
        candidates = min((self.by_labels.get(label, []) for label in service.selector.items()), key=len)
        wanted = service.selector.items()
        return [w for w in candidates if w.space == service.space and wanted <= w.labels.items()]

    def find(self, host: str, reader: Workload) -> Found | None:
        """Whom the host means for the reader; None when nobody is known by it."""
        if host in reader.nicknames:
            host = reader.nicknames[host].lower()
        if reader.in_compose:
            return self._in_compose(host, reader)
        name, space, rest = self._split(host)
        if space is not None and not CLUSTER.search(host) and (space in ZONES or not _is_short(host)):
            return None
        known = self._service(name, reader.space if space is None else space, space is not None)
        if known is None and space is not None and (rest or not CLUSTER.search(host)):
            known = self._pod(host, reader)
        return known or (self._bare_workload(name, reader) if space is None else None)

    def _in_compose(self, host: str, reader: Workload) -> Found | None:
        name = host.removeprefix("tasks.")
        met = self.by_name.get((reader.space, name))
        if met:
            return _found(met)
        spaces = [space for space in self.anywhere.get(name, ()) if space.startswith("compose:")]
        return _found(self.by_name[spaces[0], name], 0.85) if len(spaces) == 1 else None

    def _split(self, host: str) -> tuple[str, str | None, str]:
        """(service, namespace or None, the rest) of `cart`, `cart.shop`, `cart.shop.svc.cluster.local`."""
        inner = CLUSTER.sub("", host)
        name, _, rest = inner.partition(".")
        space, _, rest = rest.partition(".")
        return name, space or None, rest

    def _service(self, name: str, space: str, is_told: bool) -> Found | None:
        for where in self._spaces(name, space, is_told):
            for service in self.by_service.get((where, name), []):
                if found := self._behind(service):
                    return found
        return None

    def _spaces(self, name: str, space: str, is_told: bool) -> list[str]:
        """The namespaces to look in: the one that is meant, and those of manifests that do not say theirs."""
        if space == "" and not is_told:
            others = [each for each in self.anywhere.get(name, ()) if not each.startswith("compose:")]
            return ["", *(others if len(others) == 1 else [])]
        return [space, ""] if not is_told or space not in self.spaces else [space]

    def _behind(self, service: Service) -> Found | None:
        if service.external:
            return self._external(service)
        met = self.behind(service)
        if met:
            ports = frozenset(service.ports) | frozenset(port for w in met for port in w.ports)
            return Found(tuple(dict.fromkeys(w.name for w in met)), "", ports, 1.0 if len(met) == 1 else 0.9)
        return (
            Found(outside=service.name, ports=frozenset(service.ports)) if self._is_outside(service) else None
        )

    def _is_outside(self, service: Service) -> bool:
        """A Service without a selector whose addresses somebody wrote by hand."""
        listed = self.by_service.get((service.space, service.name.lower()), [])
        return not service.selector and any(each.endpoints for each in listed)

    def _external(self, service: Service) -> Found | None:
        """An alias: of another Service here, or of a host outside."""
        name, space, _ = self._split(service.external)
        if space is not None and CLUSTER.search(service.external):
            other = self._service(name, space, True)
            return other if other and other.names else None
        return Found(outside=service.external, ports=frozenset(service.ports))

    def _pod(self, host: str, reader: Workload) -> Found | None:
        """`db-0.db`, `db-0.db.shop.svc`: one pod behind a headless Service."""
        pod, _, rest = host.partition(".")
        name, space, _ = self._split(rest)
        if not POD.search(pod):
            return None
        return self._service(name, reader.space if space is None else space, space is not None)

    def _bare_workload(self, name: str, reader: Workload) -> Found | None:
        """A workload by its own name where no Service leads to it: the Service is not among the files."""
        met = self.by_name.get((reader.space, name)) or self.by_name.get(("", name), [])
        usable = [w for w in met if w.name not in self.served and w.name != reader.name]
        return _found(usable, 0.7) if usable else None


def _found(met: list[Workload], sureness: float = 1.0) -> Found:
    ports = frozenset(port for workload in met for port in workload.ports)
    return Found(tuple(dict.fromkeys(w.name for w in met)), "", ports, sureness)


def _is_short(host: str) -> bool:
    """`cart.shop`, or `db-0.db.shop`: what the cluster's DNS completes, rather than somebody's domain."""
    first, _, rest = host.partition(".")
    return "." not in rest or (
        bool(POD.search(first)) and rest.count(".") == 1 and rest.split(".")[1] not in ZONES
    )


def is_local(host: str) -> bool:
    """Oneself, the machine below, the cluster's own interface: never an edge."""
    return host in LOCAL or host.startswith("127.") or host.endswith(".localhost")


def is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_outside(host: str) -> bool:
    """A real host of the wider world, not a sample, and not where libraries and schemas come from."""
    labels = host.split(".")
    if len(labels) < 2 or CLUSTER.search(host) or labels[-1] not in ZONES or "_" in host:
        return False
    return not SAMPLE.search(host) and not LIBRARIES.search(host)


def is_in_cluster(host: str) -> bool:
    """A name that only the cluster or the compose network could resolve."""
    return "." not in host or bool(CLUSTER.search(host)) or host.split(".")[-1] not in ZONES

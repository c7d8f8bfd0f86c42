"""Objects that say who may talk to whom: network policies, authorization policies."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from services.catalog.derivation.model import Json, Workload
from services.catalog.derivation.trees import Line, listed, mapping, numbered, plain, text, texts
from services.catalog.descriptors.reading import Path

ALLOWS = 0.6


@dataclass(frozen=True)
class Who:
    """Pods, by labels or by the account they run as. Empty means anybody and is never an edge."""

    labels: tuple[tuple[str, str], ...] = ()
    account: str = ""
    space: str | None = None

    def matches(self, workload: Workload, space: str) -> bool:
        if not self.labels and not self.account:
            return False
        where = space if self.space is None else self.space
        if where and workload.space and where != workload.space:
            return False
        if self.account:
            return workload.account == self.account != "default"
        return set(self.labels) <= set(workload.labels.items())


@dataclass(frozen=True)
class Policy:
    """`source` may talk to `target`."""

    name: str
    space: str
    source: Who
    target: Who
    file: str
    line: int
    key: str


def _labels(selector: Any) -> Who:
    """Pods by `matchLabels` and by expressions that name one value; other expressions choose nobody."""
    labels = {
        key.removeprefix("k8s:").removeprefix("any:"): value
        for key, value in texts(selector, "matchLabels").items()
    }
    for _, each in numbered(selector, "matchExpressions"):
        values = [plain(value) for value in listed(each, "values")]
        if each.get("operator") != "In" or len(values) != 1:
            return Who()
        labels[text(each, "key")] = values[0]
    return Who(tuple(sorted(labels.items())))


def _policy(
    file: str, manifest: Json, line: Line, base: Path, own: Who, other: Who, key: str, at: Path
) -> Policy:
    source, target = (other, own) if key.startswith("ingress") else (own, other)
    metadata = mapping(manifest, "metadata")
    place = line((*base, "spec", *at))
    return Policy(text(metadata, "name"), text(metadata, "namespace"), source, target, file, place, key)


def of_network(file: str, manifest: Json, line: Line, base: Path) -> Iterator[Policy]:
    own = _labels(mapping(manifest, "spec", "podSelector"))
    for way, side in (("ingress", "from"), ("egress", "to")):
        for number, rule in numbered(manifest, "spec", way):
            for place, peer in numbered(rule, side):
                other = _labels(mapping(peer, "podSelector"))
                if "namespaceSelector" in peer:
                    other = Who(other.labels, space=_space(mapping(peer, "namespaceSelector")))
                at = (way, number, side, place)
                yield _policy(file, manifest, line, base, own, other, f"{way}.{side}.podSelector", at)


def _space(selector: Json) -> str:
    return texts(selector, "matchLabels").get("kubernetes.io/metadata.name", "")


def of_cilium(file: str, manifest: Json, line: Line, base: Path) -> Iterator[Policy]:
    own = _labels(mapping(manifest, "spec", "endpointSelector"))
    for way, side in (("ingress", "fromEndpoints"), ("egress", "toEndpoints")):
        for number, rule in numbered(manifest, "spec", way):
            for place, peer in numbered(rule, side):
                at = (way, number, side, place)
                yield _policy(file, manifest, line, base, own, _labels(peer), f"{way}.{side}", at)


def of_authorization(file: str, manifest: Json, line: Line, base: Path) -> Iterator[Policy]:
    """Istio: `cluster.local/ns/<namespace>/sa/<account>` may call what the selector chooses."""
    spec = mapping(manifest, "spec")
    own = _labels(mapping(spec, "selector"))
    if text(spec, "action") not in ("", "ALLOW"):
        return
    for number, rule in numbered(spec, "rules"):
        for place, source in numbered(rule, "from"):
            at = ("rules", number, "from", place)
            for principal in listed(source, "source", "principals"):
                parts = plain(principal).split("/")
                if len(parts) == 5 and parts[3] == "sa":
                    who = Who(account=parts[4], space=parts[2])
                    yield _policy(file, manifest, line, base, own, who, "ingress.principals", at)


POLICIES: dict[str, Callable[[str, Json, Line, Path], Iterator[Policy]]] = {
    "NetworkPolicy": of_network,
    "CiliumNetworkPolicy": of_cilium,
    "CiliumClusterwideNetworkPolicy": of_cilium,
    "AuthorizationPolicy": of_authorization,
}

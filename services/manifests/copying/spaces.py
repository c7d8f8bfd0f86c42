"""Namespaces in a copy: its own where the set means itself, the original's where it means those who stay."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from services.manifests import objects, pointers
from services.manifests.copying.model import Json, Target

NAME: Final = "kubernetes.io/metadata.name"
_WATCHERS: Final = ("ServiceMonitor", "PodMonitor", "Probe")


def moved(data: Json, target: Target, source: str, accounts: Collection[str], routed: bool) -> None:
    """Puts one object into the target's namespace, and what it says of namespaces with it."""
    about, kind = data["metadata"], objects.kind(data)
    if target.namespace:
        about["namespace"] = target.namespace
    else:
        about.pop("namespace", None)
    if kind == "RoleBinding":
        _subjects(data, target, source, accounts)
    elif kind == "NetworkPolicy":
        _peers(data, target, source, routed)
    elif kind in _WATCHERS:
        _watched(data, target, source)
    elif kind in ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute"):
        _backends(data, target, source)


def _subjects(data: Json, target: Target, source: str, accounts: Collection[str]) -> None:
    """Accounts of the set are those of the copy; of an account that stays, the right stays with it."""
    for subject in data.get("subjects") or []:
        if not isinstance(subject, dict) or subject.get("kind") != "ServiceAccount":
            continue
        if subject.get("namespace", source) == source and subject.get("name") in accounts:
            if target.namespace:
                subject["namespace"] = target.namespace
            else:
                subject.pop("namespace", None)
        elif "namespace" not in subject and source:
            subject["namespace"] = source


def _watched(data: Json, target: Target, source: str) -> None:
    names = pointers.find(data, ("spec", "namespaceSelector", "matchNames"))
    if not isinstance(names, list) or source not in names:
        return
    if target.namespace:
        names[names.index(source)] = target.namespace
    else:
        del data["spec"]["namespaceSelector"]


def _backends(data: Json, target: Target, source: str) -> None:
    """`{name, namespace}` of a backend that goes along."""
    for _, reference in objects.walk(data, ("spec", "rules", "*", "backendRefs", "*")):
        if isinstance(reference, dict) and source and reference.get("namespace") == source:
            reference.pop("namespace")


def gateway_stays(data: Json, source: str, own: Collection[str]) -> None:
    """A route hangs on the Gateway it hung on, unless that goes along."""
    for _, parent in objects.entries(data, ("spec", "parentRefs")):
        if parent.get("kind", "Gateway") != "Gateway" or parent.get("name") in own or not source:
            continue
        parent.setdefault("namespace", source)  # type: ignore[attr-defined]  # read as a Mapping, built as a dict


def _peers(data: Json, target: Target, source: str, routed: bool) -> None:
    """Rules about the namespace itself follow; where something stays behind, it stays allowed too."""
    for side, key in (("ingress", "from"), ("egress", "to")):
        for _, rule in objects.entries(data, ("spec", side)):
            peers = rule.get(key)
            if isinstance(peers, list):
                peers[:] = [each for peer in peers for each in _peer(peer, target, source, side, routed)]


def _peer(peer: Any, target: Target, source: str, side: str, routed: bool) -> Iterator[Any]:
    if not isinstance(peer, Mapping):
        yield peer
        return
    named = pointers.find(peer, ("namespaceSelector", "matchLabels", NAME))
    pods = {"podSelector": peer["podSelector"]} if "podSelector" in peer else {}
    stays = side == "egress" and routed and source
    if named == source and source:
        yield _in(target.namespace, pods) if target.namespace else pods or {"podSelector": {}}
        if stays:
            yield dict(peer)
    elif "namespaceSelector" not in peer and "podSelector" in peer:
        yield dict(peer)
        if stays:
            yield _in(source, pods)
    else:
        yield peer


def _in(namespace: str, pods: Json) -> Json:
    return {"namespaceSelector": {"matchLabels": {NAME: namespace}}, **pods}

"""Leading a part of what comes in somewhere else: routes with weights, or names with weights (row 90)."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from services.manifests import objects
from services.manifests.copying.hosts import hosts_in
from services.manifests.copying.model import Json

ROUTES: Final = ("HTTPRoute", "Ingress")
DNS: Final = "external-dns.alpha.kubernetes.io/"
ID, TTL, IGNORED = f"{DNS}set-identifier", f"{DNS}ttl", f"{DNS}controller"
MOVED: Final = "moved-elsewhere"  # any controller but `dns-controller`: external-dns leaves the route alone


def weighted(route: Mapping[str, Any], *, here: str, there: str, share: int) -> Json:
    """An HTTPRoute of namespace `here` that sends `share` in a hundred to the same Services of `there`.

    Weights that were there count on: three to one stays three to one on either side.
    """
    made = without(route, there=there)
    for rule in _rules(made):
        own = [ref for ref in rule.get("backendRefs") or [] if isinstance(ref, dict)]
        if not share or not own:
            continue
        moved = [{**ref, "namespace": there, "weight": ref.get("weight", 1) * share} for ref in own]
        stays = [{**ref, "weight": ref.get("weight", 1) * (100 - share)} for ref in own]
        rule["backendRefs"] = [*stays, *moved]
    return made


def without(route: Mapping[str, Any], *, there: str, properties: Iterable[str] = ()) -> Json:
    """The route as if nobody led anything elsewhere; weights that only said so are gone."""
    made = copy.deepcopy(dict(route))
    for rule in _rules(made):
        refs = [ref for ref in rule.get("backendRefs") or [] if isinstance(ref, dict)]
        kept = [ref for ref in refs if ref.get("namespace") != there]
        if len(kept) < len(refs):
            rule["backendRefs"] = [{k: v for k, v in ref.items() if k != "weight"} for ref in kept]
    about = made.get("metadata") or {}
    marks = about.get("annotations") or {}
    gone = {ID, TTL, IGNORED, *(DNS + each for each in properties)}
    if marks.get(IGNORED) == MOVED or ID in marks:
        about["annotations"] = {key: value for key, value in marks.items() if key not in gone}
    if not about.get("annotations", True):
        del about["annotations"]
    return made


def _rules(route: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    rules = (route.get("spec") or {}).get("rules") or []
    yield from (rule for rule in rules if isinstance(rule, dict))


def led_to(route: Mapping[str, Any]) -> list[str]:
    """The Services an HTTPRoute leads to."""
    refs = [ref for rule in _rules(route) for ref in rule.get("backendRefs") or [] if isinstance(ref, dict)]
    return sorted({str(ref.get("name")) for ref in refs if ref.get("kind", "Service") == "Service"})


def grant(services: Sequence[str], *, here: str, there: str, name: str) -> Json:
    """Lets routes of `here` lead to these Services of `there`; without it a Gateway refuses them."""
    return {
        "apiVersion": "gateway.networking.k8s.io/v1beta1",
        "kind": "ReferenceGrant",
        "metadata": {"name": name, "namespace": there},
        "spec": {
            "from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": here}],
            "to": [{"group": "", "kind": "Service", "name": each} for each in services],
        },
    }  # fmt: skip


def answering(route: Mapping[str, Any], hosts: Sequence[str]) -> Json:
    """A route that answers to these names too, as it does to its own."""
    made = copy.deepcopy(dict(route))
    fresh = [host for host in hosts if host not in set(hosts_in(made))]
    spec = made.setdefault("spec", {})
    if objects.kind(made) == "HTTPRoute":
        spec["hostnames"] = [*(spec.get("hostnames") or []), *fresh]
        return made
    rules = list(_rules(made))
    spec["rules"] = [*rules, *({**copy.deepcopy(rules[0]), "host": host} for host in fresh if rules)]
    for entry in (spec.get("tls") or [])[:1]:
        entry["hosts"] = [*(entry.get("hosts") or []), *fresh]
    return made


def with_weight(route: Mapping[str, Any], *, side: str, share: int, by: str) -> Json:
    """Its names as one of several records of the same name, of which `share` in a hundred are answered."""
    return _marked(route, {ID: side, f"{DNS}{by}": str(share), TTL: "60"})


def unnamed(route: Mapping[str, Any]) -> Json:
    """Its names are no concern of this side's DNS any more."""
    return _marked(route, {IGNORED: MOVED})


def _marked(route: Mapping[str, Any], marks: Mapping[str, str]) -> Json:
    made = copy.deepcopy(dict(route))
    about = made.setdefault("metadata", {})
    about["annotations"] = {**(about.get("annotations") or {}), **marks}
    return made

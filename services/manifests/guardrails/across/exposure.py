"""Services and routes: whose pods they mean, whether those can answer, and under which name."""

from collections.abc import Iterator
from typing import Any

from services.manifests import pointers
from services.manifests.guardrails.across.connections import SELECTOR, Found, pods_behind, selecting
from services.manifests.guardrails.across.rule import AcrossRule, Together, of_kind, together
from services.manifests.objects import (
    Object,
    containers,
    entries,
    kind,
    name,
    namespace,
    pod_labels,
    pod_path,
)
from services.manifests.problems import Problem, Rule


def same_pods(rule: Rule, objects: Together) -> Found:
    """A headless service beside an ordinary one is how stateful sets are meant to be."""
    seen: dict[tuple[Any, ...], Object] = {}
    for index, service in selecting(objects):
        headless = pointers.find(service, ("spec", "clusterIP")) == "None"
        key = (namespace(service), headless, *sorted(map(str, pointers.mapping(service, SELECTOR).items())))
        other = seen.setdefault(key, service)
        if other is not service and name(other) != name(service):
            message = f"{name(service)} sends to the very pods that {name(other)} sends to"
            yield index, Problem(rule, SELECTOR, message)


def not_governed(rule: Rule, objects: Together) -> Found:
    """Of stateful sets that have services beside them; elsewhere their service may be in another place."""
    for index, workload in of_kind(objects, "StatefulSet"):
        wanted = pointers.find(workload, ("spec", "serviceName"))
        near = [each for _, each in of_kind(objects, "Service") if together(each, workload)]
        if not near or not wanted:
            continue
        told = f"the service {wanted} is not beside it"
        for service in near:
            if name(service) == wanted:
                told = _not_its_own(service, workload)
        if told:
            yield (
                index,
                Problem(rule, ("spec", "serviceName"), f"{name(workload)} has no names for its pods: {told}"),
            )


def _not_its_own(service: Object, workload: Object) -> str:
    if pointers.find(service, ("spec", "clusterIP")) != "None":
        return f"{name(service)} is not headless (clusterIP: None)"
    selector = pointers.mapping(service, SELECTOR)
    return "" if selector.items() <= pod_labels(workload).items() else f"{name(service)} selects other pods"


def unready_behind(rule: Rule, objects: Together) -> Found:
    """What declares ports is asked for a probe by itself; this is about the others a service sends to."""
    for _, service in selecting(objects):
        for workload in pods_behind(service, objects):
            if kind(workload) in ("Job", "CronJob") or any(_is_probed(workload)):
                continue
            index = next(at for at, each in enumerate(objects) if each is workload)
            message = (
                f"the service {name(service)} sends to {name(workload)}, which never says whether it is ready"
            )
            yield index, Problem(rule, pod_path(workload) or (), message)


def _is_probed(workload: Object) -> Iterator[bool]:
    for _, container in containers(workload, "containers"):
        yield container.get("readinessProbe") is not None or bool(container.get("ports"))


def uncertified(rule: Rule, objects: Together) -> Found:
    for index, route in of_kind(objects, "Ingress"):
        tls = list(entries(route, ("spec", "tls")))
        named = [host for _, each in tls for host in _listed(each.get("hosts"))]
        for path, rule_ in entries(route, ("spec", "rules")) if named else ():
            host = str(rule_.get("host") or "")
            if host and not any(_covers(str(each), host) for each in named):
                message = f"TLS is set up for {', '.join(map(str, named[:5]))}, not for {host}"
                fix = {(*tls[0][0], "hosts"): [*_listed(tls[0][1].get("hosts")), host]}
                yield index, Problem(rule, (*path, "host"), message, fix, f"Add {host}")


def _listed(value: Any) -> list[Any]:
    """A list; of anything else, which the schema refuses, nothing."""
    return value if isinstance(value, list) else []


def _covers(pattern: str, host: str) -> bool:
    """A wildcard stands for one label, in certificates as in ingresses."""
    if pattern.startswith("*."):
        return host.partition(".")[2] == pattern[2:]
    return host == pattern


RULES = (
    AcrossRule(
        Rule(
            "service-same-pods",
            "Two services for the same pods",
            "Mostly one was copied from the other and its selector forgotten: requests reach the wrong pods.",
            {"": "info"},
            (20,),
        ),
        same_pods,
    ),
    AcrossRule(
        Rule(
            "stateful-service",
            "A stateful set without its service",
            "Its pods find each other by names that only a headless service of their own gives.",
            {"": "warn"},
            (20, 55),
        ),
        not_governed,
    ),
    AcrossRule(
        Rule(
            "readiness-behind-service",
            "Requests for pods that may not be ready",
            "Without a readiness probe a service sends requests from the first second on, and to pods that"
            " hang.",
            {"": "warn"},
            (13,),
        ),
        unready_behind,
    ),
    AcrossRule(
        Rule(
            "ingress-tls-host",
            "A host without a certificate",
            "Browsers are given the controller's own certificate for it, and warn of the site.",
            {"": "info", "production": "warn"},
            (18,),
        ),
        uncertified,
    ),
)

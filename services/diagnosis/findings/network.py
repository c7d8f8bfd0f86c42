"""What goes wrong between callers and pods: endpoints, routes, addresses, names, policies."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from services.diagnosis import objects
from services.diagnosis.findings.model import Finding, Picture, event_evidence, evidence
from services.diagnosis.objects import Object, condition, find, items

PATIENCE = timedelta(minutes=5)
_NO_NAME = re.compile(
    r"no such host|EAI_AGAIN|ENOTFOUND|name or service not known|temporary failure in name resolution"
    r"|could not resolve host|nodename nor servname|server misbehaving|NXDOMAIN|NameResolutionError"
    r"|UnknownHostException|failed to resolve",
    re.IGNORECASE,
)
_NO_ANSWER = re.compile(
    r"i/o timeout|connection timed out|connect timeout|ETIMEDOUT|context deadline exceeded"
    r"|no route to host|EHOSTUNREACH|Connection to \S+ timed out|ConnectTimeout",
    re.IGNORECASE,
)


def endpoints(found: Object, picture: Picture) -> Iterator[Finding]:
    """Endpoints of a service that selects pods, without any address."""
    if any(items(subset, "addresses") for subset in items(found, "subsets")):
        return
    if find(found, "metadata.annotations", {}).get("control-plane.alpha.kubernetes.io/leader"):
        return  # kept for a lock, not for requests
    waiting = [each for subset in items(found, "subsets") for each in items(subset, "notReadyAddresses")]
    seen = [evidence(found, "subsets", f"no address, {len(waiting)} not ready")]
    title = f"The service {objects.name(found)} has no endpoint"
    advice = "Requests to it fail: no pod carries its labels, or none of them is ready."
    yield Finding("no-endpoints", "warn", title, seen, advice)


def ingress(found: Object, picture: Picture) -> Iterator[Finding]:
    wanted = find(found, "spec.ingressClassName")
    known = [objects.name(each) for each in picture.of_kind("IngressClass")]
    if wanted and known and wanted not in known:
        seen = [evidence(found, "spec.ingressClassName", wanted)]
        seen.append(evidence(found, "IngressClass", ", ".join(sorted(known))))
        fix = {"field": "ingress_class", "value": sorted(known)[0], "label": "Choose another class"}
        title = f"There is no ingress class {wanted} for {objects.name(found)}"
        yield Finding("route-not-accepted", "error", title, seen, "Name a class of this cluster.", fix)
    for name in dict.fromkeys(_backends(found)) if picture.whole else ():
        if not picture.has("Service", objects.namespace(found), name):
            seen = [evidence(found, "spec.rules.backend.service.name", name)]
            advice = f"Create the service {name} in the same namespace, or correct the name."
            title = f"{objects.name(found)} sends requests to the service {name}, which is not there"
            yield Finding("backend-missing", "error", title, seen, advice, {"field": "host"})


def _backends(found: Object) -> Iterator[str]:
    given = [find(found, "spec.defaultBackend"), find(found, "spec.backend")]
    for rule in items(found, "spec.rules"):
        given += [each.get("backend") for each in items(rule, "http.paths")]
    for each in given:
        if name := find(each, "service.name") or find(each, "serviceName"):
            yield str(name)


def route(found: Object, picture: Picture) -> Iterator[Finding]:
    for parent in items(found, "status.parents"):
        for given in items(parent, "conditions"):
            if given.get("type") in ("Accepted", "ResolvedRefs") and given.get("status") == "False":
                yield _not_accepted(found, parent, given)


_ROUTE_ADVICE = {
    "NotAllowedByListeners": "The gateway takes no routes of this namespace: choose another listener.",
    "NoMatchingListenerHostname": "No listener of the gateway serves this host: correct the host.",
    "NoMatchingParent": "The gateway has no such listener: correct `sectionName` or the port.",
    "BackendNotFound": "The service it sends requests to is not there: correct its name.",
    "RefNotPermitted": "What it names is in another namespace, which has to permit it (ReferenceGrant).",
    "InvalidKind": "It sends requests to something that is no service.",
}


def _not_accepted(found: Object, parent: Mapping[str, Any], given: Mapping[str, Any]) -> Finding:
    gateway, reason = find(parent, "parentRef.name", "its gateway"), str(given.get("reason", ""))
    said = f"{reason}: {given.get('message', '')}"
    seen = [evidence(found, f"parents[{gateway}].{given['type']}", said, given.get("lastTransitionTime"))]
    advice = _ROUTE_ADVICE.get(reason) or str(given.get("message") or reason)
    title = f"{gateway} does not take the route {objects.name(found)}: {reason}"
    return Finding("route-not-accepted", "error", title, seen, advice, {"field": "host"})


def load_balancer(found: Object, picture: Picture) -> Iterator[Finding]:
    if find(found, "spec.type") != "LoadBalancer" or items(found, "status.loadBalancer.ingress"):
        return
    events = picture.events_of(
        found, "SyncLoadBalancerFailed", "CreatingLoadBalancerFailed", "AllocationFailed"
    )
    if not events and not picture.is_older(found, PATIENCE):
        return
    seen = [evidence(found, "status.loadBalancer", "no address", find(found, "metadata.creationTimestamp"))]
    seen += [event_evidence(each, found) for each in events[-1:]]
    advice = "Nothing gives it an address: check its annotations, and the quota for load balancers."
    title = f"The service {objects.name(found)} gets no address from outside"
    yield Finding("load-balancer-pending", "error" if events else "warn", title, seen, advice)


# What a pod says of its network


def names(pod: Object, picture: Picture) -> Iterator[Finding]:
    """Names that cannot be resolved, by the log."""
    line = _line(pod, picture, _NO_NAME)
    if line is None:
        return
    container, said = line
    seen = [evidence(pod, f"containers[{container}].log", said)]
    closed = [each for each in _closing(pod, picture) if not _lets_names_through(each)]
    seen += [evidence(each, "spec.egress", "port 53 is not let through") for each in closed[:1]]
    dns = [each for each in picture.of_kind("Pod") if find(each, "metadata.labels.k8s-app") == "kube-dns"]
    down = bool(dns) and not any(condition(each, "Ready").get("status") == "True" for each in dns)
    seen += [evidence(each, "Ready", "False") for each in dns[:1] if down]
    title = f"{container} cannot resolve a name"
    if closed:
        advice = f"The policy {objects.name(closed[0])} lets no DNS through: allow UDP and TCP 53."
    elif down:
        advice = "The DNS of the cluster is down: an incident of the platform."
    else:
        advice = "Check the name; inside the cluster write it whole, ending in .svc.cluster.local."
    yield Finding("dns", "error", title, seen, advice, {"field": "dependencies"} if closed else None)


def denied(pod: Object, picture: Picture) -> Iterator[Finding]:
    """Connections that get no answer while a policy closes the way out."""
    line = _line(pod, picture, _NO_ANSWER)
    closed = _closing(pod, picture)
    if line is None or not closed:
        return
    container, said = line
    policy = closed[0]
    seen = [evidence(pod, f"containers[{container}].log", said)]
    seen.append(evidence(policy, "spec.egress", f"{len(items(policy, 'spec.egress'))} rules"))
    advice = "Add what it calls to its dependencies; then the policy lets it through."
    fix = {"field": "dependencies", "label": "Add the dependency"}
    title = f"{container} gets no answer, and the policy {objects.name(policy)} closes the way out"
    yield Finding("network-denied", "warn", title, seen, advice, fix)


def _line(pod: Object, picture: Picture, pattern: re.Pattern[str]) -> tuple[str, str] | None:
    """The last line of a container's log that says so."""
    for each in items(pod, "spec.containers"):
        container = str(each.get("name"))
        said = [line for line in picture.log_of(pod, container).splitlines() if pattern.search(line)]
        if said:
            return container, said[-1].strip()[:300]
    return None


def _closing(pod: Object, picture: Picture) -> list[Object]:
    """Policies that decide where this pod may connect to."""
    labels = find(pod, "metadata.labels", {})
    return [
        each
        for each in picture.of_kind("NetworkPolicy")
        if objects.namespace(each) == objects.namespace(pod)
        and ("Egress" in find(each, "spec.policyTypes", []) or find(each, "spec.egress") is not None)
        and selects(find(each, "spec.podSelector", {}), labels)
    ]


def selects(selector: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    wanted = find(selector, "matchLabels", {})
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_fits(each, labels) for each in items(selector, "matchExpressions"))


def _fits(expression: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    key, values = expression.get("key"), expression.get("values") or []
    having = labels.get(str(key))
    return {
        "In": having in values,
        "NotIn": having not in values,
        "Exists": having is not None,
        "DoesNotExist": having is None,
    }.get(str(expression.get("operator")), False)


def _lets_names_through(policy: Object) -> bool:
    for rule in items(policy, "spec.egress"):
        ports = items(rule, "ports")
        if not ports or any(each.get("port") in (53, "dns", "domain") for each in ports):
            return True
    return False

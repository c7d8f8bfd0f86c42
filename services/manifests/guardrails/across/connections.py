"""What is wired to what: services to pods, routes to services, variables to config maps."""

from collections.abc import Iterator, Mapping
from typing import Any

from services.manifests import pointers
from services.manifests.guardrails.across.rule import AcrossRule, Together, named, of_kind, together
from services.manifests.objects import (
    POD_SPECS,
    Object,
    containers,
    entries,
    group,
    kind,
    labels,
    name,
    namespace,
    pod_labels,
    walk,
)
from services.manifests.pointers import Path
from services.manifests.problems import Problem, Rule
from services.manifests.schema import BUILT_IN

SELECTOR: Path = ("spec", "selector")
# Kinds of others that are for pods which somebody else makes.
BESIDE_PODS = frozenset(
    {
        *(
            "Application",
            "ApplicationSet",
            "AppProject",
            "AuthorizationPolicy",
            "BackendTLSPolicy",
            "Certificate",
        ),
        *("CiliumNetworkPolicy", "ClusterIssuer", "ClusterSecretStore", "DestinationRule", "DNSEndpoint"),
        *("ExternalSecret", "Gateway", "GrafanaDashboard", "GrafanaFolder", "GRPCRoute", "HTTPRoute"),
        *(
            "IngressRoute",
            "Issuer",
            "Middleware",
            "PeerAuthentication",
            "PodMonitor",
            "PrometheusRule",
            "Route",
        ),
        *("ScaledJob", "ScaledObject", "SealedSecret", "SecretProviderClass", "SecretStore", "ServiceEntry"),
        *("ServiceMonitor", "TCPRoute", "TLSRoute", "TriggerAuthentication", "VaultStaticSecret"),
        *("VerticalPodAutoscaler", "VirtualService"),
    }
)
Found = Iterator[tuple[int, Problem]]
WITH_PODS = tuple(POD_SPECS)


def pods_behind(service: Object, objects: Together) -> list[Object]:
    """The workloads whose pods the service selects; of one that has a selector."""
    selector = pointers.mapping(service, SELECTOR)
    near = (each for _, each in of_kind(objects, *WITH_PODS) if together(each, service))
    return [each for each in near if selector.items() <= pod_labels(each).items() or _is_pod(each, selector)]


def _is_pod(obj: Object, selector: Mapping[str, Any]) -> bool:
    return kind(obj) == "Pod" and selector.items() <= labels(obj).items()


def selecting(objects: Together) -> Iterator[tuple[int, Object]]:
    """Services with a selector of their own (others get their endpoints by hand)."""
    for index, service in of_kind(objects, "Service"):
        if service.get("apiVersion") == "v1" and pointers.mapping(service, SELECTOR):
            yield index, service


def selects_nothing(rule: Rule, objects: Together) -> Found:
    for index, service in selecting(objects):
        near = [each for _, each in of_kind(objects, *WITH_PODS) if together(each, service)]
        wanted = pointers.mapping(service, SELECTOR)
        if near and not pods_behind(service, objects) and not _of_an_operator(wanted, near, objects):
            shown = ", ".join(f"{key}={value}" for key, value in wanted.items())
            message = f"no pods beside the service carry {shown}"
            yield index, _nearest_labels(rule, message, wanted, near)
        elif not near and (far := _elsewhere(service, objects)):
            message = (
                f"the pods it selects are in {namespace(far)}, not in its namespace {namespace(service)}"
            )
            yield index, Problem(rule, ("metadata", "namespace"), message)


def _of_an_operator(wanted: Mapping[str, Any], near: list[Object], objects: Together) -> bool:
    """Whether pods are meant that a controller makes of an object of its own, with labels of its own."""
    carried = {key for each in near for key in (*labels(each), *pod_labels(each))}
    domains = {key.partition("/")[0] for key in wanted if "/" in key and key not in carried}
    foreign = any(not domain.endswith(("kubernetes.io", "k8s.io")) for domain in domains)
    return foreign or any(name(each) in wanted.values() for each in _custom(objects))


def _custom(objects: Together) -> Iterator[Object]:
    """Objects whose controllers make others of them, which are not in the files."""
    for each in objects:
        if name(each) and group(each) not in BUILT_IN and kind(each) not in BESIDE_PODS:
            yield each


def _elsewhere(service: Object, objects: Together) -> Object | None:
    selector = pointers.mapping(service, SELECTOR)
    pods = (each for _, each in of_kind(objects, *WITH_PODS))
    return next((each for each in pods if selector.items() <= pod_labels(each).items()), None)


def _nearest_labels(rule: Rule, message: str, wanted: Mapping[str, Any], near: list[Object]) -> Problem:
    """With one workload there is no doubt whose labels are meant."""
    if len(near) != 1 or not pod_labels(near[0]):
        return Problem(rule, SELECTOR, message)
    having = pod_labels(near[0])
    kept = {key: having[key] for key in wanted if key in having} or dict(having)
    return Problem(rule, SELECTOR, message, {SELECTOR: kept}, f"Select the pods of {name(near[0])}")


def wrong_port(rule: Rule, objects: Together) -> Found:
    for index, service in selecting(objects):
        for workload in pods_behind(service, objects):
            known = _ports(workload)
            for path, port in entries(service, ("spec", "ports")):
                yield from ((index, each) for each in _unknown_port(rule, path, port, workload, known))


def _ports(workload: Object) -> list[Any]:
    """Names and numbers of the ports its containers declare."""
    found = []
    for path, _ in containers(workload, "containers", "initContainers"):
        for _, port in entries(workload, (*path, "ports")):
            found += [port.get("name"), port.get("containerPort")]
    return [each for each in found if each is not None]


def _unknown_port(
    rule: Rule, path: Path, port: Mapping[str, Any], workload: Object, known: list[Any]
) -> Iterator[Problem]:
    target = port.get("targetPort", port.get("port"))
    if target in known or (not known and not isinstance(target, str)):
        return
    listed = ", ".join(str(each) for each in known) or "none"
    message = f"{name(workload)} has no port {target!r}; its containers declare: {listed}"
    at = (*path, "targetPort")
    if not known:
        yield Problem(rule, at, message)
    else:
        yield Problem(rule, at, message, {at: known[0]}, f"Send it to port {known[0]}")


def _backends(obj: Object) -> Iterator[tuple[Path, Any, Any]]:
    """Place, service name and port of everything a route sends requests to."""
    if kind(obj) == "Ingress":
        patterns = (("spec", "rules", "*", "http", "paths", "*", "backend"), ("spec", "defaultBackend"))
        for pattern in patterns:
            for path, backend in walk(obj, (*pattern, "service")):
                port = pointers.mapping(backend, ("port",))
                yield path, pointers.find(backend, ("name",)), port.get("name") or port.get("number")
        for path, backend in walk(obj, ("spec", "rules", "*", "http", "paths", "*", "backend")):
            if pointers.find(backend, ("serviceName",)):  # as before networking.k8s.io/v1
                yield path, backend["serviceName"], backend.get("servicePort")
    if kind(obj) == "HTTPRoute":
        refs = walk(obj, ("spec", "rules", "*", "backendRefs"))
        for path, backend in (found for at, _ in refs for found in entries(obj, at)):
            if backend.get("kind", "Service") == "Service" and not backend.get("namespace"):
                yield path, backend.get("name"), backend.get("port")


def backend_missing(rule: Rule, objects: Together) -> Found:
    for index, route in of_kind(objects, "Ingress", "HTTPRoute"):
        near = [name(each) for _, each in of_kind(objects, "Service") if together(each, route)]
        for path, service, _ in _backends(route):
            if near and service not in near and not _made(service, route, objects):
                message = f"there is no service {service!r} beside the route, but {', '.join(near[:5])}"
                changes = {(*path, "name"): near[0]} if len(near) == 1 else {}
                label = f"Send it to {near[0]}" if changes else ""
                yield index, Problem(rule, (*path, "name"), message, changes, label)


def _made(service: Any, route: Object, objects: Together) -> bool:
    """Whether it is called after another object, whose controller may have made it."""
    others = (each for each in _custom(objects) if each is not route)
    return any(str(service).startswith(name(each)) for each in others)


def backend_port(rule: Rule, objects: Together) -> Found:
    for index, route in of_kind(objects, "Ingress", "HTTPRoute"):
        for path, wanted, port in _backends(route):
            service = named(objects, ("Service",), wanted, route)
            ports = list(entries(service, ("spec", "ports"))) if service else []
            known = [each for _, one in ports for each in (one.get("name"), one.get("port")) if each]
            if known and port is not None and port not in known:
                listed = ", ".join(str(each) for each in known)
                message = f"the service {wanted} has no port {port!r}; it has {listed}"
                yield index, Problem(rule, (*path, "port"), message)


def duplicate_object(rule: Rule, objects: Together) -> Found:
    seen: set[tuple[str, ...]] = set()
    for index, obj in enumerate(objects):
        key = (str(obj.get("apiVersion")), kind(obj), namespace(obj), name(obj))
        if key in seen and name(obj):
            yield index, Problem(rule, ("metadata", "name"), f"{kind(obj)} {name(obj)} is there twice")
        seen.add(key)


def duplicate_route(rule: Rule, objects: Together) -> Found:
    seen: dict[tuple[str, str, str], str] = {}
    for index, route in of_kind(objects, "Ingress"):
        former = pointers.find(route, ("metadata", "annotations", "kubernetes.io/ingress.class"))
        which = str(pointers.find(route, ("spec", "ingressClassName"), former))
        for path, entry in entries(route, ("spec", "rules")):
            for at, one in entries(entry, ("http", "paths")):
                key = (str(entry.get("host", "*")), str(one.get("path", "/")), which)
                owner = seen.setdefault(key, name(route))
                if owner != name(route):
                    message = f"{key[0]}{key[1]} is served by the ingress {owner} already"
                    yield index, Problem(rule, (*path, *at, "path"), message)


def config_key(rule: Rule, objects: Together) -> Found:
    for index, workload in of_kind(objects, *WITH_PODS):
        for path, _ in containers(workload):
            for at, variable in entries(workload, (*path, "env")):
                yield from ((index, each) for each in _missing_key(rule, at, variable, workload, objects))


def _missing_key(
    rule: Rule, at: Path, variable: Mapping[str, Any], workload: Object, objects: Together
) -> Iterator[Problem]:
    source = pointers.find(variable, ("valueFrom", "configMapKeyRef"))
    if not isinstance(source, Mapping) or source.get("optional"):
        return
    config = named(objects, ("ConfigMap",), source.get("name"), workload)
    known = {key for field in ("data", "binaryData") for key in pointers.mapping(config, (field,))}
    if config and source.get("key") not in known:
        listed = ", ".join(sorted(known)[:8]) or "nothing"
        message = f"the config map {source.get('name')} has no key {source.get('key')!r}; it has {listed}"
        yield Problem(rule, (*at, "valueFrom", "configMapKeyRef", "key"), message)


def _rule(id: str, title: str, reason: str, severity: Any, lessons: tuple[int, ...] = ()) -> Rule:
    return Rule(id, title, reason, {"": severity}, lessons)


RULES = (
    AcrossRule(
        _rule(
            "service-selects-nothing",
            "A service without pods",
            "Requests to it are refused, and nothing in the cluster says why.",
            "warn",
            (20,),
        ),
        selects_nothing,
    ),
    AcrossRule(
        _rule(
            "service-port",
            "A service sends to a port that is not there",
            "Every pod is healthy and every request fails: the hardest mistake to see.",
            "block",
            (13,),
        ),
        wrong_port,
    ),
    AcrossRule(
        _rule(
            "backend-missing",
            "A route to a service that is not there",
            "Visitors get an error page of the entrance.",
            "warn",
            (18,),
        ),
        backend_missing,
    ),
    AcrossRule(
        _rule(
            "backend-port",
            "A route to a port its service does not have",
            "Visitors get an error page of the entrance.",
            "block",
            (18,),
        ),
        backend_port,
    ),
    AcrossRule(
        _rule(
            "duplicate-object",
            "The same object twice",
            "The second one silently replaces the first, or each tool picks another.",
            "block",
        ),
        duplicate_object,
        within_file=True,
    ),
    AcrossRule(
        _rule(
            "duplicate-route",
            "Two routes for one address",
            "Which of the two answers is left to the ingress.",
            "block",
            (18, 20),
        ),
        duplicate_route,
    ),
    AcrossRule(
        _rule(
            "config-key-missing",
            "A variable from a key that is not there",
            "The container is never started: CreateContainerConfigError.",
            "block",
            (30,),
        ),
        config_key,
    ),
)

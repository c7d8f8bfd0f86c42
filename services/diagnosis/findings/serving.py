"""What goes wrong with services: they find no pods, or send to ports that are not there."""

from collections.abc import Iterator, Mapping
from typing import Any

from services.diagnosis import objects
from services.diagnosis.findings.model import Finding, Picture, evidence
from services.diagnosis.objects import Object, condition, find, items


def service(found: Object, picture: Picture) -> Iterator[Finding]:
    selector = find(found, "spec.selector")
    if not isinstance(selector, Mapping) or not selector or find(found, "spec.type") == "ExternalName":
        return
    pods = [each for each in picture.of_kind("Pod") if _beside(each, found) and _carries(each, selector)]
    wrong = (
        list(_wrong_ports(found, pods))
        if pods
        else list(_wrong_ports(found, _templates(found, selector, picture)))
    )
    yield from wrong
    if not pods and any(_alike(each, found, selector) for each in picture.of_kind("Pod")):
        yield _selects_nothing(found, selector, picture)
    elif not pods and not wrong and (slices := _slices(found, picture)):
        if not any(
            find(end, "conditions.ready") is not False for each in slices for end in items(each, "endpoints")
        ):
            yield _no_endpoints(found, slices)
    elif pods and not wrong and not any(condition(each, "Ready").get("status") == "True" for each in pods):
        seen = [
            evidence(each, "Ready", condition(each, "Ready").get("status", "unknown")) for each in pods[:3]
        ]
        advice = "Requests to it fail until one of its pods is ready."
        title = f"The service {objects.name(found)} has no pod that is ready"
        yield Finding("no-endpoints", "warn", title, seen, advice)


def _slices(found: Object, picture: Picture) -> list[Object]:
    """What the cluster itself keeps of where the service's requests go."""
    name = objects.name(found)
    return [
        each
        for each in picture.of_kind("EndpointSlice")
        if _beside(each, found)
        and find(each, "metadata.labels", {}).get("kubernetes.io/service-name") == name
    ]


def _no_endpoints(found: Object, slices: list[Object]) -> Finding:
    ends = sum(len(items(each, "endpoints")) for each in slices)
    seen = [evidence(slices[0], "endpoints", f"none of {ends} ready")]
    title = f"The service {objects.name(found)} has no endpoint"
    advice = "Requests to it fail: no pod carries its labels, or none of them is ready."
    return Finding("no-endpoints", "warn", title, seen, advice)


def _beside(one: Object, other: Object) -> bool:
    return objects.namespace(one) == objects.namespace(other)


def _alike(pod: Object, found: Object, selector: Mapping[str, Any]) -> bool:
    """Labelled in the same way, with other values: a near miss, not just any pod of the namespace."""
    return _beside(pod, found) and selector.keys() <= find(pod, "metadata.labels", {}).keys()


def _carries(obj: Object, selector: Mapping[str, Any]) -> bool:
    labels = find(obj, "metadata.labels", {})
    return all(labels.get(key) == value for key, value in selector.items())


def _templates(found: Object, selector: Mapping[str, Any], picture: Picture) -> list[Object]:
    """Pods as their workloads describe them, where no pod is known."""
    templates: list[Object] = []
    for each in picture.of_kind("Deployment", "StatefulSet", "DaemonSet"):
        template = find(each, "spec.template", {})
        if _beside(each, found) and _carries(template, selector):
            templates.append({"kind": "Pod", "metadata": each.get("metadata"), "spec": template.get("spec")})
    return templates


def _selects_nothing(found: Object, selector: Mapping[str, Any], picture: Picture) -> Finding:
    wanted = ", ".join(f"{key}={value}" for key, value in sorted(selector.items()))
    seen = [evidence(found, "spec.selector", wanted)]
    for pod in [each for each in picture.of_kind("Pod") if _beside(each, found)][:3]:
        having = find(pod, "metadata.labels", {})
        near = {key: having[key] for key in selector if key in having} or having
        seen.append(evidence(pod, "metadata.labels", ", ".join(f"{k}={v}" for k, v in sorted(near.items()))))
    advice = "No pod carries the labels it selects: correct the selector, or the labels of the pods."
    title = f"The service {objects.name(found)} finds no pods"
    return Finding("selects-nothing", "error", title, seen, advice)


def _wrong_ports(found: Object, pods: list[Object]) -> Iterator[Finding]:
    for port in items(found, "spec.ports"):
        target = port.get("targetPort", port.get("port"))
        for pod in pods[:1]:
            declared = [
                each for container in items(pod, "spec.containers") for each in items(container, "ports")
            ]
            known = [
                value for each in declared for value in (each.get("name"), each.get("containerPort")) if value
            ]
            if target in known or (not known and not isinstance(target, str)):
                continue
            yield _wrong_port(found, pod, port, known)


def _wrong_port(found: Object, pod: Object, port: Mapping[str, Any], known: list[Any]) -> Finding:
    target = port.get("targetPort", port.get("port"))
    listed = ", ".join(str(each) for each in known) or "none"
    seen = [evidence(found, f"spec.ports[{port.get('name', port.get('port'))}].targetPort", target)]
    seen.append(evidence(pod, "containers.ports", listed))
    number_ = next((each for each in known if isinstance(each, int)), None)
    fix = (
        {"field": "port", "value": number_, "label": f"Use port {number_}"} if number_ else {"field": "port"}
    )
    advice = f"It sends requests to port {target}; the pods declare {listed}. Correct the port."
    title = f"The service {objects.name(found)} sends to a port that is not there"
    return Finding("wrong-target-port", "error", title, seen, advice, fix)

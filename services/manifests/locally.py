"""How a service is worked on from one's own machine, worked out from its manifests (row 45)."""

import json
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.manifests import emit, objects, pointers

RUNS: Final = ("Deployment", "StatefulSet")
FIRST_LOCAL: Final = 1024  # below it only root may listen
Object = Mapping[str, Any]


@dataclass(frozen=True)
class Recipe:
    """One tool's way: the file it reads (`name`, `text`; none for some) and what one types."""

    key: str
    title: str
    hint: str
    commands: tuple[str, ...]
    name: str = ""
    text: str = ""


@dataclass(frozen=True)
class _Seen:
    """What the recipes need: the workload, its image, its port by number, and the Service before it."""

    kind: str
    name: str
    image: str
    container: str
    port: int
    service: str
    service_port: str

    @property
    def local(self) -> int:
        return self.port if self.port >= FIRST_LOCAL else self.port + 8000


def recipes(
    datas: Sequence[Object], *, namespace: str, production: bool = False, paths: Sequence[str] = ()
) -> list[Recipe]:
    """For the first thing that runs all the time; none where nothing does.

    `paths` are the files of the manifests. In production traffic is only looked at, never taken away.
    """
    seen = _seen(datas)
    if seen is None:
        return []
    found = [_mirrord(seen, namespace, production)]
    if not production:
        found += [_telepresence(seen, namespace), _skaffold(seen, namespace, paths)]
    return found


def _seen(datas: Sequence[Object]) -> _Seen | None:
    for data in datas:
        containers = [each for _, each in objects.containers(data, "containers")]
        if objects.kind(data) in RUNS and containers:
            first = next((each for each in containers if each.get("ports")), containers[0])
            service, wanted = _service(datas, objects.pod_labels(data))
            ports = {str(each.get("name") or ""): each.get("containerPort") for each in _ports(first)}
            number = ports.get(wanted) or (int(wanted) if wanted.isdigit() else None)
            number = number or next((each for each in ports.values() if isinstance(each, int)), 8080)
            image, container = str(first.get("image") or ""), str(first.get("name") or "")
            port = number if isinstance(number, int) and 0 < number < 65_536 else 8080
            return _Seen(
                objects.kind(data),
                objects.name(data),
                image,
                container,
                port,
                service,
                _port_of(datas, service),
            )
    return None


def _ports(container: Object) -> Iterator[Object]:
    found = container.get("ports")
    yield from (each for each in (found if isinstance(found, list) else []) if isinstance(each, Mapping))


def _service(datas: Sequence[Object], labels: Object) -> tuple[str, str]:
    """The Service in front of these pods, and the port of the pods it leads to; empty where there is none."""
    for data in datas:
        selector = pointers.find(data, ("spec", "selector"))
        if objects.kind(data) != "Service" or not isinstance(selector, Mapping) or not selector:
            continue
        if all(labels.get(key) == value for key, value in selector.items()):
            first = next(iter(_ports(data.get("spec") or {})), {})
            return objects.name(data), str(first.get("targetPort") or first.get("port") or "")
    return "", ""


def _port_of(datas: Sequence[Object], service: str) -> str:
    for data in datas:
        if objects.kind(data) == "Service" and objects.name(data) == service:
            first = next(iter(_ports(data.get("spec") or {})), {})
            return str(first.get("name") or first.get("port") or "")
    return ""


def _without_tag(image: str) -> str:
    """`registry/name:tag@digest` as `registry/name`."""
    name = image.partition("@")[0]
    head, _, tail = name.rpartition(":")
    return head if head and "/" not in tail else name


def _mirrord(seen: _Seen, namespace: str, production: bool) -> Recipe:
    said = {
        "target": {
            "path": f"{seen.kind.lower()}/{seen.name}/container/{seen.container}", "namespace": namespace,
        },
        "feature": {
            "env": True,
            "fs": {"mode": "read"},
            "network": {"incoming": {"mode": "mirror" if production else "steal"}, "outgoing": True},
        },
    }  # fmt: skip
    hint = (
        "Your process sees a copy of the traffic, and the configuration of the pod. Nothing is taken away."
        if production
        else "Your process takes the traffic of the pod, with its configuration and what it reaches."
    )
    run = "mirrord exec -f .mirrord/mirrord.json -- <how you start it>"
    text = json.dumps(said, indent=2) + "\n"
    return Recipe("mirrord", "mirrord", hint, (run,), ".mirrord/mirrord.json", text)


def _telepresence(seen: _Seen, namespace: str) -> Recipe:
    port = f"{seen.local}:{seen.service_port or seen.port}"
    service = f" --service {seen.service}" if seen.service and seen.service != seen.name else ""
    commands = (
        f"telepresence connect --namespace {namespace}",
        f"telepresence intercept {seen.name}{service} --port {port} --env-file .env",
        f"telepresence leave {seen.name}",
    )
    hint = f"What is meant for it comes to port {seen.local} of your machine; its environment is in .env."
    return Recipe("telepresence", "Telepresence", hint, commands)


def _skaffold(seen: _Seen, namespace: str, paths: Sequence[str]) -> Recipe:
    files = sorted(paths) or ["k8s/*.yaml"]
    forwarded = {
        "resourceType": "service" if seen.service else seen.kind.lower(),
        "resourceName": seen.service or seen.name, "namespace": namespace, "port": seen.port,
        "localPort": seen.local,
    }  # fmt: skip
    if seen.service and seen.service_port.isdigit():
        forwarded["port"] = int(seen.service_port)
    said = {
        "apiVersion": "skaffold/v4beta11",
        "kind": "Config",
        "metadata": {"name": seen.name},
        "build": {
            "artifacts": [{"image": _without_tag(seen.image), "docker": {"dockerfile": "Dockerfile"}}],
            "tagPolicy": {"inputDigest": {}},
        },
        "manifests": {"rawYaml": files},
        "deploy": {"kubectl": {"defaultNamespace": namespace}},
        "portForward": [forwarded],
    }
    folder = posixpath.commonpath(files) if paths else ""
    comment = f"Paths are those of the deploy repository; {folder or 'k8s'} is what runs there now."
    hint = "Builds what you save, brings it to a namespace of yours, and leads its port to your machine."
    text = emit.dump([said], comment)
    commands = ("skaffold dev --namespace <yours>", "skaffold delete --namespace <yours>")
    return Recipe("skaffold", "Skaffold", hint, commands, "skaffold.yaml", text)

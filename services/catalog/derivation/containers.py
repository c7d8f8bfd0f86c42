"""What the containers of a pod are told: environment, arguments, mounted files."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from services.catalog.derivation.commands import of_arguments
from services.catalog.derivation.model import Block, Json, Setting, Workload
from services.catalog.derivation.texts import settings_in
from services.catalog.derivation.trees import Line, listed, mapping, numbered, plain, text
from services.catalog.descriptors.reading import Path

FindBlock = Callable[[str, str, str], Block | None]
WAITS = 0.8
UPSTREAMS = "consul.hashicorp.com/connect-service-upstreams"


@dataclass
class Pod:
    """A pod's specification with its place in a file."""

    workload: Workload
    spec: Json
    file: str
    line: Line
    path: Path


def describe(pod: Pod, find: FindBlock) -> None:
    """Write into the pod's workload what its containers are told. `find` knows ConfigMaps and Secrets."""
    workload = pod.workload
    for path, container, is_init in _containers(pod):
        if not is_init and text(container, "image"):
            workload.images.append(text(container, "image"))
        if not is_init:
            workload.ports |= {
                port["containerPort"]
                for _, port in numbered(container, "ports")
                if isinstance(port.get("containerPort"), int)
            }
        trust = WAITS if is_init else 0.95
        told = [*_whole_blocks(pod, container, find), *_variables(pod, container, path, find, trust)]
        workload.env |= {each.key: each.value for each in told}
        workload.settings += [*told, *_arguments(pod, container, path, trust)]
    workload.settings += [*_mounted(pod, find), *_upstreams(pod)]


def _containers(pod: Pod) -> Iterator[tuple[Path, Json, bool]]:
    for kind in ("containers", "initContainers"):
        for number, container in numbered(pod.spec, kind):
            is_sidecar = container.get("restartPolicy") == "Always"
            yield (*pod.path, kind, number), container, kind == "initContainers" and not is_sidecar


def _variables(pod: Pod, container: Json, path: Path, find: FindBlock, trust: float) -> Iterator[Setting]:
    for number, variable in numbered(container, "env"):
        key, at = text(variable, "name"), (*path, "env", number)
        if not key:
            continue
        if value := plain(variable.get("value")):
            yield Setting(key, value, pod.file, pod.line((*at, "value")), trust)
        elif found := _referred(pod, mapping(variable, "valueFrom"), find):
            block, inner = found
            value, line = block.entries[inner]
            yield Setting(key, value, block.file, line, trust, secret=block.secret)


def _referred(pod: Pod, source: Json, find: FindBlock) -> tuple[Block, str] | None:
    """The one entry of a ConfigMap or Secret that a variable takes its value from."""
    for kind, field in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
        wanted = mapping(source, field)
        block = find(kind, pod.workload.space, text(wanted, "name")) if wanted else None
        if block and text(wanted, "key") in block.entries:
            return block, text(wanted, "key")
    return None


def _whole_blocks(pod: Pod, container: Json, find: FindBlock) -> Iterator[Setting]:
    for _, source in numbered(container, "envFrom"):
        for kind, field in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
            block = find(kind, pod.workload.space, text(mapping(source, field), "name"))
            if block:
                yield from _every(block, text(source, "prefix"))


def _every(block: Block, prefix: str) -> Iterator[Setting]:
    for key, (value, line) in block.entries.items():
        yield Setting(prefix + key, value, block.file, line, 0.9, secret=block.secret, block=block.id)


def _arguments(pod: Pod, container: Json, path: Path, trust: float) -> Iterator[Setting]:
    given = [
        (plain(each), (*path, field, number))
        for field in ("command", "args")
        for number, each in enumerate(listed(container, field))
    ]
    for place, key, argument in of_arguments([argument for argument, _ in given]):
        line = pod.line(given[place][1])
        yield Setting(key, argument, pod.file, line, min(trust, 0.9), "value" if key else "words")


def _mounted(pod: Pod, find: FindBlock) -> Iterator[Setting]:
    """The files of ConfigMaps and Secrets that the pod mounts, each read as what its name says."""
    for _, volume in numbered(pod.spec, "volumes"):
        sources = [volume, *(source for _, source in numbered(volume, "projected", "sources"))]
        for source in sources:
            for kind, field, name in (("ConfigMap", "configMap", "name"), ("Secret", "secret", "secretName")):
                wanted = mapping(source, field)
                block = find(kind, pod.workload.space, text(wanted, name) or text(wanted, "name"))
                if wanted and block:
                    yield from _files(block, _chosen(pod, text(volume, "name"), wanted))


def _chosen(pod: Pod, volume: str, wanted: Json) -> set[str] | None:
    """The keys that are really seen in a container; None for all."""
    items = {text(item, "key") for _, item in numbered(wanted, "items")}
    mounts = [
        text(mount, "subPath")
        for _, container, _ in _containers(pod)
        for _, mount in numbered(container, "volumeMounts")
        if text(mount, "name") == volume
    ]
    subs = set(mounts) if mounts and all(mounts) else set()
    paths = {text(item, "path"): text(item, "key") for _, item in numbered(wanted, "items")}
    chosen = {paths.get(sub, sub) for sub in subs} or items
    return chosen or None


def _upstreams(pod: Pod) -> Iterator[Setting]:
    """Whom a service mesh's sidecar is told to reach: Consul's `service:port`, comma-separated."""
    value = pod.workload.annotations.get(UPSTREAMS, "")
    if value:
        yield Setting(UPSTREAMS, value, pod.file, pod.line(pod.path[:-1]), 0.9)


def _files(block: Block, chosen: set[str] | None) -> Iterator[Setting]:
    for key, (content, line) in block.entries.items():
        if chosen is not None and key not in chosen:
            continue
        if "\n" not in content.strip() and not PurePosixPath(key).suffix:
            yield Setting(key, content.strip(), block.file, line, 0.9, secret=block.secret, block=block.id)
            continue
        first = line + 1 if "\n" in content.strip() else line
        for each in settings_in(key, content, file=block.file, first=first, trust=0.9):
            yield Setting(
                each.key, each.value, each.file, each.line, each.trust, each.kind, block.secret, block.id
            )  # fmt: skip

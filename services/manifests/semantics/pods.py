"""Inside a pod: containers, environment, volumes and mounts, ports, probes. Of objects that have pods."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from services.manifests import pointers
from services.manifests.objects import Object, containers, entries, kind, pod_path
from services.manifests.pointers import Path
from services.manifests.problems import Problem, Rule

DUPLICATE = Rule(
    "duplicate-name",
    "Two things with one name",
    "Containers, volumes, mount paths and ports must be told apart; the API refuses the second.",
    {"": "block"},
)
DUPLICATE_ENV = Rule(
    "duplicate-env",
    "A variable set twice",
    "The last one wins silently, and server-side apply refuses the list.",
    {"": "warn"},
)
ENV_SOURCE = Rule(
    "env-source",
    "A variable with two sources, or an empty one",
    "A variable has a value, or exactly one place it comes from.",
    {"": "block"},
)
ENV_NAME = Rule(
    "env-name",
    "A variable name that a shell cannot read",
    "Letters, digits and underscores work everywhere.",
    {"": "warn"},
)
NO_VOLUME = Rule(
    "volume-missing",
    "A mount of a volume that is not there",
    "The API refuses a mount whose volume the pod does not declare.",
    {"": "block"},
)
UNUSED = Rule(
    "volume-unused",
    "A volume that nobody mounts",
    "It is fetched and attached for nothing, and the pod waits for it; often the mount was forgotten.",
    {"": "info"},
)
BAD_PORT = Rule("bad-port", "Not a port", "Ports are whole numbers from 1 to 65535.", {"": "block"})
BAD_PROBE = Rule(
    "bad-probe",
    "A probe that cannot work",
    "A probe asks in exactly one way, and liveness and startup succeed the first time.",
    {"": "block"},
    (13,),
)
BAD_IMAGE = Rule(
    "bad-image",
    "Not an image reference",
    "An image is registry/name:tag or registry/name@digest in small letters; others end in InvalidImageName.",
    {"": "block"},
    (28,),
)
CONTRADICTION = Rule(
    "security-contradiction",
    "Security settings that exclude each other",
    "Such a pod is refused, or admitted and then never started.",
    {"": "block"},
)

IMAGE = re.compile(
    r"(?:(?:localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|[A-Za-z0-9-]+(?=:\d))(?::\d{1,5})?/)?"
    r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?:@[a-z0-9]+:[0-9a-f]{32,})?\Z"
)
ENVIRONMENT = re.compile(r"[A-Za-z_.-][A-Za-z0-9_.-]*\Z")
HANDLERS = ("httpGet", "tcpSocket", "exec", "grpc")
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def twice(obj: Object) -> Iterator[Problem]:
    pod = pod_path(obj) or ()
    yield from _repeated(containers(obj), "name", "container")
    yield from _repeated(entries(obj, (*pod, "volumes")), "name", "volume")
    for path, _ in containers(obj):
        yield from _repeated(entries(obj, (*path, "volumeMounts")), "mountPath", "mount path")
        yield from _repeated(entries(obj, (*path, "ports")), "name", "port")


def _repeated(parts: Iterable[tuple[Path, Mapping[str, Any]]], key: str, what: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for path, part in parts:
        value = part.get(key)
        if not isinstance(value, str):
            continue
        if value in seen:
            yield Problem(DUPLICATE, (*path, key), f"there are two {what}s {value!r}")
        seen.add(value)


def environment(obj: Object) -> Iterator[Problem]:
    for path, _ in containers(obj):
        seen: set[str] = set()
        for at, variable in entries(obj, (*path, "env")):
            name = str(variable.get("name", ""))
            if name in seen:
                yield Problem(DUPLICATE_ENV, at, f"{name} is set twice", {at: None}, f"Remove this {name}")
            seen.add(name)
            yield from _variable(at, name, variable)


def _variable(path: Path, name: str, variable: Mapping[str, Any]) -> Iterator[Problem]:
    source = variable.get("valueFrom")
    if isinstance(source, Mapping):
        given = [key for key, value in source.items() if value]
        if variable.get("value"):
            yield Problem(ENV_SOURCE, (*path, "valueFrom"), f"{name} has a value and a valueFrom")
        elif len(given) != 1:
            yield Problem(
                ENV_SOURCE, (*path, "valueFrom"), f"{name} needs exactly one source, has {len(given)}"
            )
    if name and not ENVIRONMENT.match(name):
        yield Problem(ENV_NAME, (*path, "name"), f"{name!r} is not readable by a shell")


def mounts(obj: Object) -> Iterator[Problem]:
    pod = pod_path(obj) or ()
    known = [str(volume.get("name")) for _, volume in entries(obj, (*pod, "volumes"))]
    if kind(obj) == "StatefulSet":
        claims = entries(obj, ("spec", "volumeClaimTemplates"))
        known += [str(pointers.find(claim, ("metadata", "name"))) for _, claim in claims]
    for path, _ in containers(obj):
        for at, mount in entries(obj, (*path, "volumeMounts")):
            if mount.get("name") not in known:
                listed = ", ".join(known) or "no volume at all"
                message = f"mounts the volume {mount.get('name')!r}; the pod declares {listed}"
                yield Problem(NO_VOLUME, (*at, "name"), message)


def unused_volumes(obj: Object) -> Iterator[Problem]:
    pod = pod_path(obj) or ()
    lists = [(*path, field) for path, _ in containers(obj) for field in ("volumeMounts", "volumeDevices")]
    used = {mount.get("name") for path in lists for _, mount in entries(obj, path)}
    for at, volume in entries(obj, (*pod, "volumes")):
        if volume.get("name") not in used:
            yield Problem(UNUSED, at, f"no container mounts the volume {volume.get('name')!r}")


def volume_sources(obj: Object) -> Iterator[Problem]:
    pod = pod_path(obj) or ()
    for path, volume in entries(obj, (*pod, "volumes")):
        sources = sorted(key for key, value in volume.items() if key != "name" and value is not None)
        if len(sources) > 1:
            yield Problem(DUPLICATE, path, f"volume {volume.get('name')!r} is both {' and '.join(sources)}")


def ports(obj: Object) -> Iterator[Problem]:
    for path, container in containers(obj):
        for at, port in entries(obj, (*path, "ports")):
            for key in ("containerPort", "hostPort"):
                yield from port_number((*at, key), port.get(key))
        for probe, handler, settings in _handlers(container):
            yield from port_number((*path, probe, handler, "port"), settings.get("port"))


def port_number(path: Path, value: Any) -> Iterator[Problem]:
    """Refuses numbers that are no port; names are somebody else's business."""
    if isinstance(value, int) and not isinstance(value, bool) and not 0 < value < 65536:
        yield Problem(BAD_PORT, path, f"{pointers.text(path)}: {value} is not a port from 1 to 65535")


def _handlers(container: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for probe in PROBES:
        for handler in HANDLERS:
            settings = pointers.find(container, (probe, handler))
            if isinstance(settings, Mapping):
                yield probe, handler, settings


def probes(obj: Object) -> Iterator[Problem]:
    for path, container in containers(obj):
        for which in PROBES:
            probe = container.get(which)
            if isinstance(probe, Mapping):
                yield from _probe((*path, which), which, probe)


def _probe(path: Path, which: str, probe: Mapping[str, Any]) -> Iterator[Problem]:
    asked = [handler for handler in HANDLERS if probe.get(handler) is not None]
    if len(asked) != 1:
        given = " and ".join(asked) or "none"
        yield Problem(BAD_PROBE, path, f"{which} needs one of {', '.join(HANDLERS)}; it has {given}")
    threshold = (*path, "successThreshold")
    if which != "readinessProbe" and probe.get("successThreshold", 1) not in (1, None):
        yield Problem(
            BAD_PROBE, threshold, f"successThreshold of a {which} is 1", {threshold: 1}, "Set it to 1"
        )
    for key in ("timeoutSeconds", "periodSeconds", "failureThreshold"):
        if isinstance(probe.get(key), int) and probe[key] < 1:
            yield Problem(BAD_PROBE, (*path, key), f"{key} is at least 1", {(*path, key): 1}, "Set it to 1")


def images(obj: Object) -> Iterator[Problem]:
    for path, container in containers(obj):
        image = container.get("image")
        if isinstance(image, str) and not IMAGE.match(image):
            at = (*path, "image")
            better = image.strip().lower()
            fix = {at: better} if better != image and IMAGE.match(better) else {}
            yield Problem(
                BAD_IMAGE, at, f"{image!r} is not an image reference", fix, f"Write {better}" if fix else ""
            )
        elif image is None and kind(obj) != "PodTemplate":
            yield Problem(BAD_IMAGE, (*path, "image"), f"container {container.get('name')!r} has no image")


def contradictions(obj: Object) -> Iterator[Problem]:
    outer = pointers.find(obj, (*(pod_path(obj) or ()), "securityContext"), {})
    for path, container in containers(obj):
        inner = container.get("securityContext")
        at = (*path, "securityContext")
        settings = {
            **(outer if isinstance(outer, Mapping) else {}),
            **(inner if isinstance(inner, Mapping) else {}),
        }
        if settings.get("runAsNonRoot") is True and settings.get("runAsUser") == 0:
            yield Problem(CONTRADICTION, at, "runAsNonRoot with runAsUser 0: the container is never started")
        if settings.get("privileged") is True and settings.get("allowPrivilegeEscalation") is False:
            yield Problem(CONTRADICTION, at, "a privileged container cannot forbid privilege escalation")


CHECKS = (twice, environment, mounts, unused_volumes, volume_sources, ports, probes, images, contradictions)

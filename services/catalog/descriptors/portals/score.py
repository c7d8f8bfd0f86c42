"""Score, `score.yaml`, apiVersion `score.dev/v1b1`: a workload and the resources it needs.

https://docs.score.dev/docs/score-specification/score-spec-reference/
"""

import re

from services.catalog.descriptors.formats import is_label_key
from services.catalog.descriptors.portals.shapes import Draft, Need, Reader, Taken, Yaml, component, slug
from services.catalog.descriptors.problems import as_label

VERSION = "score.dev/v1b1"
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")
# What a platform adds around a workload; nothing that anybody would look up in a catalog.
SURROUNDINGS = (
    "dns",
    "route",
    "volume",
    "environment",
    "tls-cert",
    "horizontal-pod-autoscaler",
    "base-env",
    "config",
)
WORKLOADS = ("service", "workload")


def recognise(name: str, data: Yaml) -> bool:
    return str(data.get("apiVersion")).startswith("score.dev/")


def read(data: Yaml) -> Taken:
    taken = Taken()
    root = Reader(data, taken)
    if root.text("apiVersion") != VERSION:
        root.refuse("apiVersion", "enum", f"only {VERSION} is known", VERSION)
    metadata = root.mapping("metadata", required=True)
    name = metadata.text("name", required=True)
    if name and not NAME.match(name):
        rule = "lower-case letters, digits and - in between, at most 63 characters"
        metadata.refuse("name", "format", f"{name} is no name of a workload: {rule}", as_label(name))
    draft = Draft("Component", name, name=name)
    draft.spec = {"type": "service", "lifecycle": "unknown"}
    _annotations(metadata, draft)
    _containers(root, draft)
    _ports(root, draft)
    resources = _resources(root, name, taken)
    root.rest()
    taken.ids.add(name)
    taken.entities = [draft.entity(), *resources]
    return taken


def _annotations(metadata: Reader, draft: Draft) -> None:
    annotations = metadata.mapping("annotations")
    draft.annotations |= {key: annotations.text(key) for key in annotations.data if is_label_key(key)}
    annotations.rest()
    metadata.leave("labels")
    metadata.rest()


def _containers(root: Reader, draft: Draft) -> None:
    if not root.mapping("containers", required=True).data and isinstance(root.data.get("containers"), dict):
        root.refuse("containers", "empty", "a workload has at least one container")
    for _, container in root.members("containers"):
        image = container.text("image", required=True)
        if image and image != ".":
            draft.annotations.setdefault("slipway.dev/image", image)


def _ports(root: Reader, draft: Draft) -> None:
    found = []
    for name, port in root.mapping("service").members("ports"):
        number = port.text("port", required=True)
        if number and not (number.isdigit() and 0 < int(number) < 65536):
            port.refuse("port", "range", f"{number} is no port: 1 to 65535")
        found.append(f"{name}:{number}")
    if found:
        draft.annotations["slipway.dev/ports"] = ", ".join(found)


def _resources(root: Reader, workload: str, taken: Taken) -> list[Yaml]:
    """An entity for each thing the workload needs: shared ones by their id, its own under its name."""
    entities = []
    for name, resource in root.members("resources"):
        kind, shared = resource.text("type", required=True), resource.text("id")
        if kind in SURROUNDINGS:
            resource.note("type", f"{kind} {name} belongs to the platform, not to the catalog")
        elif kind in WORKLOADS:
            taken.needs.append(Need((*resource.path, "type"), shared or name, component(shared or name)))
        elif kind and not slug(shared or f"{workload}-{name}"):
            resource.refuse("id", "format", f"{shared or name} holds no letter or digit to make a name of")
        elif kind:
            draft = Draft("Resource", shared or f"{workload}-{name}", spec={"type": slug(kind) or kind})
            entities.append(draft.entity())
            made = f"resource:default/{entities[-1]['metadata']['name']}".lower()
            taken.needs.append(Need((*resource.path, "type"), made, made))
        resource.leave("class", "params", "metadata")
        resource.rest()
    return entities

"""Names of Kubernetes things: references, listings, watch events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.integrations.kube.errors import BadRequest

Json = dict[str, Any]
# In the place of characters that no database keeps; no name of Kubernetes has one.
UNREADABLE = "\ufffd"


@dataclass(frozen=True)
class Ref:
    """One object by name; `namespace` is empty for kinds that have none."""

    api_version: str
    kind: str
    name: str
    namespace: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.kind, self.namespace, self.name) if part)

    @classmethod
    def of(cls, obj: Mapping[str, Any]) -> "Ref":
        """Refuses what names no object."""
        metadata = obj.get("metadata")
        if not isinstance(metadata, Mapping) or not all(
            isinstance(value, str) and value
            for value in (obj.get("apiVersion"), obj.get("kind"), metadata.get("name"))
        ):
            raise BadRequest("An object needs apiVersion, kind and metadata.name.")
        return cls(obj["apiVersion"], obj["kind"], metadata["name"], metadata.get("namespace") or "")


@dataclass(frozen=True)
class Resource:
    """How a kind is spelled in addresses."""

    plural: str
    namespaced: bool


@dataclass(frozen=True)
class Listing:
    """`malformed` says what was wrong with each item that is no object; the others are still here."""

    items: list[Json]
    resource_version: str
    malformed: tuple[str, ...] = ()
    is_last: bool = True


@dataclass(frozen=True)
class WatchEvent:
    """`type` is ADDED, MODIFIED, DELETED, BOOKMARK, or MALFORMED for a line that is none of them."""

    type: str
    object: Json = field(default_factory=dict)
    reason: str = ""


def complaint(item: Any) -> str:
    """What keeps `item` from being an object at all; empty when it is one."""
    if not isinstance(item, dict):
        return f"an item is {type(item).__name__}, not an object"
    metadata = item.get("metadata")
    if not isinstance(metadata, dict):
        return "an item has no metadata"
    name = metadata.get("name")
    if not isinstance(name, str) or not name:
        return "an item has no name"
    return "an item's name cannot be read" if UNREADABLE in name else ""


LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def shown(obj: Json) -> Json:
    """`obj` as it leaves this package: of a Secret the names of its keys, and no copy kubectl left of it."""
    if (obj.get("apiVersion"), obj.get("kind")) != ("v1", "Secret"):
        return obj
    metadata = dict(obj["metadata"])
    if isinstance(notes := metadata.get("annotations"), dict):
        metadata["annotations"] = {key: note for key, note in notes.items() if key != LAST_APPLIED}
    emptied = {part: dict.fromkeys(obj[part], "") for part in ("data", "stringData") if obj.get(part)}
    return obj | emptied | {"metadata": metadata}

"""Entity references: `[kind:][namespace/]name`."""

from dataclasses import dataclass

DEFAULT_NAMESPACE = "default"


class BadReference(ValueError):
    """A reference that cannot be read, or lacks a kind where none is implied."""


@dataclass(frozen=True)
class EntityRef:
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.namespace}/{self.name}".lower()


def parse_ref(
    text: str, *, default_kind: str | None = None, default_namespace: str = DEFAULT_NAMESPACE
) -> EntityRef:
    """Read a reference as Backstage does: the name is everything after the last separator that counts."""
    if not text:
        raise BadReference("Entity reference must not be empty")
    colon, slash = text.find(":"), text.find("/")
    if -1 < slash < colon:
        colon = -1
    kind = text[:colon] if colon >= 0 else None
    namespace = text[colon + 1 : slash] if slash >= 0 else None
    name = text[max(colon, slash) + 1 :]
    if kind == "" or namespace == "" or not name:
        raise BadReference(f'Entity reference "{text}" was not on the form [<kind>:][<namespace>/]<name>')
    kind = kind or default_kind
    if not kind:
        raise BadReference(
            f'Entity reference "{text}" had missing or empty kind '
            '(e.g. did not start with "component:" or similar)'
        )
    return EntityRef(kind, namespace or default_namespace, name)


def ref_of(descriptor: dict) -> str:  # type: ignore[type-arg]  # any parsed descriptor
    """The canonical lower-case reference of a descriptor."""
    metadata = descriptor["metadata"]
    namespace = metadata.get("namespace") or DEFAULT_NAMESPACE
    return str(EntityRef(descriptor["kind"], namespace, metadata["name"]))

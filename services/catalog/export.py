"""An entity back into the file it could have come from."""

from typing import Any

from services.catalog.models import Entity
from services.manifests import emit

OUTPUT_ONLY = ("uid", "etag")
GENERATED = ("backstage.io/managed-by", "backstage.io/orphan")


def as_yaml(entity: Entity) -> str:
    """The descriptor without what a catalog adds by itself; every reader gets the same strings back."""
    metadata = {key: value for key, value in entity.metadata.items() if key not in OUTPUT_ONLY}
    noted = {
        k: v for k, v in (metadata.pop("annotations", None) or {}).items() if not k.startswith(GENERATED)
    }
    descriptor: dict[str, Any] = {
        "apiVersion": entity.api_version,
        "kind": entity.kind,
        "metadata": {**metadata, **({"annotations": noted} if noted else {})},
        "spec": entity.spec,
    }
    return emit.dump([descriptor])

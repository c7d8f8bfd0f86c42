"""An entity back into the file it could have come from."""

from typing import Any

import yaml

from services.catalog.models import Entity

OUTPUT_ONLY = ("uid", "etag")
GENERATED = ("backstage.io/managed-by", "backstage.io/orphan")


class _Dumper(yaml.CSafeDumper):
    """Lists indented under their key, as people write them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def as_yaml(entity: Entity) -> str:
    """The descriptor without what a catalog adds by itself."""
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
    return yaml.dump(descriptor, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)

"""Which environment and which entity an object belongs to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from services.catalog.models import Entity
from services.clusters.models import Cluster, Environment, KubeObject
from services.clusters.watching.kinds import OWNERS

ENTITY = "slipway.dev/entity"
KUBERNETES_ID = "backstage.io/kubernetes-id"
NAME_LABELS = ("app.kubernetes.io/instance", "app.kubernetes.io/name", "app")


@dataclass
class Map:
    """What is known of one cluster's places and of the catalog's names; read anew now and then."""

    environments: dict[str, Environment]
    components: dict[str, str]

    @classmethod
    def of(cls, cluster: Cluster) -> "Map":
        places = {e.namespace: e for e in Environment.objects.filter(cluster=cluster)}
        rows = Entity.objects.filter(kind__iexact="component", namespace="default").values_list("name", "ref")
        return cls(places, {name.lower(): ref for name, ref in rows})

    def entity_ref(self, metadata: Mapping[str, Any], owner_ref: str) -> str:
        """By annotation, else its owner's, else a component of that name."""
        said = (metadata.get("annotations") or {}).get(ENTITY)
        if isinstance(said, str) and said:
            return said.lower()[:220]
        if owner_ref:
            return owner_ref
        labels = metadata.get("labels") or {}
        own = labels.get(KUBERNETES_ID) or (metadata.get("annotations") or {}).get(KUBERNETES_ID)
        names = [own, *(labels.get(key) for key in NAME_LABELS), metadata.get("name")]
        return next((self.components[str(n).lower()] for n in names if str(n).lower() in self.components), "")


def owner_uid(metadata: Mapping[str, Any]) -> str:
    """Of the watched object that made this one; empty when people did, or an operator."""
    for owner in metadata.get("ownerReferences") or []:
        if owner.get("kind") in OWNERS:
            return str(owner.get("uid") or "")
    return ""


def owners_refs(uids: Iterable[str]) -> dict[str, str]:
    """Entity by the uid of an owner."""
    wanted = {uid for uid in uids if uid}
    rows = KubeObject.objects.filter(uid__in=wanted).exclude(entity_ref="") if wanted else []
    return {row.uid: row.entity_ref for row in rows}

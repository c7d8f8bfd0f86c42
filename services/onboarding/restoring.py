"""Bringing a cluster back to what git says, where somebody changed it."""

from typing import Any

from services.catalog.models import Entity
from services.clusters import deliveries
from services.clusters import queries as clusters
from services.clusters.models import Drift, Environment
from services.effects import crashpoints
from services.integrations.kube.objects import Ref
from services.manifests.drift import back
from services.manifests.merging import MISSING

from . import delivering, drifting

crashpoints.declare("drift.applying", "drift.applied")


def put_back(pk: int) -> dict[str, Any]:
    """Compares anew and writes only what differs now. Raises `integrations.errors`."""
    row = Drift.objects.select_related("environment__cluster").filter(pk=pk).first()
    entity = Entity.objects.filter(ref=row.entity_ref).first() if row else None
    if row is None or entity is None:
        return {"gone": True}
    found = drifting.compare(entity, row.environment)
    way = deliveries.way_of(row.environment)
    if way is not None and found.where is not None:
        _have_it_done(row.environment, found)
    else:
        _apply(row.environment, found)
    drifting.look(row, entity)
    return {"objects": sorted({str(each.ref) for each in found.differences}), "left": row.count}


def _apply(place: Environment, found: drifting.Found) -> None:
    """What git leaves out is taken away, then what it says is applied over whoever holds the fields."""
    with clusters.client_for(place.cluster) as client:
        for ref in dict.fromkeys(each.ref for each in found.differences):
            crashpoints.reached("drift.applying")
            live = found.live.get(ref)
            for each in found.differences:
                if each.ref == ref and each.drift.git is MISSING and live is not None:
                    live = client.patch(ref, back(each.drift, live))
            client.apply(_placed(found.git[ref], ref), force=True)
            crashpoints.reached("drift.applied")


def _placed(obj: dict[str, Any], ref: Ref) -> dict[str, Any]:
    return obj | {"metadata": obj["metadata"] | {"namespace": ref.namespace}}


def _have_it_done(place: Environment, found: drifting.Found) -> None:
    """Argo CD and Flux apply themselves: they are told to, once more."""
    assert found.where is not None  # the caller looked
    folders = {path.rpartition("/")[0] for path in found.where.files}
    for each in delivering.about(place, found.where.repo, folders):
        deliveries.nudge(place, each, again_at=found.commit)

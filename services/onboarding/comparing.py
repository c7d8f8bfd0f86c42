"""Environment against environment, service by service: which fields differ, and whether they may (row 41)."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Any

from django.db.models import F
from django.utils import timezone

from services.catalog.models import Entity
from services.clusters import redaction
from services.clusters.models import Drift, Environment
from services.integrations.errors import IntegrationError
from services.manifests import pointers
from services.manifests.merging import MISSING
from services.manifests.reader import ManifestError, load_all

from . import queries
from .drifting import said
from .errors import Refusal
from .models import Parity

AT_ONCE = 20
FRESH = timedelta(minutes=10)
# Whole objects that one environment may have alone: they go with how much of it runs there.
MAY_BE_ALONE = {
    "PodDisruptionBudget": "Size", "HorizontalPodAutoscaler": "Size", "ScaledObject": "Size",
    "VerticalPodAutoscaler": "Size",
}  # fmt: skip


def sweep(at_once: int = AT_ONCE) -> int:
    """Compares those that were compared longest ago. One that cannot be compared holds up no other."""
    _list()
    rows = Parity.objects.exclude(as_of__gt=timezone.now() - FRESH).order_by(F("as_of").asc(nulls_first=True))
    chosen = list(rows[:at_once])
    entities = {each.ref: each for each in Entity.objects.filter(ref__in={row.entity_ref for row in chosen})}
    places = {each.name: each for each in Environment.objects.standing().select_related("cluster")}
    for row in chosen:
        look(row, entities.get(row.entity_ref), places)
    return len(chosen)


def _list() -> None:
    """A row for each two neighbours a service runs in."""
    runs: dict[str, list[str]] = defaultdict(list)
    rows = Drift.objects.filter(environment__is_preview=False).order_by(
        "environment__position", "environment__name"
    )
    for ref, place in rows.values_list("entity_ref", "environment__name"):
        runs[ref].append(place)
    wanted = {(ref, *pair) for ref, places in runs.items() for pair in pairwise(places)}
    had = {(each.entity_ref, each.source, each.target): each.pk for each in Parity.objects.only("pk")}
    Parity.objects.filter(pk__in=[pk for key, pk in had.items() if key not in wanted]).delete()
    fresh = [Parity(entity_ref=ref, source=one, target=other) for ref, one, other in wanted - had.keys()]
    Parity.objects.bulk_create(fresh, ignore_conflicts=True)


def look(row: Parity, entity: Entity | None, places: Mapping[str, Environment]) -> Parity:
    row.as_of, row.problem = timezone.now(), ""
    source, target = places.get(row.source), places.get(row.target)
    if entity is None or source is None or target is None:
        row.problem = "It is not in the catalog any more, or one of the environments is gone."
    else:
        _compare(row, entity, source, target)
    row.save()
    return row


def _compare(row: Parity, entity: Entity, source: Environment, target: Environment) -> None:
    try:
        _write(row, queries.comparison(entity, source, target))
    except (Refusal, IntegrationError) as error:
        row.problem = str(error)[:500]


def _write(row: Parity, found: "queries.Comparison") -> None:
    row.images = [
        {"repository": each.repository, "source": str(each.wanted), "target": str(each.place.image)}
        for each in found.images
    ]
    row.fields = [_field(each, found) for each in (*found.unexpected, *found.expected)]
    row.alone = [_alone(each.object, row.target) for each in found.only_here]
    row.alone += [_alone(each.object, row.source) for each in found.only_there]
    row.unexpected = len(found.unexpected) + sum(not each["why"] for each in row.alone)


def _alone(label: str, place: str) -> dict[str, str]:
    return {"object": label, "in": place, "why": MAY_BE_ALONE.get(label.partition(" ")[0], "")}


def _field(each: Any, found: "queries.Comparison") -> dict[str, Any]:
    one = each.difference
    hidden = _is_secret(one, found)
    values = {
        side: "" if value is MISSING else redaction.MASK if hidden else said(value)
        for side, value in (("source", one.there), ("target", one.here))
    }
    return {"object": one.object, "path": each.path, "why": each.why} | values


def _is_secret(one: Any, found: "queries.Comparison") -> bool:
    """By the name of the field, or of the variable it is the value of."""
    last = one.path[-1] if one.path else ""
    try:
        data = load_all(found.here.files[one.file], one.file)[one.document].data
    except (ManifestError, KeyError, IndexError):
        data = {}
    beside = pointers.find(data, one.path[:-1]) if last == "value" else None
    name = beside.get("name") if isinstance(beside, Mapping) else last
    return bool(redaction.SECRET_NAME.search(str(name)))

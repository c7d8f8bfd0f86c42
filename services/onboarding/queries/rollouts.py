"""What the watched clusters show of a request's rollouts."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from services.clusters import queries as clusters
from services.clusters.models import WORKLOADS, Environment, Health, KubeObject
from services.clusters.picture import EnvironmentState
from services.diagnosis.health import STATELESS
from services.integrations.kube.objects import Ref
from services.manifests.quantities import NotAQuantity, parse

from ..models import Request, Rollout
from .forms import blueprints

if TYPE_CHECKING:
    from ..delivering import Seen

STUCK = frozenset(
    {
        "quota-exceeded", "pod-security", "policy-denied", "account-missing", "failed-create", "image-pull",
        "config-missing", "config-error", "cannot-start", "oom-killed", "crash-loop",
    }
)  # fmt: skip
_UNITS = {"Mi": Decimal(1024**2), "m": Decimal("0.001")}
LASTING = ("Deployment", "StatefulSet", "DaemonSet")
FAILING = (Health.DEGRADED, Health.MISSING)
_BY_STATE = (Rollout.State.HEALTHY, Rollout.State.PROGRESSING, Rollout.State.FAILING)
_BY_WEIGHT = ("Healthy", "Suspended", "Unknown", "Progressing", "Missing", "Degraded")
_STATES = {Health.HEALTHY: Rollout.State.HEALTHY} | dict.fromkeys(FAILING, Rollout.State.FAILING)


@dataclass(frozen=True)
class Picture:
    """One environment as last seen; `current` when what is seen is what was applied, and fresh."""

    state: Rollout.State
    message: str
    ready: int
    desired: int
    as_of: datetime | None
    finding: dict[str, Any] | None
    current: bool
    parts: tuple[dict[str, Any], ...] = ()
    arrived: "Seen | None" = None


def environments_in_order(names: Sequence[str]) -> list[str]:
    """Staging before production, as the environments' positions say; unknown names are left out."""
    rows = Environment.objects.filter(name__in=names).order_by("position", "name")
    return list(rows.values_list("name", flat=True))


def pictures(request: Request) -> dict[str, Picture]:
    """What is seen in each environment the request was applied to."""
    refs = request.entity_refs or [request.entity_ref]
    seen = {ref: {state.environment.name: state for state in clusters.live_state(ref)} for ref in refs}
    found = {
        rollout.environment: _together(
            request, rollout, {ref: seen[ref].get(rollout.environment) for ref in refs}
        )
        for rollout in request.rollouts.all()
    }
    return {name: picture for name, picture in found.items() if picture is not None}


def _together(
    request: Request, rollout: Rollout, seen: Mapping[str, EnvironmentState | None]
) -> Picture | None:
    """All parts as one: as the worst of them is, and only once every one of them can be seen."""
    if rollout.is_on_its_way:
        return _on_its_way(request, rollout)
    if request.kind in (Request.Kind.RETIRE, Request.Kind.END) or (rollout.removed and not rollout.applied):
        return _of_gone(rollout)
    if request.is_of_set:
        return _of_set(request, rollout)
    found = {
        ref: _picture(request, rollout, ref, applied, seen[ref])
        for ref, applied in _by_entity(rollout.applied, list(seen)).items()
    }
    pictures = [picture for picture in found.values() if picture is not None]
    if len(pictures) < len(found):
        return None
    worst = max(pictures, key=lambda each: _BY_STATE.index(each.state))
    if len(found) == 1:
        return worst
    times = [each.as_of for each in pictures if each.as_of]
    return replace(
        worst,
        ready=sum(each.ready for each in pictures),
        desired=sum(each.desired for each in pictures),
        as_of=min(times, default=None),
        current=all(each.current for each in pictures),
        parts=tuple(
            {"entity": ref, "state": str(each.state), "message": each.message}
            for ref, each in found.items()
            if each
        ),
    )


def _on_its_way(request: Request, rollout: Rollout) -> Picture | None:
    """As Argo CD or Flux tells; what it could not bring because the pods do not start, the pods explain."""
    from .. import delivering  # loads the cluster client, which few processes need

    seen = delivering.seen(request, rollout)
    if seen is None:
        return None
    state = Rollout.State.FAILING if seen.word == "failed" else Rollout.State.APPLYING
    picture = _in_place(state, seen.message)
    if seen.word == "synced":
        return replace(picture, arrived=seen)
    return replace(picture, finding=(_of_pods(request, rollout) if seen.is_unwell else None) or seen.finding)


def _of_pods(request: Request, rollout: Rollout) -> dict[str, Any] | None:
    states = (one for ref in request.entity_refs for one in clusters.live_state(ref))
    seen = next((one for one in states if one.environment.name == rollout.environment), None)
    return _finding(request, seen, request.entity_ref) if seen else None


def _by_entity(applied: Sequence[dict[str, Any]], refs: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """What was applied, by the part it belongs to; what names none of them belongs to the first."""
    found: dict[str, list[dict[str, Any]]] = {ref: [] for ref in refs}
    for each in applied:
        found[each["entity"] if each.get("entity") in found else refs[0]].append(each)
    return {ref: some for ref, some in found.items() if some} or {refs[0]: []}


def _picture(
    request: Request, rollout: Rollout, ref: str, applied: list[dict[str, Any]],
    seen: EnvironmentState | None,
) -> Picture | None:  # fmt: skip
    expected = [each for each in applied if each["kind"] in WORKLOADS]
    if applied and not expected:
        return _of_things(rollout, applied)
    if seen is None:
        return None
    return Picture(
        state=_state(seen),
        message=seen.message,
        ready=seen.ready,
        desired=seen.desired,
        as_of=seen.as_of,
        finding=_finding(request, seen, ref),
        current=not seen.stale
        and all(_arrived(request, each, seen) for each in expected)
        and (bool(expected) or _is_brought(request, seen)),
    )


def _of_set(request: Request, rollout: Rollout) -> Picture | None:
    """All of a set together: how many of its pods are there, and what is wrong with the first that is not."""
    place = Environment.objects.select_related("cluster").filter(name=rollout.environment).first()
    if place is None:
        return None
    seen = {(row.kind, row.name): row for row in clusters.workloads_in(place)}
    expected = [each for each in rollout.applied if each["kind"] in LASTING]
    rows = [row for each in expected if (row := seen.get((each["kind"], each["name"])))]
    counts = [clusters.counts(row) for row in rows]
    bad = next((row for row in rows if row.health in FAILING), None)
    there = sum(row.health == Health.HEALTHY for row in rows)
    state = Rollout.State.FAILING if bad else Rollout.State.PROGRESSING
    if there == len(expected):
        state = Rollout.State.HEALTHY
    message = f"{bad.name}: {bad.health_message}" if bad else f"{there} of {len(expected)} services are up"
    worst = (
        next((s for s in clusters.live_state(bad.entity_ref) if s.environment == place), None)
        if bad
        else None
    )
    return Picture(
        state, message, sum(ready for ready, _ in counts), sum(desired for _, desired in counts),
        place.cluster.heard_at, _finding(request, worst, bad.entity_ref) if worst and bad else None,
        current=not place.cluster.is_stale and all(_is_there(each, seen) for each in expected),
    )  # fmt: skip


def _is_there(applied: Mapping[str, Any], seen: Mapping[tuple[str, str], KubeObject]) -> bool:
    row = seen.get((applied["kind"], applied["name"]))
    return row is not None and row.generation >= applied["generation"]


def _of_things(rollout: Rollout, applied: Sequence[dict[str, Any]]) -> Picture | None:
    """Where no workload is to run, what was applied is asked itself how it is; all but plain data can say."""
    place = Environment.objects.select_related("cluster").filter(name=rollout.environment).first()
    asked = [Ref.of(_named(each)) for each in applied if each.get("api_version")]
    asked = [ref for ref in asked if ref.kind not in STATELESS]
    if not asked:
        return _in_place(Rollout.State.HEALTHY, "In place; nothing runs here")
    if place is None:
        return None
    found = clusters.healths_of(place, asked)
    worst = max(found, key=lambda each: _BY_WEIGHT.index(each[1].status))
    state = _STATES.get(Health(worst[1].status), Rollout.State.PROGRESSING)
    if worst[1].status in (Health.UNKNOWN, Health.SUSPENDED):
        state = Rollout.State.HEALTHY
    if state == Rollout.State.HEALTHY:
        return _in_place(state, f"In place: {', '.join(sorted({ref.kind for ref in asked}))}")
    return _in_place(state, f"{worst[0].kind} {worst[0].name}: {worst[1].message or worst[1].status}")


def _of_gone(rollout: Rollout) -> Picture | None:
    """What was taken away is asked for, until it is there no more."""
    place = Environment.objects.select_related("cluster").filter(name=rollout.environment).first()
    asked = [Ref.of(_named(each)) for each in rollout.removed if each["became"] == "removed"]
    if place is None:
        return None
    if there := clusters.still_there(place, asked):
        return _in_place(Rollout.State.PROGRESSING, f"{there[0].kind} {there[0].name} is still going")
    return _in_place(Rollout.State.HEALTHY, "Gone")


def _in_place(state: Rollout.State, message: str) -> Picture:
    return Picture(state, message, 0, 0, timezone.now(), None, current=True)


def _named(applied: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {"name": applied["name"], "namespace": applied.get("namespace", "")}
    return {"apiVersion": applied["api_version"], "kind": applied["kind"], "metadata": metadata}


def _state(seen: EnvironmentState) -> Rollout.State:
    """By health; what hangs on something that does not mend itself fails before its deadline says so."""
    if seen.health == Health.PROGRESSING and any(each.id in STUCK for each in seen.findings):
        return Rollout.State.FAILING
    return _STATES.get(Health(seen.health), Rollout.State.PROGRESSING)


def _arrived(request: Request, applied: Mapping[str, Any], seen: EnvironmentState) -> bool:
    """Whether the watched workload is the one we wrote, or a later one of the same request.

    What a change left alone still names the request that brought it.
    """
    wrote = applied.get("request", request.ref)
    return any(
        (each.kind, each.name, each.request) == (applied["kind"], applied["name"], wrote)
        and each.generation >= applied["generation"]
        for each in seen.workloads
    )


def _is_brought(request: Request, seen: EnvironmentState) -> bool:
    """Where another tool brings what is in the repository: whether the image runs."""
    image = request.answers.get("image")
    return not request.is_bringing or any(image == each.image for each in seen.workloads)


def _finding(request: Request, seen: EnvironmentState, ref: str) -> dict[str, Any] | None:
    """The first diagnosis, with a fix in the names of the form's fields where it has one."""
    if not seen.findings:
        return None
    found: dict[str, Any] = json.loads(json.dumps(asdict(seen.findings[0]), default=str))
    return found | {"fix": fix_in_fields(request, found.get("fix"), ref)}


def fix_in_fields(request: Request, fix: Mapping[str, Any] | None, ref: str = "") -> dict[str, Any] | None:
    """The fix as `changes` of the form's answers; none when the form has no such field.

    `ref` is the entity it is about: a part's fields stand behind its key.
    """
    part = (
        next((each for each in request.parts.all() if each.entity_ref == ref), None) if request.pk else None
    )
    blueprint = blueprints().get(part.blueprint if part else request.blueprint)
    field = blueprint.fields.get(str(fix["field"])) if blueprint and fix else None
    if field is None or fix is None:
        return None
    name = f"{part.key}-{field.name}" if part else field.name
    value = _as_answer(fix.get("value"), field.unit)
    return dict(fix) | {"field": name, "changes": {} if value is None else {name: value}}


def _as_answer(value: Any, unit: str) -> Any:
    """`192Mi` as the number in a field that counts in Mi."""
    if value is None or unit not in _UNITS:
        return value
    try:
        return math.ceil(parse(str(value)) / _UNITS[unit])
    except NotAQuantity:
        return None

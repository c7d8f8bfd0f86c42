"""What the watched clusters show of a request's rollouts."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from services.clusters import queries as clusters
from services.clusters.models import WORKLOADS, Environment, Health
from services.clusters.picture import EnvironmentState
from services.diagnosis.health import STATELESS
from services.integrations.kube.objects import Ref
from services.manifests.quantities import NotAQuantity, parse

from ..models import Request, Rollout
from .forms import blueprints

STUCK = frozenset(
    {
        "quota-exceeded", "pod-security", "policy-denied", "account-missing", "failed-create", "image-pull",
        "config-missing", "config-error", "cannot-start", "oom-killed", "crash-loop",
    }
)  # fmt: skip
_UNITS = {"Mi": Decimal(1024**2), "m": Decimal("0.001")}
FAILING = (Health.DEGRADED, Health.MISSING)
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


def environments_in_order(names: Sequence[str]) -> list[str]:
    """Staging before production, as the environments' positions say; unknown names are left out."""
    rows = Environment.objects.filter(name__in=names).order_by("position", "name")
    return list(rows.values_list("name", flat=True))


def pictures(request: Request) -> dict[str, Picture]:
    """What is seen in each environment the request was applied to."""
    seen = {state.environment.name: state for state in clusters.live_state(request.entity_ref)}
    found = {r.environment: _picture(request, r, seen.get(r.environment)) for r in request.rollouts.all()}
    return {name: picture for name, picture in found.items() if picture is not None}


def _picture(request: Request, rollout: Rollout, seen: EnvironmentState | None) -> Picture | None:
    if request.kind == Request.Kind.RETIRE:
        return _of_gone(rollout)
    expected = [each for each in rollout.applied if each["kind"] in WORKLOADS]
    if rollout.applied and not expected:
        return _of_things(rollout)
    if seen is None:
        return None
    return Picture(
        state=_state(seen),
        message=seen.message,
        ready=seen.ready,
        desired=seen.desired,
        as_of=seen.as_of,
        finding=_finding(request, seen),
        current=not seen.stale
        and all(_arrived(request, each, seen) for each in expected)
        and (bool(expected) or _is_brought(request, seen)),
    )


def _of_things(rollout: Rollout) -> Picture | None:
    """Where no workload is to run, what was applied is asked itself how it is; all but plain data can say."""
    place = Environment.objects.select_related("cluster").filter(name=rollout.environment).first()
    asked = [Ref.of(_named(each)) for each in rollout.applied if each.get("api_version")]
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


def _finding(request: Request, seen: EnvironmentState) -> dict[str, Any] | None:
    """The first diagnosis, with a fix in the names of the form's fields where it has one."""
    if not seen.findings:
        return None
    found: dict[str, Any] = json.loads(json.dumps(asdict(seen.findings[0]), default=str))
    return found | {"fix": fix_in_fields(request, found.get("fix"))}


def fix_in_fields(request: Request, fix: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The fix as `changes` of the form's answers; none when the form has no such field."""
    blueprint = blueprints().get(request.blueprint)
    field = blueprint.fields.get(str(fix["field"])) if blueprint and fix else None
    if field is None or fix is None:
        return None
    value = _as_answer(fix.get("value"), field.unit)
    return dict(fix) | {"changes": {} if value is None else {field.name: value}}


def _as_answer(value: Any, unit: str) -> Any:
    """`192Mi` as the number in a field that counts in Mi."""
    if value is None or unit not in _UNITS:
        return value
    try:
        return math.ceil(parse(str(value)) / _UNITS[unit])
    except NotAQuantity:
        return None

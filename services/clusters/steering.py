"""What people do to what runs: restart, scale, run now, pause. Asked here, done by a worker."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from services.audit import actions as audit
from services.clusters import queries, rules
from services.clusters.deeds import DEEDS
from services.clusters.models import Environment, KubeObject
from services.effects import actions as effects
from services.effects.models import Effect
from services.integrations.kube.client import KubeClient
from services.integrations.kube.objects import Ref

STEER = "clusters.steer"
RESTARTED = "kubectl.kubernetes.io/restartedAt"
BY_HAND = "cronjob.kubernetes.io/instantiate"
MOST = 20
DONE = {"restart": "Restarted", "scale": "Scaled", "pause": "Paused", "resume": "Resumed", "run": "Ran"}


class NotAllowed(Exception):
    """Only those who own a service, and the platform, act on what runs of it."""


class NotPossible(Exception):
    """That kind does not know the deed, or the bounds forbid it; the text says which."""


@dataclass(frozen=True)
class Bounds:
    """How many replicas people may ask for; `owner` is the autoscaler that decides instead of them."""

    least: int
    most: int
    owner: str = ""


def bounds_of(environment: Environment, workload: KubeObject) -> Bounds:
    most = environment.settings.get("max_replicas", MOST)
    least = 1 if environment.is_production else 0
    return Bounds(least, most if isinstance(most, int) else MOST, _autoscaler(workload))


def _autoscaler(workload: KubeObject) -> str:
    for each in KubeObject.objects.filter(
        environment=workload.environment_id, kind="HorizontalPodAutoscaler"
    ):
        target = each.spec.get("scaleTargetRef") or {}
        if (target.get("kind"), target.get("name")) == (workload.kind, workload.name):
            return each.name
    return ""


@transaction.atomic
def steer(*, by: Any, entity: Any, workload: KubeObject, deed: str, replicas: int | None = None) -> Effect:
    """Queue a deed; the same one asked for twice is one. Refuses NotAllowed, NotPossible."""
    if not rules.can_steer(by, entity):
        raise NotAllowed
    _refuse_impossible(workload, deed, replicas)
    environment = workload.place
    effect = effects.enqueue(
        kind=STEER, key=_key(workload, deed, replicas), subject=entity, by=by,
        payload=_payload(workload, deed, replicas),
    )  # fmt: skip
    if effect.state == Effect.State.NEEDS_ATTENTION:
        effect = effects.retry(effect=effect, by=by)
    what = f"{workload.kind} {workload.name} in {environment.name}"
    count = f" to {replicas}" if deed == "scale" else ""
    details = {"environment": environment.name, "workload": f"{workload.kind}/{workload.name}"}
    audit.record(
        by=by, action=f"workload.{deed}", obj=entity, summary=f"{DONE[deed]} {what}{count}", details=details
    )
    return effect


def _refuse_impossible(workload: KubeObject, deed: str, replicas: int | None) -> None:
    if deed not in DEEDS.get(workload.kind, ()) or workload.owner_uid:
        raise NotPossible(f"A {workload.kind} cannot be told to {deed}.")
    if deed != "scale":
        return
    bounds = bounds_of(workload.place, workload)
    if bounds.owner:
        raise NotPossible(f"The autoscaler {bounds.owner} decides how many there are.")
    if replicas is None or not bounds.least <= replicas <= bounds.most:
        raise NotPossible(f"Between {bounds.least} and {bounds.most} in {workload.place}.")


def _key(workload: KubeObject, deed: str, replicas: int | None) -> str:
    """One deed on one state of a workload; a run of a cron job is one of its minute."""
    state = _minute() if deed == "run" else f"{_generation(workload)}"
    count = f"-{replicas}" if deed == "scale" else ""
    place = f"{workload.place.name}/{workload.kind}/{workload.name}"
    return f"{place}/{deed}{count}/{state}"


def _generation(workload: KubeObject) -> int:
    return int((workload.data.get("metadata") or {}).get("generation") or 0)


def _minute() -> str:
    return timezone.now().strftime("%Y%m%d%H%M")


def _payload(workload: KubeObject, deed: str, replicas: int | None) -> dict[str, Any]:
    return {
        "environment": workload.place.name,
        "api_version": workload.api_version,
        "kind": workload.kind,
        "name": workload.name,
        "deed": deed,
        "replicas": replicas,
        "mark": timezone.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def carry_out(payload: dict[str, Any]) -> dict[str, Any]:
    """Do it, outside any transaction; again without effect. Raises kube's errors."""
    environment = Environment.objects.select_related("cluster").get(name=payload["environment"])
    ref = Ref(payload["api_version"], payload["kind"], payload["name"], environment.namespace)
    with queries.client_for(environment.cluster) as client:
        if payload["deed"] == "run":
            return {"job": _run(client, ref, payload["mark"])}
        client.patch(ref, _change(payload))
    return {}


def _change(payload: dict[str, Any]) -> dict[str, Any]:
    """Says how it shall be, so that saying it twice is saying it once."""
    deed, is_cron = payload["deed"], payload["kind"] == "CronJob"
    if deed == "restart":
        noted = {"metadata": {"annotations": {RESTARTED: payload["mark"]}}}
        return {"spec": {"template": noted}}
    if deed == "scale":
        return {"spec": {"replicas": payload["replicas"]}}
    return {"spec": {"suspend" if is_cron else "paused": deed == "pause"}}


def _run(client: KubeClient, ref: Ref, mark: str) -> str:
    """A job from the cron job's own template, found again by its name."""
    cron = client.get(ref)
    name = f"{ref.name[:40]}-by-hand-{''.join(each for each in mark if each.isdigit())[2:12]}"
    if client.find(Ref("batch/v1", "Job", name, ref.namespace)) is None:
        client.create(_job(cron, name))
    return name


def _job(cron: dict[str, Any], name: str) -> dict[str, Any]:
    template, metadata = cron["spec"]["jobTemplate"], cron["metadata"]
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": metadata["name"], "uid": metadata["uid"]}
    made = template.get("metadata") or {}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": metadata["namespace"],
            "labels": made.get("labels") or {},
            "annotations": (made.get("annotations") or {}) | {BY_HAND: "manual"},
            "ownerReferences": [owner | {"controller": True}],
        },
        "spec": template["spec"],
    }

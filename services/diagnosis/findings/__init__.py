"""What is wrong with some Kubernetes objects, in plain words: roots before symptoms, each once.

The same objects always give the same findings: nothing here asks a clock, a network or a model.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from services.diagnosis import objects
from services.diagnosis.findings import pods, workloads
from services.diagnosis.findings.model import Evidence, Finding, Picture
from services.diagnosis.objects import Object

__all__ = ["Evidence", "Finding", "Picture", "diagnose"]

Check = Callable[[Object, Picture], Iterator[Finding]]
CHECKS: dict[str, tuple[Check, ...]] = {
    "Pod": (pods.diagnose,),
    "Deployment": (workloads.rollout, workloads.not_created),
    "ReplicaSet": (workloads.not_created,),
    "StatefulSet": (workloads.not_created,),
    "DaemonSet": (workloads.not_created,),
    "Job": (workloads.job, workloads.not_created),
    "CronJob": (workloads.cron_job,),
    "PersistentVolumeClaim": (workloads.volume_claim,),
    "HorizontalPodAutoscaler": (workloads.autoscaler,),
    "Service": (workloads.service,),
    "PodDisruptionBudget": (workloads.budget,),
}
# Roots first: what is refused or missing, then what fails by itself, then what follows from it.
RANK = {
    id: rank
    for rank, id in enumerate(
        (
            "quota-exceeded",
            "pod-security",
            "policy-denied",
            "account-missing",
            "failed-create",
            "image-pull",
            "config-missing",
            "config-error",
            "cannot-start",
            "volume-pending",
            "volume-attach",
            "volume-mount",
            "unschedulable",
            "oom-killed",
            "liveness-failing",
            "crash-loop",
            "wrong-target-port",
            "selects-nothing",
            "startup-failing",
            "readiness-failing",
            "job-failed",
            "rollout-stuck",
            "evicted",
            "autoscaler-blind",
            "autoscaler-at-max",
            "cron-suspended",
            "cron-missed",
            "budget-blocks",
            "no-endpoints",
            "scheduling-gated",
            "terminating",
        )
    )
}


def diagnose(
    objects: Iterable[Object], events: Iterable[Object] = (), logs: Mapping[str, str] | None = None
) -> list[Finding]:
    """Findings about these objects, with the events among them; `logs` by namespace/pod/container."""
    given = list(objects)
    events = [*events, *(each for each in given if each.get("kind") == "Event")]
    picture = Picture([each for each in given if each.get("kind") != "Event"], events, logs or {})
    found = [each for obj in picture.objects for each in about(obj, picture)]
    return _once(sorted(found, key=lambda each: RANK.get(each.id, len(RANK))))


def about(obj: Object, picture: Picture) -> Iterator[Finding]:
    """Findings about one of the picture's objects."""
    for check in (*CHECKS.get(objects.kind(obj), ()), workloads.terminating):
        for found in check(obj, picture):
            yield replace(found, object=found.object or picture.owner_of(obj))


def _once(findings: Sequence[Finding]) -> list[Finding]:
    """Ten pods with one trouble are one finding, with the evidence of the first of them."""
    kept: dict[tuple[str, str, str], Finding] = {}
    for each in findings:
        kept.setdefault((each.id, each.object, _without_pod(each)), each)
    return list(kept.values())


def _without_pod(finding: Finding) -> str:
    """What tells findings of one kind about one workload apart: the container, not the pod."""
    first = finding.evidence[0].field if finding.evidence else ""
    return first.partition("]")[0] if first.startswith(("containers[", "initContainers[")) else ""

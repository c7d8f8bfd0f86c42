"""What is wrong with some Kubernetes objects, in plain words: roots before symptoms, each once.

The same objects always give the same findings: nothing here asks a clock, a network or a model.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from services.diagnosis import objects
from services.diagnosis.findings import capacity, network, operators, pods, serving, workloads
from services.diagnosis.findings.model import Evidence, Finding, Picture
from services.diagnosis.objects import Object

__all__ = ["Evidence", "Finding", "Picture", "diagnose"]

Check = Callable[[Object, Picture], Iterator[Finding]]
CHECKS: dict[str, tuple[Check, ...]] = {
    "Pod": (pods.diagnose, capacity.lost, network.names, network.denied, capacity.throttled),
    "Deployment": (workloads.rollout, workloads.not_created, capacity.too_few),
    "ReplicaSet": (workloads.not_created, capacity.too_few),
    "ReplicationController": (workloads.not_created, capacity.too_few),
    "StatefulSet": (workloads.not_created, capacity.too_few),
    "DaemonSet": (workloads.not_created, capacity.too_few),
    "Job": (workloads.job, workloads.not_created),
    "CronJob": (workloads.cron_job,),
    "PersistentVolumeClaim": (workloads.volume_claim,),
    "HorizontalPodAutoscaler": (workloads.autoscaler,),
    "Service": (serving.service, network.load_balancer),
    "Endpoints": (network.endpoints,),
    "Ingress": (network.ingress,),
    "HTTPRoute": (network.route,),
    "GRPCRoute": (network.route,),
    "TLSRoute": (network.route,),
    "TCPRoute": (network.route,),
    "PodDisruptionBudget": (workloads.budget,),
    "ResourceQuota": (capacity.quota,),
    "Node": (capacity.node,),
    "Certificate": (operators.certificate,),
    "ExternalSecret": (operators.external_secret,),
    "ClusterExternalSecret": (operators.external_secret,),
    "Cluster": (operators.postgres, operators.failed_over),
    "Application": (operators.from_git,),
    "Kustomization": (operators.from_git,),
    "HelmRelease": (operators.from_git,),
}
# Whose kinds these are, where that is not Kubernetes itself: others call theirs the same.
OPERATED = {
    "Certificate": "cert-manager.io",
    "ExternalSecret": "external-secrets.io",
    "ClusterExternalSecret": "external-secrets.io",
    "Cluster": "postgresql.cnpg.io",
    "Application": "argoproj.io",
    "Kustomization": "kustomize.toolkit.fluxcd.io",
    "HelmRelease": "helm.toolkit.fluxcd.io",
}
ALWAYS: tuple[Check, ...] = (workloads.terminating, operators.going, operators.by_hand)
# Roots first: what is refused or missing, then what fails by itself, then what follows from it.
RANK = {
    id: rank
    for rank, id in enumerate(
        (
            "node-storm",
            "node-not-ready",
            "node-pressure",
            "quota-full",
            "quota-exceeded",
            "pod-security",
            "policy-denied",
            "account-missing",
            "failed-create",
            "external-secret",
            "image-pull",
            "config-missing",
            "config-error",
            "cannot-start",
            "volume-pending",
            "volume-attach",
            "volume-mount",
            "unschedulable",
            "preempted",
            "pod-lost",
            "oom-killed",
            "liveness-failing",
            "dns",
            "network-denied",
            "crash-loop",
            "pod-failed",
            "init-waiting",
            "database",
            "backup-failed",
            "failed-over",
            "certificate",
            "route-not-accepted",
            "backend-missing",
            "wrong-target-port",
            "selects-nothing",
            "startup-failing",
            "readiness-failing",
            "job-failed",
            "cron-failing",
            "out-of-sync",
            "rollout-stuck",
            "unwell",
            "too-few-replicas",
            "evicted",
            "autoscaler-blind",
            "autoscaler-at-max",
            "cpu-throttled",
            "load-balancer-pending",
            "cron-suspended",
            "cron-missed",
            "budget-blocks",
            "no-endpoints",
            "quota-nearly-full",
            "changed-by-hand",
            "removed-api",
            "finished-pods",
            "scheduling-gated",
            "terminating",
        )
    )
}


# What says only that something is not as it should be: told where nobody tells why.
SYMPTOMS = frozenset({"too-few-replicas", "unwell", "rollout-stuck"})
# A rollout that is stuck is worth telling beside the reason: one may go back. The others are not.
FOLLOWS = SYMPTOMS - {"rollout-stuck"}


def diagnose(
    objects: Iterable[Object],
    events: Iterable[Object] = (),
    logs: Mapping[str, str] | None = None,
    *,
    whole: bool = True,
    throttled: Mapping[str, float] | None = None,
    now: datetime | None = None,
) -> list[Finding]:
    """Findings about these objects, with the events among them; `logs` by namespace/pod/container."""
    given = list(objects)
    events = [*events, *(each for each in given if each.get("kind") == "Event")]
    things = [each for each in given if each.get("kind") != "Event"]
    return of(Picture(things, events, logs or {}, whole, throttled or {}, now))


def of(picture: Picture) -> list[Finding]:
    """Everything wrong in a picture: causes first, each once, without what merely follows from them."""
    found = [each for obj in picture.objects for each in about(obj, picture)]
    found += capacity.litter(picture)
    ranked = sorted(capacity.storm(found, picture), key=lambda each: RANK.get(each.id, len(RANK)))
    return _causes(_once(ranked))


def about(obj: Object, picture: Picture) -> Iterator[Finding]:
    """Findings about one of the picture's objects."""
    known = _is_known(obj)
    checks = CHECKS.get(objects.kind(obj), ()) if known else ()
    found = [each for check in (*checks, *ALWAYS) for each in check(obj, picture)]
    silent = not any(each.severity == "error" for each in found)
    if silent and not (known and objects.kind(obj) in JUDGED_BY_PODS):
        found += operators.unwell(obj, picture)
    for each in found:
        yield replace(each, object=each.object or picture.owner_of(obj))


def _is_known(obj: Object) -> bool:
    """Whether a kind of this name is the one that is meant: Knative, say, has a Service of its own."""
    kind, group = objects.kind(obj), objects.group(obj)
    if kind in OPERATED:
        return group == OPERATED[kind]
    return "." not in group or group.endswith(".k8s.io")


# Whose trouble is told by their pods, or by checks of their own that also know when to be silent.
JUDGED_BY_PODS = frozenset({"Pod", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "CronJob", "Node"})


def _causes(findings: Sequence[Finding]) -> list[Finding]:
    """Without the symptoms of a workload of which a cause is known."""
    explained = {each.object for each in findings if each.id not in SYMPTOMS and each.severity == "error"}
    stuck = {each.object for each in findings if each.id == "rollout-stuck"}
    known = explained | stuck
    return [each for each in findings if each.id not in FOLLOWS or each.object not in known]


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

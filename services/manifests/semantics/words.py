"""Fields that take one of a few words; the published schemas leave most of them open."""

from collections.abc import Iterator, Mapping
from functools import cache

from services.manifests import schema
from services.manifests.objects import Object, containers, group, kind, pod_path, pod_spec, walk
from services.manifests.pointers import Path, text
from services.manifests.problems import Problem, Rule

BAD_WORD = Rule(
    "bad-word",
    "A word this field does not know",
    "The API server refuses any other word; the apply fails after the merge.",
    {"": "block"},
)

CONTAINER: dict[str, tuple[str, ...]] = {
    "imagePullPolicy": ("Always", "IfNotPresent", "Never"),
    "terminationMessagePolicy": ("File", "FallbackToLogsOnError"),
    "ports.*.protocol": ("TCP", "UDP", "SCTP"),
    "livenessProbe.httpGet.scheme": ("HTTP", "HTTPS"),
    "readinessProbe.httpGet.scheme": ("HTTP", "HTTPS"),
    "startupProbe.httpGet.scheme": ("HTTP", "HTTPS"),
    "securityContext.seccompProfile.type": ("RuntimeDefault", "Localhost", "Unconfined"),
}
POD: dict[str, tuple[str, ...]] = {
    "restartPolicy": ("Always", "OnFailure", "Never"),
    "dnsPolicy": ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"),
    "preemptionPolicy": ("PreemptLowerPriority", "Never"),
    "initContainers.*.restartPolicy": ("Always", "OnFailure", "Never"),
    "securityContext.seccompProfile.type": ("RuntimeDefault", "Localhost", "Unconfined"),
    "securityContext.fsGroupChangePolicy": ("OnRootMismatch", "Always"),
    "tolerations.*.operator": ("Exists", "Equal", "Lt", "Gt"),
    "tolerations.*.effect": ("NoSchedule", "PreferNoSchedule", "NoExecute", ""),
    "topologySpreadConstraints.*.whenUnsatisfiable": ("DoNotSchedule", "ScheduleAnyway"),
    "volumes.*.hostPath.type": (
        "",
        "DirectoryOrCreate",
        "Directory",
        "FileOrCreate",
        "File",
        "Socket",
        "CharDevice",
        "BlockDevice",
    ),
    "volumes.*.emptyDir.medium": ("", "Memory", "HugePages", "HugePages-2Mi", "HugePages-1Gi"),
}
ACCESS = ("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod")
SELECTOR = ("In", "NotIn", "Exists", "DoesNotExist")
KINDS: dict[str, dict[str, tuple[str, ...]]] = {
    "Deployment": {
        "spec.strategy.type": ("RollingUpdate", "Recreate"),
        "spec.selector.matchExpressions.*.operator": SELECTOR,
    },
    "StatefulSet": {
        "spec.updateStrategy.type": ("RollingUpdate", "OnDelete"),
        "spec.podManagementPolicy": ("OrderedReady", "Parallel"),
        "spec.volumeClaimTemplates.*.spec.accessModes.*": ACCESS,
    },
    "DaemonSet": {"spec.updateStrategy.type": ("RollingUpdate", "OnDelete")},
    "CronJob": {"spec.concurrencyPolicy": ("Allow", "Forbid", "Replace")},
    "Job": {"spec.completionMode": ("NonIndexed", "Indexed")},
    "Service": {
        "spec.type": ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName"),
        "spec.sessionAffinity": ("None", "ClientIP"),
        "spec.externalTrafficPolicy": ("Cluster", "Local"),
        "spec.internalTrafficPolicy": ("Cluster", "Local"),
        "spec.ipFamilyPolicy": ("SingleStack", "PreferDualStack", "RequireDualStack"),
        "spec.trafficDistribution": ("PreferClose", "PreferSameZone", "PreferSameNode"),
        "spec.ports.*.protocol": ("TCP", "UDP", "SCTP"),
    },
    "Ingress": {"spec.rules.*.http.paths.*.pathType": ("Exact", "Prefix", "ImplementationSpecific")},
    "PersistentVolumeClaim": {
        "spec.accessModes.*": ACCESS,
        "spec.volumeMode": ("Filesystem", "Block"),
    },
    "PodDisruptionBudget": {"spec.unhealthyPodEvictionPolicy": ("IfHealthyBudget", "AlwaysAllow")},
    "NetworkPolicy": {
        "spec.policyTypes.*": ("Ingress", "Egress"),
        "spec.ingress.*.ports.*.protocol": ("TCP", "UDP", "SCTP"),
        "spec.egress.*.ports.*.protocol": ("TCP", "UDP", "SCTP"),
    },
    "RoleBinding": {
        "roleRef.kind": ("Role", "ClusterRole"),
        "subjects.*.kind": ("User", "Group", "ServiceAccount"),
    },
    "ClusterRoleBinding": {
        "roleRef.kind": ("ClusterRole",),
        "subjects.*.kind": ("User", "Group", "ServiceAccount"),
    },
    "HorizontalPodAutoscaler": {
        "spec.metrics.*.type": ("Resource", "ContainerResource", "Pods", "Object", "External"),
        "spec.metrics.*.resource.target.type": ("Utilization", "AverageValue", "Value"),
    },
    "LimitRange": {"spec.limits.*.type": ("Container", "Pod", "PersistentVolumeClaim")},
}


def known_words(obj: Object) -> Iterator[Problem]:
    if group(obj) not in schema.BUILT_IN:
        return
    yield from _among(obj, KINDS.get(kind(obj), {}), ())
    pod = pod_path(obj)
    if pod is not None:
        yield from _among(pod_spec(obj), POD, pod)
    for path, container in containers(obj):
        yield from _among(container, CONTAINER, path)


@cache
def _steps(pattern: str) -> tuple[str, ...]:
    return tuple(pattern.split("."))


def _among(part: Object, known: Mapping[str, tuple[str, ...]], at: Path) -> Iterator[Problem]:
    for pattern, words in known.items():
        for path, value in walk(part, _steps(pattern), at):
            if isinstance(value, str) and value not in words:
                yield _unknown(path, value, words)


def _unknown(path: Path, value: str, words: tuple[str, ...]) -> Problem:
    listed = ", ".join(word for word in words if word)
    message = f"{text(path)} is one of {listed}, not {value!r}"
    near = schema.nearest(value, [word for word in words if word])
    if near is None:
        return Problem(BAD_WORD, path, message)
    return Problem(BAD_WORD, path, message, {path: near}, f"Use {near}")


CHECKS = (known_words,)

"""Fields that take one of a few words; the published schemas leave most of them open."""

from collections.abc import Iterator

from services.manifests import schema
from services.manifests.objects import CONTAINER_LISTS, Object, group, kind, pod_path, walk
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
} | {f"{which}.*.{field}": words for which in CONTAINER_LISTS for field, words in CONTAINER.items()}
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
    for pattern, words in KINDS.get(kind(obj), {}).items():
        yield from _among(obj, tuple(pattern.split(".")), words)
    pod = pod_path(obj)
    for pattern, words in POD.items() if pod else ():
        yield from _among(obj, (*(str(part) for part in pod or ()), *pattern.split(".")), words)


def _among(obj: Object, pattern: tuple[str, ...], words: tuple[str, ...]) -> Iterator[Problem]:
    for path, value in walk(obj, pattern):
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

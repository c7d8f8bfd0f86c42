"""Interfaces and fields of Kubernetes that are deprecated or gone, and what to write instead.

Source: the Kubernetes deprecated API migration guide and the release notes of the versions named.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from services.manifests import objects, pointers

NOWHERE: Final = ""


@dataclass(frozen=True)
class Fate:
    """`deprecated` and `removed` are versions, `1.22`; empty where that has not been."""

    deprecated: str
    removed: str
    instead: str


@dataclass(frozen=True)
class Use:
    """`what` is the interface or the field."""

    object: str
    what: str
    fate: Fate


def _fates() -> Iterator[tuple[tuple[str, str], Fate]]:
    for line in TABLE.strip().splitlines():
        api, kinds, deprecated, removed, instead = (part.strip() for part in line.split("|"))
        for kind in kinds.split():
            yield (api, kind), Fate(deprecated, removed, instead)


TABLE: Final = """
extensions/v1beta1 | Ingress | 1.14 | 1.22 | networking.k8s.io/v1
extensions/v1beta1 | PodSecurityPolicy | 1.10 | 1.16 | Pod Security Admission
extensions/v1beta1 | NetworkPolicy | 1.9 | 1.16 | networking.k8s.io/v1
extensions/v1beta1 | Deployment DaemonSet ReplicaSet | 1.9 | 1.16 | apps/v1
apps/v1beta1 | Deployment StatefulSet ControllerRevision | 1.9 | 1.16 | apps/v1
apps/v1beta2 | Deployment StatefulSet DaemonSet ReplicaSet ControllerRevision | 1.9 | 1.16 | apps/v1
networking.k8s.io/v1beta1 | Ingress IngressClass | 1.19 | 1.22 | networking.k8s.io/v1
apiextensions.k8s.io/v1beta1 | CustomResourceDefinition | 1.16 | 1.22 | apiextensions.k8s.io/v1
apiregistration.k8s.io/v1beta1 | APIService | 1.19 | 1.22 | apiregistration.k8s.io/v1
admissionregistration.k8s.io/v1beta1 | MutatingWebhookConfiguration ValidatingWebhookConfiguration | 1.16 | 1.22 | admissionregistration.k8s.io/v1
rbac.authorization.k8s.io/v1beta1 | Role RoleBinding ClusterRole ClusterRoleBinding | 1.17 | 1.22 | rbac.authorization.k8s.io/v1
rbac.authorization.k8s.io/v1alpha1 | Role RoleBinding ClusterRole ClusterRoleBinding | 1.17 | 1.22 | rbac.authorization.k8s.io/v1
certificates.k8s.io/v1beta1 | CertificateSigningRequest | 1.19 | 1.22 | certificates.k8s.io/v1
coordination.k8s.io/v1beta1 | Lease | 1.19 | 1.22 | coordination.k8s.io/v1
scheduling.k8s.io/v1beta1 | PriorityClass | 1.14 | 1.22 | scheduling.k8s.io/v1
scheduling.k8s.io/v1alpha1 | PriorityClass | 1.14 | 1.17 | scheduling.k8s.io/v1
storage.k8s.io/v1beta1 | StorageClass CSIDriver CSINode VolumeAttachment | 1.19 | 1.22 | storage.k8s.io/v1
storage.k8s.io/v1beta1 | CSIStorageCapacity | 1.24 | 1.27 | storage.k8s.io/v1
batch/v1beta1 | CronJob | 1.21 | 1.25 | batch/v1
batch/v2alpha1 | CronJob | 1.8 | 1.21 | batch/v1
policy/v1beta1 | PodDisruptionBudget | 1.21 | 1.25 | policy/v1
policy/v1beta1 | PodSecurityPolicy | 1.21 | 1.25 | Pod Security Admission
discovery.k8s.io/v1beta1 | EndpointSlice | 1.21 | 1.25 | discovery.k8s.io/v1
events.k8s.io/v1beta1 | Event | 1.19 | 1.25 | events.k8s.io/v1
node.k8s.io/v1beta1 | RuntimeClass | 1.22 | 1.25 | node.k8s.io/v1
autoscaling/v2beta1 | HorizontalPodAutoscaler | 1.22 | 1.25 | autoscaling/v2
autoscaling/v2beta2 | HorizontalPodAutoscaler | 1.23 | 1.26 | autoscaling/v2
flowcontrol.apiserver.k8s.io/v1beta1 | FlowSchema PriorityLevelConfiguration | 1.23 | 1.26 | flowcontrol.apiserver.k8s.io/v1
flowcontrol.apiserver.k8s.io/v1beta2 | FlowSchema PriorityLevelConfiguration | 1.26 | 1.29 | flowcontrol.apiserver.k8s.io/v1
flowcontrol.apiserver.k8s.io/v1beta3 | FlowSchema PriorityLevelConfiguration | 1.29 | 1.32 | flowcontrol.apiserver.k8s.io/v1
v1 | ComponentStatus | 1.19 | | the endpoints of the components
v1 | Endpoints | 1.33 | | discovery.k8s.io/v1 EndpointSlice
"""  # noqa: E501  # a table is read by its columns
FATES: Final = dict(_fates())
ANNOTATIONS: Final = {
    "seccomp.security.alpha.kubernetes.io/": Fate("1.19", "1.27", "securityContext.seccompProfile"),
    "container.seccomp.security.alpha.kubernetes.io/": Fate("1.19", "1.27", "securityContext.seccompProfile"),
    "container.apparmor.security.beta.kubernetes.io/": Fate("1.30", "", "securityContext.appArmorProfile"),
    "kubernetes.io/ingress.class": Fate("1.18", "", "spec.ingressClassName"),
    "volume.beta.kubernetes.io/storage-class": Fate("1.8", "", "spec.storageClassName"),
    "scheduler.alpha.kubernetes.io/critical-pod": Fate("1.13", "1.16", "priorityClassName"),
}
VOLUMES: Final = {
    "gitRepo": Fate("1.11", "1.33", "an init container that clones into an emptyDir"),
    "glusterfs": Fate("1.25", "1.26", "a CSI driver"),
    "flocker": Fate("1.22", "1.25", "a CSI driver"),
    "quobyte": Fate("1.22", "1.25", "a CSI driver"),
    "storageos": Fate("1.22", "1.25", "a CSI driver"),
    "awsElasticBlockStore": Fate("1.17", "1.27", "the driver ebs.csi.aws.com"),
    "azureDisk": Fate("1.19", "1.27", "the driver disk.csi.azure.com"),
    "gcePersistentDisk": Fate("1.17", "1.28", "the driver pd.csi.storage.gke.io"),
    "cinder": Fate("1.11", "1.26", "the driver cinder.csi.openstack.org"),
    "rbd": Fate("1.28", "1.31", "the driver rbd.csi.ceph.com"),
    "cephfs": Fate("1.28", "1.31", "the driver cephfs.csi.ceph.com"),
}
ZONE_IN_SCHEDULE: Final = Fate("1.25", "1.29", "spec.timeZone")
_TEMPLATES: Final = (("spec", "jobTemplate", "spec", "template"), ("spec", "template"), ())
# Cheap to look for, before a file is parsed at all.
SUSPECT: Final = re.compile(
    "|".join(re.escape(word) for word in {*(api for api, _ in FATES if api != "v1"), *ANNOTATIONS, *VOLUMES})
    + r"|TZ=|kind: (?:Endpoints|ComponentStatus)\b"
)


def uses(data: Mapping[str, Any]) -> Iterator[Use]:
    """Everything in an object that some version does without."""
    name = f"{objects.kind(data)} {objects.name(data)}".strip()
    api = str(data.get("apiVersion") or "")
    if fate := FATES.get((api, objects.kind(data))):
        yield Use(name, f"{api} {objects.kind(data)}", fate)
    for path in dict.fromkeys(_TEMPLATES):
        for note in pointers.mapping(data, (*path, "metadata", "annotations")):
            for start, fate in ANNOTATIONS.items():
                if str(note).startswith(start):
                    yield Use(name, f"annotation {note}", fate)
        volumes = pointers.find(data, (*path, "spec", "volumes"))
        for volume in volumes if isinstance(volumes, list) else ():
            for kind in VOLUMES.keys() & (volume if isinstance(volume, Mapping) else {}).keys():
                yield Use(name, f"volume of type {kind}", VOLUMES[kind])
    schedule = pointers.find(data, ("spec", "schedule"))
    if objects.kind(data) == "CronJob" and re.match(r"\s*(CRON_)?TZ=", str(schedule or "")):
        yield Use(name, "time zone in spec.schedule", ZONE_IN_SCHEDULE)


def version(text: str) -> tuple[int, int]:
    """`v1.33.2+x` as something that can be compared; zero for what is none."""
    found = re.match(r"v?(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def standing(fate: Fate, target: str) -> str:
    """`removed` or `deprecated` in the version, or empty."""
    at = version(target)
    if fate.removed and version(fate.removed) <= at:
        return "removed"
    return "deprecated" if fate.deprecated and version(fate.deprecated) <= at else ""

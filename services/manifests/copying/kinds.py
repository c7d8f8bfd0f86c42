"""What is known of kinds: which belong to no namespace, which are not for a copy, which make Secrets."""

from collections.abc import Mapping
from typing import Any, Final

from services.manifests import objects, pointers

CLUSTER_SCOPED: Final = frozenset(
    {
        "APIService", "CSIDriver", "CSINode", "CertificateSigningRequest", "ClusterExternalSecret",
        "ClusterGenerator", "ClusterIssuer", "ClusterPolicy", "ClusterRole", "ClusterRoleBinding",
        "ClusterSecretStore", "ClusterTrustBundle", "ComponentStatus", "CustomResourceDefinition",
        "DeviceClass", "EC2NodeClass", "FlowSchema", "GatewayClass", "IPAddress", "IngressClass",
        "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "MutatingWebhookConfiguration", "Node",
        "NodePool", "PersistentVolume", "PodSecurityPolicy", "PriorityClass", "PriorityLevelConfiguration",
        "ResourceSlice", "RuntimeClass", "SecurityContextConstraints", "ServiceCIDR", "StorageClass",
        "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration",
        "VolumeAttachment", "VolumeAttributesClass", "VolumeSnapshotClass", "VolumeSnapshotContent",
    }
)  # fmt: skip
# By kind and the group of its API: others call theirs the same.
MADE_FOR_ONE: Final = {
    "Secret": "Secrets are never copied",
    "SealedSecret": "It is sealed for its own namespace and opens nowhere else",
    "Namespace": "Where it goes has a namespace of its own",
    "ResourceQuota": "Where it goes has limits of its own",
    "LimitRange": "Where it goes has limits of its own",
    "Application": "It says what is deployed elsewhere",
    "ApplicationSet": "It says what is deployed elsewhere",
    "AppProject": "It says what is deployed elsewhere",
    "Kustomization": "It says what is deployed elsewhere",
    "GitRepository": "It says what is deployed elsewhere",
    "HelmRelease": "What a chart makes cannot be read before it is rendered",
    "Endpoints": "The cluster makes it from the Service",
    "EndpointSlice": "The cluster makes it from the Service",
    "ReplicaSet": "Its Deployment makes it",
    "Event": "It is news, not configuration",
    "Lease": "It is held by what runs",
}
_OWNED: Final = frozenset({"ReplicaSet", "Pod", "Job", "ControllerRevision"})
FLUX_AND_ARGO: Final = frozenset(
    {"Application", "ApplicationSet", "AppProject", "Kustomization", "GitRepository", "HelmRelease"}
)
TOO_MUCH_FOR_SMALL: Final = {
    "HorizontalPodAutoscaler": "One replica is enough for a preview",
    "ScaledObject": "One replica is enough for a preview",
    "VerticalPodAutoscaler": "A preview does not live long enough to learn from",
    "PodDisruptionBudget": "With one replica it would hold up every node that is drained",
    "DaemonSet": "It would run on every node of the cluster",
    "PrometheusRule": "A preview wakes nobody",
    "AlertmanagerConfig": "A preview wakes nobody",
    "GrafanaDashboard": "The dashboard shows every namespace already",
    "ScheduledBackup": "A preview has nothing to keep",
    "Backup": "A preview has nothing to keep",
    "DNSEndpoint": "Its hosts have a wildcard entry",
}
# Kinds that make a Secret: where its name stands; without one there it is the object's own.
SECRET_MAKERS: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "ExternalSecret": (("spec", "target", "name"), ("metadata", "name")),
    "VaultStaticSecret": (("spec", "destination", "name"), ("metadata", "name")),
    "VaultDynamicSecret": (("spec", "destination", "name"), ("metadata", "name")),
    "VaultPKISecret": (("spec", "destination", "name"), ("metadata", "name")),
    "Certificate": (("spec", "secretName"),),
    "KafkaUser": (("metadata", "name"),),
    "OnePasswordItem": (("metadata", "name"),),
}
_BY_OPERATORS: Final = {
    "postgresql.cnpg.io": ("app", "superuser", "ca", "server"),
    "rabbitmq.com": ("default-user",),
    "kafka.strimzi.io": ("cluster-ca-cert",),
}


def secrets_made(data: Mapping[str, Any]) -> set[str]:
    """The names of the Secrets that come into being where this object is applied."""
    name, kind = objects.name(data), objects.kind(data)
    for path in SECRET_MAKERS.get(kind, ()):
        if made := pointers.find(data, path):
            return {str(made)}
    if kind in ("Ingress", "Gateway") and _is_certified(data):
        found = [*objects.walk(data, ("spec", "tls", "*", "secretName"))]
        found += objects.walk(data, ("spec", "listeners", "*", "tls", "certificateRefs", "*", "name"))
        return {str(value) for _, value in found}
    return {f"{name}-{ending}" for ending in _BY_OPERATORS.get(objects.group(data), ())}


def _is_certified(data: Mapping[str, Any]) -> bool:
    """cert-manager makes the certificate by itself."""
    marks = pointers.mapping(data, ("metadata", "annotations"))
    return any(key.startswith("cert-manager.io/") and "issuer" in key for key in marks)


def why_not(data: Mapping[str, Any], *, small: bool) -> str:
    """Why an object is not copied; empty when it is."""
    kind = objects.kind(data)
    if not kind or not data.get("apiVersion") or not isinstance(data.get("metadata"), Mapping):
        return "It is no Kubernetes object"
    if kind in CLUSTER_SCOPED:
        return "It belongs to the whole cluster, not to a namespace"
    if kind in FLUX_AND_ARGO and not _is_of(data, ("argoproj.io", "fluxcd.io")):
        return ""
    if kind in MADE_FOR_ONE:
        return MADE_FOR_ONE[kind]
    if kind in _OWNED and pointers.find(data, ("metadata", "ownerReferences")):
        return "Something else makes it"
    if small and kind == "KafkaTopic":
        return "Topics live where their broker is"
    return TOO_MUCH_FOR_SMALL.get(kind, "") if small else ""


def _is_of(data: Mapping[str, Any], groups: tuple[str, ...]) -> bool:
    return objects.group(data).endswith(groups)

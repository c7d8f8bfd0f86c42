"""The kinds this cluster serves; those of operators are served as a cluster with their CRDs would."""

from collections.abc import Iterator
from dataclasses import dataclass

SCALED = {"Deployment", "ReplicaSet", "StatefulSet"}
WITHOUT_STATUS = {
    "ConfigMap", "Secret", "ServiceAccount", "Endpoints", "EndpointSlice", "Event", "LimitRange", "Role",
    "RoleBinding", "ClusterRole", "ClusterRoleBinding", "StorageClass",
}  # fmt: skip
CHANGING = ["get", "patch", "update"]


@dataclass(frozen=True)
class Kind:
    """`builtin` kinds have defaults, validation and lists that merge by key; the others are custom."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool = True
    builtin: bool = True

    @property
    def group(self) -> str:
        return self.api_version.rpartition("/")[0]

    @property
    def resource(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def subresources(self) -> dict[str, list[str]]:
        """What can be asked below an object, with the verbs."""
        found = {} if self.kind in WITHOUT_STATUS else {"status": CHANGING}
        if self.builtin and self.kind in SCALED:
            found["scale"] = CHANGING
        if self.builtin and self.kind == "Pod":
            found["log"] = ["get"]
        return found


_BUILTIN = """
v1 Namespace namespaces cluster
v1 Node nodes cluster
v1 PersistentVolume persistentvolumes cluster
v1 Pod pods
v1 Service services
v1 Endpoints endpoints
v1 ConfigMap configmaps
v1 Secret secrets
v1 ServiceAccount serviceaccounts
v1 PersistentVolumeClaim persistentvolumeclaims
v1 ResourceQuota resourcequotas
v1 LimitRange limitranges
v1 Event events
apps/v1 Deployment deployments
apps/v1 ReplicaSet replicasets
apps/v1 StatefulSet statefulsets
apps/v1 DaemonSet daemonsets
batch/v1 Job jobs
batch/v1 CronJob cronjobs
autoscaling/v2 HorizontalPodAutoscaler horizontalpodautoscalers
policy/v1 PodDisruptionBudget poddisruptionbudgets
networking.k8s.io/v1 Ingress ingresses
networking.k8s.io/v1 NetworkPolicy networkpolicies
discovery.k8s.io/v1 EndpointSlice endpointslices
rbac.authorization.k8s.io/v1 Role roles
rbac.authorization.k8s.io/v1 RoleBinding rolebindings
rbac.authorization.k8s.io/v1 ClusterRole clusterroles cluster
rbac.authorization.k8s.io/v1 ClusterRoleBinding clusterrolebindings cluster
storage.k8s.io/v1 StorageClass storageclasses cluster
apiextensions.k8s.io/v1 CustomResourceDefinition customresourcedefinitions cluster
admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy validatingadmissionpolicies cluster
admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding validatingadmissionpolicybindings cluster
"""
_CUSTOM = """
gateway.networking.k8s.io/v1 Gateway gateways
gateway.networking.k8s.io/v1 HTTPRoute httproutes
postgresql.cnpg.io/v1 Cluster clusters
postgresql.cnpg.io/v1 ScheduledBackup scheduledbackups
postgresql.cnpg.io/v1 Database databases
postgresql.cnpg.io/v1 Pooler poolers
barmancloud.cnpg.io/v1 ObjectStore objectstores
redis.redis.opstreelabs.in/v1beta2 Redis redis
redis.redis.opstreelabs.in/v1beta2 RedisReplication redisreplications
redis.redis.opstreelabs.in/v1beta2 RedisSentinel redissentinels
external-secrets.io/v1 ExternalSecret externalsecrets
external-secrets.io/v1 SecretStore secretstores
secrets.hashicorp.com/v1beta1 VaultStaticSecret vaultstaticsecrets
rabbitmq.com/v1beta1 Queue queues
rabbitmq.com/v1beta1 User users
rabbitmq.com/v1beta1 Permission permissions
monitoring.coreos.com/v1 ServiceMonitor servicemonitors
monitoring.coreos.com/v1 PodMonitor podmonitors
monitoring.coreos.com/v1 PrometheusRule prometheusrules
grafana.integreatly.org/v1beta1 GrafanaDashboard grafanadashboards
cert-manager.io/v1 Certificate certificates
externaldns.k8s.io/v1alpha1 DNSEndpoint dnsendpoints
keda.sh/v1alpha1 ScaledObject scaledobjects
autoscaling.k8s.io/v1 VerticalPodAutoscaler verticalpodautoscalers
argoproj.io/v1alpha1 Application applications
kustomize.toolkit.fluxcd.io/v1 Kustomization kustomizations
source.toolkit.fluxcd.io/v1 GitRepository gitrepositories
helm.toolkit.fluxcd.io/v2 HelmRelease helmreleases
"""


def _parse(text: str, *, builtin: bool) -> list[Kind]:
    rows = [line.split() for line in text.strip().splitlines()]
    return [Kind(row[0], row[1], row[2], len(row) == 3, builtin) for row in rows]


KINDS = _parse(_BUILTIN, builtin=True) + _parse(_CUSTOM, builtin=False)
BY_KIND = {(k.api_version, k.kind): k for k in KINDS}
BY_PLURAL = {(k.api_version, k.plural): k for k in KINDS}
NAMES = {k.kind: k for k in reversed(KINDS)}


class Kinds:
    """The kinds of one cluster: those above, and what definitions add."""

    def __init__(self) -> None:
        self._by_kind = dict(BY_KIND)
        self._by_plural = dict(BY_PLURAL)

    def __iter__(self) -> Iterator[Kind]:
        return iter(list(self._by_kind.values()))

    def __contains__(self, obj: tuple[str, str]) -> bool:
        return obj in self._by_kind

    def of(self, api_version: str, kind: str) -> Kind:
        return self._by_kind[api_version, kind]

    def named(self, api_version: str, plural: str) -> Kind | None:
        return self._by_plural.get((api_version, plural))

    def add(self, kind: Kind) -> None:
        self._by_kind[kind.api_version, kind.kind] = kind
        self._by_plural[kind.api_version, kind.plural] = kind

    def remove(self, kind: Kind) -> None:
        self._by_kind.pop((kind.api_version, kind.kind), None)
        self._by_plural.pop((kind.api_version, kind.plural), None)

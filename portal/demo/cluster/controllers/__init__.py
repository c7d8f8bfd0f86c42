"""What happens to objects by itself, one function per kind."""

from portal.demo.cluster.controllers import argo, flux, jobs, network, operators, pods, rollout, sets
from portal.demo.cluster.world import Reconciler

RECONCILERS: dict[str, Reconciler] = {
    "Pod": pods.reconcile,
    "Deployment": rollout.deployment,
    "ReplicaSet": rollout.replica_set,
    "StatefulSet": sets.stateful_set,
    "DaemonSet": sets.daemon_set,
    "Job": jobs.job,
    "CronJob": jobs.cron_job,
    "Service": network.service,
    "PersistentVolumeClaim": network.claim,
    "HorizontalPodAutoscaler": network.autoscaler,
    "PodDisruptionBudget": network.disruption_budget,
    "Ingress": network.ingress,
    "Namespace": network.namespace,
    "Event": network.event,
    "Application": argo.application,
    **flux.RECONCILERS,
    **operators.RECONCILERS,
}

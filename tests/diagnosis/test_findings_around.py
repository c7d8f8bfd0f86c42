"""Findings around the pods: nodes, quotas, names, routes, certificates, databases, what comes from git."""

from datetime import timedelta

import pytest

from services.diagnosis import times
from services.diagnosis.amounts import amount
from services.diagnosis.findings import diagnose, workloads
from tests.diagnosis.test_findings import AT, condition, crashing, event, ids, meta, pod, the, workload

LATER = "2024-05-01T10:30:00Z"
GATEWAY, ISSUED, CNPG = "gateway.networking.k8s.io/v1", "cert-manager.io/v1", "postgresql.cnpg.io/v1"
SECRETS = "external-secrets.io/v1"


def thing(kind, status=None, api_version="example.org/v1", name="web", **spec):
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": meta(name, creationTimestamp=AT),
        "spec": spec,
        "status": status or {},
    }


def node(name, ready="True"):
    given = thing("Node", condition("Ready", ready, message="kubelet stopped"), "v1", name)
    del given["metadata"]["namespace"]
    return given


def clock(at=LATER):
    """Something that tells how late it is."""
    return {"kind": "Thing", "metadata": {"name": "late", "namespace": "shop", "creationTimestamp": at}}


def unready(name, on):
    given = pod(name)
    given["spec"]["nodeName"] = on
    return given


def test_a_node_before_its_pods():
    down, up = node("a", "Unknown"), [node(name) for name in "bcdef"]
    assert ids(unready("web-1", "a"), down, *up) == ["node-not-ready"]
    assert ids(unready("web-1", "b"), down, *up) == ["node-not-ready", "readiness-failing"]


def test_many_nodes_are_one_incident():
    found = the(*[node(name, "Unknown") for name in "abc"], node("d"), unready("web-1", "a"))
    assert (found.id, found.object) == ("node-storm", "Platform")
    assert "3 of 4" in found.title
    assert ids(*[node(name, "False") for name in "ab"], *[node(f"n{i}") for i in range(20)]) == [
        "node-not-ready",
        "node-not-ready",
    ]


def test_a_node_under_pressure():
    assert ids(thing("Node", condition("MemoryPressure", "True"), "v1")) == ["node-pressure"]


@pytest.mark.parametrize(
    ("status", "id"),
    [
        ({"phase": "Unknown", "reason": "NodeLost"}, "pod-lost"),
        (condition("DisruptionTarget", "True", "PreemptionByScheduler"), "preempted"),
        ({"phase": "Failed", "message": "said so"}, "pod-failed"),
    ],
)
def test_pods_that_went(status, id):
    assert ids(thing("Pod", status, "v1")) == [id]


@pytest.mark.parametrize(
    ("used", "id"), [("10", "quota-full"), ("9500m", "quota-nearly-full"), ("5", None), ("all", None)]
)
def test_quotas(used, id):
    status = {"hard": {"limits.cpu": "10", "pods": "0"}, "used": {"limits.cpu": used, "pods": "0"}}
    assert ids(thing("ResourceQuota", status, "v1")) == ([id] if id else [])


def test_a_quota_before_the_rollout():
    said = "pods is forbidden: exceeded quota: q, requested: pods=1, used: pods=9, limited: pods=9"
    stuck = workload(status=condition("Progressing", "False", "ProgressDeadlineExceeded"), replicas=1)
    refused = workload("ReplicaSet", "web-7d4", condition("ReplicaFailure", "True", "FailedCreate", said),
                       ("Deployment", "web"), replicas=1)  # fmt: skip
    assert ids(stuck, refused) == ["quota-exceeded", "rollout-stuck"]


def test_held_back_by_its_own_limit():
    given = pod(ready=True)
    (found,) = diagnose([given], throttled={"shop/web-1/web": 0.6})
    assert (found.id, found.evidence[0].value) == ("cpu-throttled", "60%")
    assert diagnose([given], throttled={"shop/web-1/web": 0.2}) == []


def test_finished_pods_lie_about():
    done = [thing("Pod", {"phase": "Succeeded"}, "v1", f"job-{i}") for i in range(101)]
    assert ids(*done) == ["finished-pods"]
    assert ids(*done[1:]) == []


def test_too_few_is_told_where_nobody_tells_why():
    short = workload(status={"replicas": 3, "readyReplicas": 1}, replicas=3)
    assert the(short).severity == "warn"
    assert the(workload(status={"replicas": 0, "observedGeneration": 1}, replicas=1)).severity == "error"
    rolling = condition("Progressing", "True", "ReplicaSetUpdated") | {"replicas": 3, "readyReplicas": 1}
    assert the(workload(status=rolling, replicas=3)).severity == "info"
    held = workload("ReplicaSet", "web-7d4", {"replicas": 1}, ("Deployment", "web"), replicas=1)
    assert ids(short, held, crashing(restarts=3)) == ["crash-loop"]


def test_an_init_container_that_does_not_end():
    starting = {"initContainerStatuses": [{"name": "wait", "state": {"running": {"startedAt": AT}}}]}
    given = thing("Pod", {"phase": "Pending", **starting}, "v1")
    assert ids(given, clock()) == ["init-waiting"]
    assert ids(given, clock("2024-05-01T10:05:00Z")) == []


# Network

CLOSED = thing(
    "NetworkPolicy", None, "networking.k8s.io/v1", "closed", podSelector={}, policyTypes=["Egress"]
)
CHOOSES_WEB = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]}
LETS_NAMES = [{"ports": [{"port": 53}]}]
DNS_ALLOWED = thing(
    "NetworkPolicy", None, "networking.k8s.io/v1", "dns", egress=LETS_NAMES, podSelector=CHOOSES_WEB
)
ELSEWHERE = thing("NetworkPolicy", None, "networking.k8s.io/v1", podSelector={"matchLabels": {"app": "x"}},
                  policyTypes=["Egress"])  # fmt: skip


@pytest.mark.parametrize(
    ("line", "policies", "id", "said"),
    [
        ("dial tcp: lookup payments: no such host", [], "dns", ".svc.cluster.local"),
        ("getaddrinfo EAI_AGAIN payments", [CLOSED], "dns", "allow UDP and TCP 53"),
        ("getaddrinfo EAI_AGAIN payments", [DNS_ALLOWED], "dns", ".svc.cluster.local"),
        ("dial tcp 10.0.0.1:5432: i/o timeout", [CLOSED], "network-denied", "dependencies"),
        ("dial tcp 10.0.0.1:5432: i/o timeout", [ELSEWHERE], None, ""),
        ("all is well", [CLOSED], None, ""),
    ],
)
def test_what_logs_say_of_the_network(line, policies, id, said):
    found = diagnose([pod(ready=True), *policies], logs={"shop/web-1/web": f"start\n{line}\n"})
    assert [each.id for each in found] == ([id] if id else [])
    assert all(said in each.advice for each in found)


def test_the_dns_of_the_cluster_is_down():
    dns = thing("Pod", {"phase": "Pending"}, "v1", "coredns")
    dns["metadata"]["labels"] = {"k8s-app": "kube-dns"}
    found = diagnose([pod(ready=True), dns], logs={"shop/web-1/web": "no such host"})
    assert "incident of the platform" in found[0].advice


def backend(name):
    return {"http": {"paths": [{"backend": {"service": {"name": name}}}]}}


def test_ingresses():
    given = thing("Ingress", None, "networking.k8s.io/v1", rules=[backend("web")], ingressClassName="nginx")
    there = thing("Service", None, "v1")
    classes = thing("IngressClass", None, "networking.k8s.io/v1", "traefik")
    assert ids(given) == ["backend-missing"]
    assert ids(given, there) == []
    assert the(given, there, classes).fix["value"] == "traefik"
    assert [each.id for each in diagnose([given], whole=False)] == []


def test_routes_and_addresses():
    parents = [{"parentRef": {"name": "public"}, **condition("Accepted", "False", "NotAllowedByListeners")}]
    assert "another listener" in the(thing("HTTPRoute", {"parents": parents}, GATEWAY)).advice
    waiting = thing("Service", None, "v1", type="LoadBalancer")
    assert ids(waiting) == []
    assert ids(waiting, clock()) == ["load-balancer-pending"]
    assert the(waiting, events=[event(waiting, "SyncLoadBalancerFailed", "quota")]).severity == "error"
    assert ids(thing("Endpoints", None, "v1") | {"subsets": [{"addresses": [{"ip": "10.0.0.1"}]}]}) == []


# Operators


def certificate(ready="True", until="2024-09-09T00:00:00Z", **more):
    said = condition("Ready", ready, "Failed", "no such zone")
    return thing("Certificate", {"notAfter": until, **said, **more}, ISSUED)


def test_certificates():
    refused = thing("Certificate", condition("Ready", "False", "Failed", "no such zone"), ISSUED)
    assert "no such zone" in the(refused).advice
    ending = certificate(until="2024-05-09T00:00:00Z")
    assert the(ending).severity == "warn"
    assert the(ending, clock("2024-05-10T00:00:00Z")).title.endswith("has ended")
    assert ids(certificate()) == []
    assert the(certificate(renewalTime="2024-04-20T00:00:00Z")).title.endswith("is overdue")
    assert ids(certificate(renewalTime="2024-05-01T00:00:00Z")) == []
    why = thing("Challenge", {"reason": "DNS record not found"}, name="web-1")
    assert "DNS record not found" in the(refused, why).advice


def test_secrets_and_databases():
    refused = thing("ExternalSecret", condition("Ready", "False", "SecretSyncedError"), SECRETS)
    assert ids(refused) == ["external-secret"]
    postgres = {"phase": "Failing over", "readyInstances": 1, "lastFailedBackup": LATER}
    found = diagnose([thing("Cluster", postgres, CNPG, instances=3)])
    assert [each.id for each in found] == ["database", "backup-failed"]
    assert ids(thing("Cluster", condition("Ready", "True"), "cluster.x-k8s.io/v1beta1")) == []


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"phase": "Setting up primary"}, [("database", "info")]),
        ({"phase": "Cluster in healthy state", "readyInstances": 1}, [("database", "warn")]),
        ({"phase": "Waiting for user action"}, []),
    ],
)
def test_a_database_that_starts_or_sleeps_is_no_trouble(status, expected):
    given = thing("Cluster", status, CNPG, instances=3)
    assert [(each.id, each.severity) for each in diagnose([given])] == expected


def test_a_database_that_failed_over_is_cold_for_a_while():
    status = {
        "currentPrimary": "db-2",
        "currentPrimaryTimestamp": "2024-05-01T12:00:00Z",
        "readyInstances": 1,
    }
    given = thing("Cluster", status | {"phase": "Cluster in healthy state"}, CNPG, instances=1)
    assert ids(given, clock("2024-05-01T12:20:00Z")) == ["failed-over"]
    assert ids(given, clock("2024-05-01T13:20:00Z")) == []
    given["status"]["currentPrimaryTimestamp"] = "2024-05-01T10:20:00Z"  # its first one
    assert ids(given, clock()) == []


def test_a_secret_that_is_not_refreshed_any_more():
    last = {"refreshTime": AT} | condition("Ready", "True")
    given = thing("ExternalSecret", last, SECRETS, refreshInterval="15m")
    assert the(given, clock("2024-05-01T11:00:00Z")).severity == "warn"
    assert ids(given, clock("2024-05-01T10:40:00Z")) == []
    never = thing("ExternalSecret", last, SECRETS, refreshInterval="0")
    assert ids(never, clock("2024-06-01T11:00:00Z")) == []


def test_who_should_have_made_a_missing_secret_is_evidence():
    waiting = {"reason": "CreateContainerConfigError", "message": 'secret "db" not found'}
    said = condition("Ready", "False", "SecretSyncedError", "no such path")
    refused = thing("ExternalSecret", said, SECRETS, target={"name": "db"})
    found = next(each for each in diagnose([pod(waiting=waiting), refused]) if each.id == "config-missing")
    assert found.evidence[-1].object == "ExternalSecret/shop/web"
    assert "no such path" in found.evidence[-1].value


def test_kinds_of_others_with_a_known_name_are_judged_by_what_they_say():
    knative = thing("Service", condition("Ready", "False", "RevisionFailed", "no such image"),
                    "serving.knative.dev/v1", selector={"app": "x"}, type="LoadBalancer")  # fmt: skip
    assert ids(knative, clock()) == ["unwell"]
    well = thing(
        "StatefulSet", {"replicas": 2, "updatedAvailableReplicas": 2}, "apps.kruise.io/v1beta1", replicas=2
    )
    assert ids(well) == []


def slices(*ready):
    given = thing("EndpointSlice", None, "discovery.k8s.io/v1", "web-x1")
    given["metadata"]["labels"] = {"kubernetes.io/service-name": "web"}
    return given | {"endpoints": [{"conditions": {"ready": each}} for each in ready]}


def test_what_the_cluster_itself_says_of_where_requests_go():
    alone = thing("Service", None, "v1", selector={"app": "web"}, ports=[])
    assert ids(alone, slices(False, False)) == ["no-endpoints"]
    assert ids(alone, slices()) == ["no-endpoints"]
    assert ids(alone, slices(False, None)) == []
    assert ids(alone) == []


def test_what_comes_from_git():
    odd = {"sync": {"status": "OutOfSync"}, "resources": [{"name": "web", "status": "OutOfSync"}]}
    assert "web" in the(thing("Application", odd, "argoproj.io/v1alpha1")).evidence[0].value
    bad = condition("ComparisonError", "True", "", "cannot render") | {"health": {"status": "Healthy"}}
    assert the(thing("Application", bad, "argoproj.io/v1alpha1")).advice == "cannot render"
    failed = condition("Ready", "False", "BuildFailed", "no such file")
    flux = thing("Kustomization", failed, "kustomize.toolkit.fluxcd.io/v1")
    assert "BuildFailed" in the(flux).title


def test_interfaces_that_are_gone():
    assert the(thing("CronJob", None, "batch/v1beta1")).fix["value"] == "batch/v1"
    assert ids(thing("ConfigMap", None, "v1")) == []


def test_changes_by_hand():
    fields = {"f:spec": {"f:replicas": {}, ".": {}}, "f:metadata": {"f:labels": {}}}
    hand = {"manager": "kubectl-edit", "time": AT, "fieldsV1": fields}
    given = thing("ConfigMap", None, "v1")
    given["metadata"]["managedFields"] = [hand]
    assert ids(given) == []
    given["metadata"]["managedFields"] = [{"manager": "slipway"}, hand]
    assert the(given).evidence[0].value == "kubectl-edit: spec.replicas"


def test_a_cron_job_whose_last_run_failed():
    times_ = {"lastScheduleTime": LATER, "lastSuccessfulTime": AT}
    assert ids(workload("CronJob", status=times_)) == ["cron-failing"]
    assert ids(workload("CronJob", status={**times_, "active": [{}]})) == []


@pytest.mark.parametrize(
    ("schedule", "days"),
    [("*/5 * * * *", 1 / 24), ("0 3 * * *", 1), ("0 3 * * 1", 7), ("0 3 1 * *", 31), ("0 3 1 1 *", 366),
     ("@daily", 1), ("@hourly", 1 / 24), ("nonsense", 366)],
)  # fmt: skip
def test_how_long_a_schedule_may_be_silent(schedule, days):
    assert workloads.longest_gap(schedule) == timedelta(days=days)


def test_a_cron_job_that_is_silent():
    given = workload("CronJob", status={"lastScheduleTime": AT}, schedule="0 * * * *")
    assert ids(given, clock("2024-05-01T12:30:00Z")) == ["cron-missed"]
    assert ids(given, clock("2024-05-01T11:30:00Z")) == []
    given["spec"]["suspend"] = True
    assert ids(given, clock("2024-05-01T12:30:00Z")) == ["cron-suspended"]


def test_an_autoscaler_that_cannot_scale():
    given = thing(
        "HorizontalPodAutoscaler", condition("AbleToScale", "False", "FailedGetScale"), "autoscaling/v2"
    )
    assert ids(given) == ["autoscaler-blind"]


def test_anything_else_that_is_not_well_says_so():
    assert the(thing("Bucket", condition("Ready", "False", "Denied", "no right"))).advice == "no right"


@pytest.mark.parametrize(
    ("written", "is_"), [("250m", 0.25), ("1Ki", 1024), ("2", 2), ("1e3", 1000), ("1.5G", 1.5e9), ("x", None)]
)
def test_amounts(written, is_):
    assert amount(written) == is_


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("1h30m", 5400), ("90s", 90), ("100ms", 0.1), ("0", None), ("0s", None), ("1d", None)],
)
def test_spans(written, seconds):
    assert times.span(written) == (timedelta(seconds=seconds) if seconds else None)


def test_times():
    assert times.parse("yesterday") is None
    assert times.parse("2024-05-01T10:00:00").tzinfo is not None
    assert times.latest([{"status": {"conditions": ["odd", {"lastUpdateTime": LATER}]}}, {}]) == times.parse(
        LATER
    )

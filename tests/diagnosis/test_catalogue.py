"""The thirty-six diagnoses, each once in its plainest form; `docs/diagnoses.md` lists the same."""

import re
from pathlib import Path

import pytest

from bench import agreement
from services.diagnosis.findings import RANK, diagnose
from tests.diagnosis.test_findings import AT, condition, crashing, event, meta, pod, scaler, service, workload
from tests.diagnosis.test_findings_around import (
    CLOSED,
    CNPG,
    GATEWAY,
    SECRETS,
    certificate,
    clock,
    node,
    slices,
    thing,
)

DOCS = Path(__file__).parents[2] / "docs" / "diagnoses.md"
LOG = "shop/web-1/web"
STARTING = {"initContainerStatuses": [{"name": "wait", "state": {"running": {"startedAt": AT}}}]}
KILLED = event(pod(), "Killing", "Container web failed liveness probe, will be restarted")
FULL = {"hard": {"pods": "9"}, "used": {"pods": "9"}}
BUDGET = {"disruptionsAllowed": 0, "expectedPods": 1, "currentHealthy": 1, "desiredHealthy": 1}
HAND = [
    {"manager": "slipway"},
    {"manager": "kubectl-edit", "time": AT, "fieldsV1": {"f:spec": {"f:replicas": {}}}},
]
HELD = meta("x", deletionTimestamp=AT, finalizers=["example.org/hold"])
REFUSED = {
    "parents": [{"parentRef": {"name": "public"}, **condition("Accepted", "False", "NoMatchingParent")}]
}
NO_PLACE = condition(
    "PodScheduled", "False", "Unschedulable", "0/9 nodes are available: 9 Insufficient memory."
)
GATED = condition("PodScheduled", "False", "SchedulingGated", "waits")
NO_QUOTA = "pods is forbidden: exceeded quota: q, requested: pods=1, used: pods=9, limited: pods=9"
STUCK = condition("Progressing", "False", "ProgressDeadlineExceeded")
NO_ROOM = condition("ReplicaFailure", "True", "", NO_QUOTA)
EVICTED = {"phase": "Failed", "reason": "Evicted", "message": "memory"}
SHORT = {"phase": "Failing over", "readyInstances": 1}
PENDING = thing("PersistentVolumeClaim", {"phase": "Pending"}, "v1")
MOUNT = pod(phase="Pending", containerStatuses=[])

# Number, id, objects, events, logs.
CASES = [
    (1, "crash-loop", [crashing(last={"exitCode": 1}, restarts=4)], [], {}),
    (2, "oom-killed", [crashing(last={"reason": "OOMKilled"}, restarts=4)], [], {}),
    (3, "image-pull", [pod(waiting={"reason": "ErrImagePull"})], [], {}),
    (4, "config-missing", [pod(waiting={"reason": "CreateContainerConfigError",
                                        "message": 'configmap "web" not found'})], [], {}),
    (5, "unschedulable", [thing("Pod", {"phase": "Pending", **NO_PLACE}, "v1")], [], {}),
    (6, "scheduling-gated", [thing("Pod", {"phase": "Pending", **GATED}, "v1")], [], {}),
    (7, "readiness-failing", [pod()], [event(pod(), "Unhealthy", "Readiness probe failed: 404")], {}),
    (8, "liveness-failing", [crashing(last={"exitCode": 137}, restarts=4)], [KILLED], {}),
    (9, "init-waiting", [thing("Pod", {"phase": "Pending", **STARTING}, "v1"), clock()], [], {}),
    (10, "rollout-stuck", [workload(status=STUCK)], [], {}),
    (11, "quota-exceeded", [workload("ReplicaSet", status=NO_ROOM)], [], {}),
    (12, "quota-full", [thing("ResourceQuota", FULL, "v1")], [], {}),
    (13, "no-endpoints", [thing("Service", None, "v1", selector={"app": "web"}), slices(False)], [], {}),
    (14, "wrong-target-port", [service(ports=[{"port": 80, "targetPort": 9}]), pod(ready=True)], [], {}),
    (15, "autoscaler-at-max", [scaler(condition("ScalingLimited", "True", "TooManyReplicas"),
                                      currentReplicas=5)], [], {}),
    (16, "autoscaler-blind", [scaler(condition("ScalingActive", "False", "Failed"))], [], {}),
    (18, "evicted", [thing("Pod", EVICTED, "v1")], [], {}),
    (19, "pod-lost", [thing("Pod", {"phase": "Unknown", "reason": "NodeLost"}, "v1")], [], {}),
    (20, "node-storm", [node("a", "Unknown"), node("b", "Unknown"), node("c")], [], {}),
    (21, "volume-pending", [PENDING], [event(PENDING, "ProvisioningFailed", "full")], {}),
    (22, "volume-attach", [MOUNT], [event(MOUNT, "FailedAttachVolume", "Multi-Attach")], {}),
    (23, "budget-blocks", [thing("PodDisruptionBudget", BUDGET, "policy/v1")], [], {}),
    (24, "dns", [pod(ready=True)], [], {LOG: "lookup payments: no such host"}),
    (25, "network-denied", [pod(ready=True), CLOSED], [], {LOG: "dial tcp: i/o timeout"}),
    (26, "job-failed", [workload("Job", status=condition("Failed", "True", "DeadlineExceeded"))], [], {}),
    (27, "cron-suspended", [workload("CronJob", suspend=True)], [], {}),
    (28, "finished-pods", [thing("Pod", {"phase": "Succeeded"}, "v1", f"j{i}") for i in range(101)], [], {}),
    (29, "certificate", [certificate("False")], [], {}),
    (30, "route-not-accepted", [thing("HTTPRoute", REFUSED, GATEWAY)], [], {}),
    (31, "load-balancer-pending", [thing("Service", None, "v1", type="LoadBalancer"), clock()], [], {}),
    (32, "external-secret", [thing("ExternalSecret", condition("Ready", "False"), SECRETS)], [], {}),
    (33, "database", [thing("Cluster", SHORT, CNPG, instances=3)], [], {}),
    (34, "removed-api", [thing("CronJob", None, "batch/v1beta1")], [], {}),
    (35, "changed-by-hand", [{"kind": "ConfigMap", "metadata": meta("x", managedFields=HAND)}], [], {}),
    (36, "terminating", [{"kind": "ConfigMap", "metadata": HELD}], [], {}),
]  # fmt: skip


@pytest.mark.parametrize(("number", "id", "objects", "events", "logs"), CASES)
def test_each_of_the_thirty_six(number, id, objects, events, logs):
    found = [each for each in diagnose(objects, events, logs, whole=False) if each.id == id]
    assert len(found) == 1
    assert found[0].advice
    assert all(seen.object and seen.field for seen in found[0].evidence)


def test_the_seventeenth_is_measured():
    (found,) = diagnose([pod(ready=True)], throttled={LOG: 0.6})
    assert found.id == "cpu-throttled"


def test_none_is_left_out_and_the_page_lists_them():
    assert {number for number, *_ in CASES} | {17} == set(range(1, 37))
    listed = {
        int(number): ids
        for number, ids in re.findall(r"^\| (\d+) \|[^|]*\| ([^|]+)\|", DOCS.read_text(), re.M)
    }
    assert {number: f"`{id}`" in listed[number] for number, id, *_ in CASES} == {n: True for n, *_ in CASES}
    named = {id for ids in listed.values() for id in re.findall(r"`([a-z-]+)`", ids)}
    assert named <= set(RANK)


def test_the_diagnosis_agrees_with_who_looked_before(shared_data):
    judged = agreement.diagnosis(shared_data / "4-k8s-trouble" / "index.json")
    wrong = [f"{each.file}: {each.found}, not {each.expected}" for each in judged if not each.agrees]
    assert len(judged) >= 300
    assert {each.of for each in judged} == {"objects", "of another tool", "pods", "incidents"}
    assert 1 - len(wrong) / len(judged) >= 0.95, wrong


def test_what_the_command_measures_is_printed(shared_data, capsys):
    agreement.main(["--json"])
    assert '"what": "diagnosis", "of": "all of it"' in capsys.readouterr().out

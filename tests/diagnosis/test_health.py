"""Health by Argo CD's rules: against its own test data, and rule by rule."""

import pytest

from bench import agreement
from services.diagnosis.health import RULES, Health, assess, parts, table, worst


def test_health_agrees_with_argo_cd(shared_data):
    judged = agreement.health(shared_data / "4-k8s-trouble" / "index.json")
    for of, least, at_least in (("built-in kinds", 28, 0.98), ("custom resources", 500, 0.98)):
        chosen = [each for each in judged if each.of == of]
        wrong = [f"{each.file}: {each.found}, not {each.expected}" for each in chosen if not each.agrees]
        print(f"health: {len(chosen) - len(wrong)} of {len(chosen)} verdicts on {of} agree")
        assert len(chosen) >= least
        assert 1 - len(wrong) / len(chosen) >= at_least, wrong


def test_the_general_rule_alone_judges_most_of_them(shared_data, monkeypatch):
    """What the table does not know: other kinds of operators nobody here has met."""
    monkeypatch.setattr(table, "lines_for", lambda group, kind: ())
    judged = agreement.health(shared_data / "4-k8s-trouble" / "index.json")
    custom = [each.agrees for each in judged if each.of == "custom resources"]
    print(f"health: {sum(custom)} of {len(custom)} by the general rule alone")
    assert sum(custom) / len(custom) >= 0.7


def test_every_line_of_the_table_can_be_read():
    lines = [line for lines in table.written().values() for line in lines]
    assert len(lines) > 400
    assert all(table.read_line(each).tests or " if " not in each for each in lines)


@pytest.mark.parametrize("line", ["Fine if status.phase = Ready", "Healthy if phase is good", "Healthy if "])
def test_a_line_that_cannot_be_read_is_refused(line):
    with pytest.raises(table.BadLine):
        table.read_line(line)


TESTS = [
    ("status.phase = Ready | Running", True),
    ("status.phase = Failed", False),
    ("status.phase != Failed", True),
    ("status.phase ~ ^Run", True),
    ("status.ready < status.size", True),
    ("status.size > 2", True),
    ("status.parts[].ok = true", True),
    ("every status.parts[].ok = true", False),
    ("every status.none[].ok = true", False),
    ("status.parts[name=b].ok = false", True),
    ("status.by{}.n > 2", True),
    ("same status.by{}.n status.by{}.m", True),
    ("has status.phase", True),
    ("no status.error", True),
    ("[Ready] = False", True),
    ("[Ready].reason = Slow", True),
    ("metadata.labels[a.b/c] = d", True),
    ("behind", True),
]


@pytest.mark.parametrize(("test", "holds"), TESTS)
def test_tests_of_lines(test, holds):
    status = {
        "observedGeneration": "1",
        "phase": "Running",
        "ready": 1,
        "size": 3,
        "by": {"x": {"n": 1, "m": 1}, "y": {"n": 2, "m": 2}},
        "parts": [{"name": "a", "ok": True}, {"name": "b", "ok": False}, "odd"],
        "conditions": [{"type": "Ready", "status": "False", "reason": "Slow"}],
    }
    given = obj("Thing", generation=2, status=status)
    given["metadata"]["labels"] = {"a.b/c": "d"}
    assert table.read_test(test)(given) is holds


def obj(kind, *, status=None, api_version="apps/v1", generation=1, **spec):
    metadata = {"name": "web", "namespace": "shop", "generation": generation}
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": metadata,
        "spec": spec,
        "status": status or {},
    }


def budget(allowed, reason):
    given = {"conditions": [{"type": "DisruptionAllowed", "status": allowed, "reason": reason}]}
    return obj("PodDisruptionBudget", api_version="policy/v1", status=given)


def replicas(wanted=3, **status):
    counts = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas", "readyReplicas"), wanted)
    return {"observedGeneration": 1, **counts, **status}


def conditions(**given):
    return {"conditions": [{"type": kind, "status": status} for kind, status in given.items()]}


def pod(phase="Running", policy="Always", state=None, last=None, ready=None, **status):
    container = {"name": "web", "state": state or {}, "lastState": last or {}}
    given = {"phase": phase, "containerStatuses": [container], **status}
    if ready is not None:
        given["conditions"] = [{"type": "Ready", "status": ready}]
    return obj("Pod", api_version="v1", status=given, restartPolicy=policy)


def waiting(reason, message=""):
    return {"waiting": {"reason": reason, "message": message}}


CASES = [
    (obj("Deployment", replicas=3, status=replicas()), "Healthy", ""),
    (obj("Deployment", replicas=3, paused=True), "Suspended", "paused"),
    (obj("Deployment", replicas=3, generation=2, status=replicas()), "Progressing", "observed"),
    (
        obj("Deployment", replicas=3, status=replicas(updatedReplicas=1)),
        "Progressing",
        "1 out of 3 new replicas",
    ),
    (obj("Deployment", replicas=3, status=replicas(replicas=4)), "Progressing", "1 old replicas"),
    (obj("Deployment", replicas=3, status=replicas(availableReplicas=2)), "Progressing", "2 of 3 updated"),
    (obj("Deployment", replicas=0, status={"observedGeneration": 1}), "Healthy", ""),
    (
        obj(
            "Deployment",
            replicas=3,
            status={
                **replicas(),
                "conditions": [
                    {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
                ],
            },
        ),
        "Degraded",
        "exceeded its progress deadline",
    ),
    (obj("StatefulSet", replicas=3, status=replicas()), "Healthy", "rolling update complete"),
    (obj("StatefulSet", replicas=3), "Progressing", "observed"),
    (obj("StatefulSet", replicas=3, status=replicas(readyReplicas=1)), "Progressing", "Waiting for 2 pods"),
    (
        obj("StatefulSet", replicas=3, status=replicas(updateRevision="b", currentRevision="a")),
        "Progressing",
        "at revision b",
    ),
    (
        obj(
            "StatefulSet",
            replicas=3,
            status=replicas(updatedReplicas=0),
            updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 1}},
        ),
        "Progressing",
        "0 out of 2",
    ),
    (
        obj(
            "StatefulSet",
            replicas=3,
            status=replicas(),
            updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        ),
        "Healthy",
        "partitioned",
    ),
    (
        obj("StatefulSet", replicas=3, status=replicas(), updateStrategy={"type": "OnDelete"}),
        "Healthy",
        "3 ready",
    ),
    (obj("DaemonSet", generation=2), "Progressing", "observed"),
    (
        obj(
            "DaemonSet",
            status={"observedGeneration": 1, "desiredNumberScheduled": 2, "updatedNumberScheduled": 1},
        ),
        "Progressing",
        "1 out of 2",
    ),
    (
        obj(
            "DaemonSet",
            status={
                "observedGeneration": 1,
                "desiredNumberScheduled": 2,
                "updatedNumberScheduled": 2,
                "numberAvailable": 1,
            },
        ),
        "Progressing",
        "1 of 2",
    ),
    (
        obj(
            "DaemonSet",
            status={
                "observedGeneration": 1,
                "desiredNumberScheduled": 2,
                "updatedNumberScheduled": 2,
                "numberAvailable": 2,
            },
        ),
        "Healthy",
        "",
    ),
    (obj("ReplicaSet", replicas=2, generation=2), "Progressing", "observed"),
    (obj("ReplicaSet", replicas=2, status=replicas(1)), "Progressing", "1 out of 2"),
    (obj("ReplicaSet", replicas=2, status=replicas(2)), "Healthy", ""),
    (
        obj("ReplicaSet", replicas=2, status={**replicas(0), **conditions(ReplicaFailure="True")}),
        "Degraded",
        "",
    ),
    (obj("Job", api_version="batch/v1"), "Progressing", ""),
    (obj("Job", api_version="batch/v1", status=conditions(Complete="True")), "Healthy", ""),
    (obj("Job", api_version="batch/v1", status=conditions(Failed="True")), "Degraded", ""),
    (obj("Job", api_version="batch/v1", status=conditions(Suspended="True")), "Suspended", ""),
    (obj("CronJob", api_version="batch/v1", suspend=True), "Suspended", ""),
    (obj("CronJob", api_version="batch/v1"), "Healthy", ""),
    ({"apiVersion": "batch/v1", "kind": "CronJob", "spec": {}}, "Progressing", "Waiting"),
    (
        obj("CronJob", api_version="batch/v1", status={"lastScheduleTime": "2024-01-02T00:00:00Z"}),
        "Healthy",
        "not completed a run yet",
    ),
    (
        obj(
            "CronJob",
            api_version="batch/v1",
            status={
                "active": [{}],
                "lastScheduleTime": "2024-01-02T00:00:00Z",
                "lastSuccessfulTime": "2024-01-01T00:00:00Z",
            },
        ),
        "Healthy",
        "under way",
    ),
    (
        obj(
            "CronJob",
            api_version="batch/v1",
            status={"lastScheduleTime": "2024-01-02T00:00:00Z", "lastSuccessfulTime": "2024-01-01T00:00:00Z"},
        ),
        "Degraded",
        "",
    ),
    (pod("Pending", message="waits"), "Progressing", "waits"),
    (pod("Succeeded"), "Healthy", ""),
    (pod("Failed", message="Evicted"), "Degraded", "Evicted"),
    (pod("Failed", "Never", state={"terminated": {"exitCode": 3}}), "Degraded", "failed with exit code 3"),
    (
        pod("Failed", "Never", state={"terminated": {"exitCode": 137, "reason": "OOMKilled"}}),
        "Degraded",
        "OOMKilled",
    ),
    (pod("Unknown"), "Unknown", ""),
    (pod(state=waiting("CrashLoopBackOff", "back-off")), "Degraded", "back-off"),
    (pod(state=waiting("ErrImagePull")), "Degraded", "ErrImagePull"),
    (pod(state=waiting("CreateContainerConfigError")), "Degraded", ""),
    (pod(state=waiting("ContainerCreating"), ready="False"), "Progressing", ""),
    (pod(ready="True"), "Healthy", ""),
    (pod(ready="False", last={"terminated": {"exitCode": 1}}), "Degraded", ""),
    (pod(policy="OnFailure", ready="True"), "Progressing", ""),
    (obj("Service", api_version="v1"), "Healthy", ""),
    (obj("Service", api_version="v1", type="LoadBalancer"), "Progressing", "load balancer"),
    (obj("Ingress", api_version="networking.k8s.io/v1"), "Progressing", ""),
    (obj("PersistentVolumeClaim", api_version="v1", status={"phase": "Bound"}), "Healthy", ""),
    (obj("PersistentVolumeClaim", api_version="v1", status={"phase": "Lost"}), "Degraded", ""),
    (obj("PersistentVolumeClaim", api_version="v1"), "Unknown", ""),
    (obj("HorizontalPodAutoscaler", api_version="autoscaling/v2"), "Progressing", "Waiting"),
    (obj("HTTPRoute", api_version="gateway.networking.k8s.io/v1"), "Progressing", "gateway"),
    (obj("ConfigMap", api_version="v1"), "Healthy", ""),
    (
        obj("Application", api_version="argoproj.io/v1alpha1", status={"health": {"status": "Missing"}}),
        "Missing",
        "",
    ),
    (
        obj("Application", api_version="argoproj.io/v1alpha1", status={"health": {"status": "Great"}}),
        "Unknown",
        "",
    ),
    (obj("Thing", api_version="example.org/v1"), "Progressing", "Waiting for a status"),
    (obj("Thing", api_version="example.org/v1", status=conditions(Ready="True")), "Healthy", ""),
    (obj("Thing", api_version="example.org/v1", status=conditions(Ready="False")), "Degraded", ""),
    (obj("Thing", api_version="example.org/v1", status=conditions(Ready="Unknown")), "Progressing", ""),
    (
        obj("Thing", api_version="example.org/v1", status=conditions(Ready="False", Reconciling="True")),
        "Progressing",
        "",
    ),
    (
        obj("Thing", api_version="example.org/v1", status=conditions(Stalled="True", Ready="True")),
        "Degraded",
        "",
    ),
    (obj("Thing", api_version="example.org/v1", suspend=True, status={"a": 1}), "Suspended", ""),
    (
        obj("Thing", api_version="example.org/v1", generation=2, status={"observedGeneration": 1}),
        "Progressing",
        "",
    ),
    (
        obj(
            "Thing",
            api_version="example.org/v1",
            generation=2,
            status={"conditions": [{"type": "Accepted", "status": "True", "observedGeneration": 1}]},
        ),
        "Progressing",
        "observed",
    ),
    (budget("True", "SufficientPods"), "Healthy", "SufficientPods"),
    (budget("False", "InsufficientPods"), "Progressing", "InsufficientPods"),
    (budget("False", "SyncFailed"), "Degraded", "SyncFailed"),
    (obj("PodDisruptionBudget", api_version="policy/v1"), "Progressing", "Waiting"),
    (
        obj(
            "ReplicationController",
            api_version="v1",
            replicas=2,
            status={"availableReplicas": 1, "observedGeneration": 1},
        ),
        "Progressing",
        "1 out of 2",
    ),
    (obj("Thing", api_version="example.org/v1", status={"phase": "Ready"}), "Healthy", ""),
    (obj("Thing", api_version="example.org/v1", status={"phase": "BuildFailed"}), "Degraded", ""),
    (obj("Thing", api_version="example.org/v1", status={"phase": "Mixing"}), "Progressing", "Mixing"),
    (obj("Thing", api_version="example.org/v1", status={"count": 3}), "Progressing", "Nothing"),
    *(
        (obj("Thing", api_version="example.org/v1", replicas=3, status=status), health, "")
        for status, health in (
            ({"state": "NotFound"}, "Missing"),
            ({"PondStatus": "Running"}, "Healthy"),
            ({"job": {"state": "FAILED"}}, "Degraded"),
            ({"job": {"state": "waiting"}}, "Progressing"),
            ({"readyToUse": True}, "Healthy"),
            ({"ready": False, "error": {"message": "no space"}}, "Degraded"),
            ({"ready": False}, "Progressing"),
            ({"readyReplicas": 2}, "Progressing"),
            ({"readyReplicas": 3}, "Healthy"),
            ({"errors": ["a", "b"]}, "Degraded"),
            ({"phase": "Paused"}, "Suspended"),
            (conditions(Paused="True", Ready="True"), "Suspended"),
            (conditions(SpecError="True"), "Degraded"),
            (conditions(SpecError="False"), "Healthy"),
            (conditions(RemoteSynced="True"), "Healthy"),
            (conditions(Progressing="True"), "Progressing"),
            ({"parents": [conditions(Accepted="True"), conditions(Accepted="False")]}, "Degraded"),
            ({"conditions": [{"type": "Ready", "status": "False", "reason": "Waiting"}]}, "Progressing"),
            (
                {"conditions": [{"type": "Ready", "status": "False", "reason": "ReconcilePaused"}]},
                "Suspended",
            ),
            (
                {
                    "conditions": [
                        {"type": "Ready", "status": "False", "reason": "Creating"},
                        {"type": "Synced", "status": "False", "reason": "ReconcileError"},
                    ]
                },
                "Degraded",
            ),
        )
    ),
]


@pytest.mark.parametrize(("given", "status", "message"), CASES)
def test_rules(given, status, message):
    found = assess(given)
    assert found.status == status
    assert message in found.message


def test_what_is_being_deleted_progresses():
    given = pod(ready="True")
    given["metadata"]["deletionTimestamp"] = "2024-01-01T00:00:00Z"
    assert assess(given) == Health("Progressing", "Pending deletion")


def test_a_route_is_judged_by_all_its_parents():
    def route(*given):
        parents = [{"conditions": [each]} for each in given]
        return obj("HTTPRoute", api_version="gateway.networking.k8s.io/v1", status={"parents": parents})

    good = {"type": "Accepted", "status": "True", "observedGeneration": 1}
    assert assess(route(good)).status == "Healthy"
    assert assess(route(good, {**good, "status": "False", "message": "no"})) == Health("Degraded", "no")
    assert assess(route({**good, "observedGeneration": 0})).status == "Progressing"
    assert assess(route(good, {**good, "observedGeneration": 0, "status": "False"})).status == "Healthy"
    assert assess(route({**good, "type": "Programmed", "status": "False"})).status == "Progressing"
    assert assess(route({**good, "type": "Other", "status": "False"})).status == "Healthy"


@pytest.mark.parametrize("text", ["not json", "3", '["x"]', ""])
def test_an_autoscalers_old_conditions_may_be_anything(text):
    given = obj("HorizontalPodAutoscaler", api_version="autoscaling/v1")
    given["metadata"]["annotations"] = {parts.ALPHA_CONDITIONS: text}
    assert assess(given).status == "Progressing"


def test_related_pods_give_the_reason():
    given = obj("Deployment", replicas=3, status=replicas(availableReplicas=2))
    found = assess(given, [pod(state=waiting("ImagePullBackOff"))])
    assert found.message.endswith("(web: ImagePullBackOff)")
    assert assess(given, [pod(ready="True")]) == assess(given)
    healthy = obj("Deployment", replicas=3, status=replicas())
    assert assess(healthy, [pod(state=waiting("ImagePullBackOff"))]).message == ""


def test_the_worst_of_several():
    assert worst([]).status == "Missing"
    assert worst([Health("Healthy"), Health("Degraded", "x"), Health("Progressing")]) == Health(
        "Degraded", "x"
    )


def test_nothing_falls_over_malformed_objects():
    for kind in {kind for _, kind in RULES}:
        for status in (
            None,
            [],
            "x",
            {"conditions": "x"},
            {"conditions": [None, "x"]},
            {"containerStatuses": [1]},
        ):
            for group in {group for group, each in RULES if each == kind}:
                assess({"apiVersion": f"{group}/v1" if group else "v1", "kind": kind, "status": status})
                assess(
                    {
                        "apiVersion": f"{group}/v1" if group else "v1",
                        "kind": kind,
                        "spec": [],
                        "metadata": None,
                    }
                )


CNPG, GRAFANA = "postgresql.cnpg.io/v1", "grafana.integreatly.org/v1beta1"


@pytest.mark.parametrize(
    ("api_version", "kind", "status", "health"),
    [
        (CNPG, "Cluster", {}, "Progressing"),
        (CNPG, "Cluster", {"phase": "Setting up primary"}, "Progressing"),
        (CNPG, "Cluster", {"phase": "Cluster in healthy state"}, "Healthy"),
        (CNPG, "Cluster", {"phase": "Waiting for user action"}, "Suspended"),
        (CNPG, "Cluster", {"phase": "Not enough disk space"}, "Degraded"),
        (CNPG, "Database", {}, "Progressing"),
        (CNPG, "Database", {"applied": True, "observedGeneration": 1}, "Healthy"),
        (CNPG, "Database", {"applied": False, "observedGeneration": 1, "message": "no owner"}, "Degraded"),
        (CNPG, "ScheduledBackup", {}, "Healthy"),
        ("monitoring.coreos.com/v1", "PrometheusRule", {}, "Healthy"),
        (GRAFANA, "GrafanaDashboard", {}, "Progressing"),
    ],
)
def test_what_operators_make_is_judged_in_their_own_words(api_version, kind, status, health) -> None:
    obj = {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": "a", "generation": 1},
        "status": status,
    }
    assert assess(obj).status == health

"""Findings: what is wrong, what shows it, what helps; roots before symptoms, each once."""

import json
from dataclasses import asdict

import pytest
from django.core.management import call_command

from portal.shell.commands import Unusable
from services.diagnosis.findings import diagnose
from services.diagnosis.findings.containers import missing_config, more_memory

AT = "2024-05-01T10:00:00Z"


def meta(name, owner=None, **more):
    given = {"name": name, "namespace": "shop", **more}
    if owner:
        given["ownerReferences"] = [{"kind": owner[0], "name": owner[1]}]
    return given


def pod(
    name="web-1",
    *,
    waiting=None,
    last=None,
    state=None,
    restarts=0,
    ready=False,
    phase="Running",
    spec=None,
    **status,
):
    container = {
        "name": "web",
        "image": "registry.example.com/web:1",
        "resources": {"limits": {"memory": "128Mi"}},
        "ports": [{"name": "http", "containerPort": 8080}],
        **(spec or {}),
    }
    given = state or ({"waiting": waiting} if waiting else {"running": {}})
    seen = {
        "name": "web",
        "state": given,
        "lastState": {"terminated": last} if last else {},
        "restartCount": restarts,
        "ready": ready,
    }
    conditions = [{"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": AT}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta(name, ("ReplicaSet", "web-7d4"), labels={"app": "web"}),
        "spec": {"containers": [container]},
        "status": {"phase": phase, "conditions": conditions, "containerStatuses": [seen], **status},
    }


def crashing(**more):
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}
    return pod(waiting=waiting, **more)


def event(obj, reason, message, at=AT):
    about = {"kind": obj["kind"], "name": obj["metadata"]["name"], "namespace": "shop"}
    return {
        "kind": "Event",
        "reason": reason,
        "message": message,
        "involvedObject": about,
        "lastTimestamp": at,
    }


def workload(kind="Deployment", name="web", status=None, owner=None, **spec):
    version = "batch/v1" if "Job" in kind else "apps/v1"
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": meta(name, owner),
        "spec": spec,
        "status": status or {},
    }


def condition(type_, status, reason="", message=""):
    return {
        "conditions": [
            {"type": type_, "status": status, "reason": reason, "message": message, "lastTransitionTime": AT}
        ]
    }


def service(**spec):
    spec = {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}], **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta("web"), "spec": spec}


def ids(*objects, events=(), logs=None):
    return [each.id for each in diagnose(objects, events, logs)]


def the(*objects, events=(), logs=None):
    (found,) = diagnose(objects, events, logs)
    return found


def test_a_healthy_pod_has_no_findings():
    assert ids(pod(ready=True), service()) == []


def test_out_of_memory():
    found = the(crashing(last={"reason": "OOMKilled", "exitCode": 137, "finishedAt": AT}, restarts=4))
    assert found.id == "oom-killed"
    assert "limit 128Mi" in found.title
    assert found.fix["field"] == "memory_limit"
    assert found.fix["value"] == "192Mi"
    assert found.evidence[0].at == AT
    assert found.evidence[0].value == "OOMKilled"
    assert found.object == "ReplicaSet/shop/web-7d4"


def test_out_of_memory_without_a_limit():
    found = the(crashing(last={"reason": "OOMKilled"}, spec={"resources": {}}))
    assert found.fix == {"field": "memory_request"}


def test_one_that_recovered_long_ago_is_left_alone():
    assert ids(pod(ready=True, last={"exitCode": 1, "reason": "Error"}, restarts=1)) == []


@pytest.mark.parametrize(
    ("limit", "more"),
    [
        ("128Mi", "192Mi"),
        ("64Mi", "96Mi"),
        ("1Gi", "1536Mi"),
        ("2Gi", "3Gi"),
        ("100M", "192Mi"),
        ("8Mi", "16Mi"),
        ("x", None),
    ],
)
def test_half_as_much_memory_again(limit, more):
    assert more_memory(limit) == more


def test_a_crash_says_its_exit_code_and_its_last_words():
    given = crashing(last={"exitCode": 1, "reason": "Error"}, restarts=7)
    found = the(given, logs={"shop/web-1/web": "starting\nFATAL: no route to db\n\n"})
    assert found.id == "crash-loop"
    assert "Exit code 1" in found.advice
    assert "FATAL: no route to db" in {each.value for each in found.evidence}


def test_what_a_log_says_of_an_error_is_told_beside_its_last_line():
    log = (
        "start\njava.lang.StackOverflowError: deep\n\tat java.util.Map.get(Map.java:3)\n\tat failed.Main(1)\n"
    )
    found = diagnose([crashing(restarts=3)], logs={"shop/web-1/web": log})[0]
    said = [each.value for each in found.evidence if each.field.endswith(".log")]
    assert said == ["java.lang.StackOverflowError: deep", "at failed.Main(1)"]


def test_a_service_that_ends_by_itself():
    assert "A service has to keep running" in the(crashing(last={"exitCode": 0})).advice


def test_a_container_that_ended_once():
    found = the(pod(state={"terminated": {"exitCode": 2}}, phase="Failed"))
    assert found.title == "web ended with exit code 2"


def test_killed_by_its_liveness_probe():
    given = crashing(last={"exitCode": 137}, restarts=5)
    found = the(
        given, events=[event(given, "Killing", "Container web failed liveness probe, will be restarted")]
    )
    assert found.id == "liveness-failing"


IMAGES = [
    ("ErrImagePull", "manifest for web:9 not found: manifest unknown", "does not exist", "image"),
    (
        "ImagePullBackOff",
        "pull access denied, repository does not exist or may require authorization",
        "does not exist",
        "image",
    ),
    ("ErrImagePull", "failed to authorize: 401 Unauthorized", "may not be pulled", "image"),
    ("ErrImagePull", "dial tcp: lookup registry.example.com: no such host", "does not answer", "image"),
    ("ErrImagePull", "x509: certificate signed by unknown authority", "not trusted", None),
    ("ErrImagePull", "toomanyrequests: rate limit exceeded", "rate limit", "image"),
    ("InvalidImageName", "couldn't parse image name", "not a valid reference", "image"),
    ("ErrImageNeverPull", "image is not present with pull policy of Never", "may not be pulled", "image"),
    ("ImagePullBackOff", "", "cannot be pulled", "image"),
]


@pytest.mark.parametrize(("reason", "message", "said", "field"), IMAGES)
def test_images_that_cannot_be_pulled(reason, message, said, field):
    found = the(pod(waiting={"reason": reason, "message": message}, phase="Pending"))
    assert found.id == "image-pull"
    assert said in found.title
    assert (found.fix or {}).get("field") == field


def test_the_event_tells_why_when_the_pod_no_longer_does():
    given = pod(waiting={"reason": "ImagePullBackOff", "message": "Back-off pulling image"}, phase="Pending")
    found = the(given, events=[event(given, "Failed", "Failed to pull image: not found")])
    assert "does not exist" in found.title
    assert found.evidence[-1].field == "event Failed"


@pytest.mark.parametrize(
    ("message", "kind", "name", "key"),
    [
        ('secret "web-db" not found', "secret", "web-db", ""),
        ('configmap "web" not found', "config map", "web", ""),
        ("couldn't find key password in Secret shop/web-db", "secret", "web-db", "password"),
        ("couldn't find key LEVEL in ConfigMap shop/web", "config map", "web", "LEVEL"),
        ("references non-existent secret key: token", "secret", "", "token"),
    ],
)
def test_missing_configuration_is_named(message, kind, name, key):
    assert missing_config(message) == (kind, name, key)
    found = the(pod(waiting={"reason": "CreateContainerConfigError", "message": message}, phase="Pending"))
    assert found.id == "config-missing"
    assert (name or key) in found.title
    assert found.fix["field"] == ("secrets" if kind == "secret" else "config")


def test_other_configuration_errors_are_quoted():
    message = "container has runAsNonRoot and image will run as root"
    found = the(pod(waiting={"reason": "CreateContainerConfigError", "message": message}, phase="Pending"))
    assert found.id == "config-error"
    assert message in found.title


def test_a_command_that_is_not_there():
    message = 'exec: "wge": executable file not found in $PATH: unknown'
    found = the(crashing(last={"exitCode": 128, "reason": "StartError", "message": message}))
    assert found.id == "cannot-start"
    assert "no such command" in found.title
    assert the(pod(waiting={"reason": "RunContainerError", "message": "boom"})).title.endswith(
        "RunContainerError"
    )


SCHEDULING = [
    ("0/9 nodes are available: 9 Insufficient memory.", "memory", "memory_request"),
    (
        "0/9 nodes are available: 3 Insufficient cpu, 6 node(s) had untolerated taint {a: b}.",
        "CPU",
        "cpu_request",
    ),
    ("0/1 nodes are available: 1 Insufficient nvidia.com/gpu.", "nvidia.com/gpu", None),
    ("0/9 nodes are available: 9 node(s) didn't match Pod's node affinity/selector.", "certain nodes", None),
    ("0/9 nodes are available: 9 node(s) had untolerated taint {workload: batch}.", "taints", None),
    ("0/9 nodes are available: 9 node(s) had volume node affinity conflict.", "zone", None),
    ("0/9 nodes are available: pod has unbound immediate PersistentVolumeClaims.", "volume", None),
    ("0/9 nodes are available: 9 Too many pods.", "full of pods", None),
    ("something new", "cannot be placed", None),
]


@pytest.mark.parametrize(("message", "said", "field"), SCHEDULING)
def test_pods_without_a_node(message, said, field):
    given = pod(phase="Pending", **condition("PodScheduled", "False", "Unschedulable", message))
    given["status"]["containerStatuses"] = []
    found = the(given)
    assert found.id == "unschedulable"
    assert said in found.title
    assert (found.fix or {}).get("field") == field
    assert found.evidence[0].value == message


def test_scheduling_by_event_alone():
    given = pod(phase="Pending", conditions=[], containerStatuses=[])
    given["spec"]["nodeSelector"] = {"disk": "ssd"}
    found = the(
        given, events=[event(given, "FailedScheduling", "0/1 nodes are available: 1 Insufficient cpu.")]
    )
    assert found.id == "unschedulable"
    assert "disk=ssd" in {each.value for each in found.evidence}


def test_gated_and_evicted_pods():
    gated = pod(phase="Pending", **condition("PodScheduled", "False", "SchedulingGated"))
    gated["status"]["containerStatuses"] = []
    assert ids(gated) == ["scheduling-gated"]
    evicted = pod(
        phase="Failed",
        reason="Evicted",
        message="The node was low on resource: memory.",
        containerStatuses=[],
    )
    assert the(evicted).fix["field"] == "memory_request"


READINESS = [
    ("Readiness probe failed: dial tcp: connection refused", "Nothing listens"),
    ("Readiness probe failed: HTTP probe failed with statuscode: 404", "does not exist"),
    ("Readiness probe failed: HTTP probe failed with statuscode: 401", "sign-in"),
    ("Readiness probe failed: HTTP probe failed with statuscode: 503", "its log"),
    ("Readiness probe failed: context deadline exceeded", "longer"),
    ("Readiness probe failed: cat: /tmp/ready: No such file or directory", "command of the probe"),
    ("Readiness probe failed: strange", "strange"),
    ("", "gets no requests"),
]


@pytest.mark.parametrize(("message", "advice"), READINESS)
def test_running_and_not_ready(message, advice):
    given = pod(spec={"readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}}})
    found = the(given, events=[event(given, "Unhealthy", message)] if message else [])
    assert found.id == "readiness-failing"
    assert advice in found.advice
    assert "path /ready, port 8080" in {each.value for each in found.evidence}


def test_a_startup_probe():
    given = pod()
    assert ids(given, events=[event(given, "Unhealthy", "Startup probe failed: timeout")]) == [
        "startup-failing"
    ]


def test_volumes_that_do_not_come():
    given = pod(phase="Pending", waiting={"reason": "ContainerCreating"})
    secret = event(
        given, "FailedMount", 'MountVolume.SetUp failed for volume "x": secret "web-tls" not found'
    )
    assert "web-tls" in the(given, events=[secret]).title
    attach = event(given, "FailedAttachVolume", "Multi-Attach error for volume")
    assert ids(given, events=[attach]) == ["volume-attach"]
    assert ids(given, events=[event(given, "FailedMount", "timed out")]) == ["volume-mount"]


REFUSED = [
    (
        "forbidden: exceeded quota: all, requested: limits.memory=1Gi, used: limits.memory=9Gi, "
        "limited: limits.memory=10Gi",
        "quota-exceeded",
        "memory_limit",
    ),
    (
        "forbidden: exceeded quota: count, requested: pods=1, used: pods=9, limited: pods=9",
        "quota-exceeded",
        "replicas",
    ),
    (
        "forbidden: exceeded quota: c, requested: requests.cpu=1, used: x=9, limited: requests.cpu=9",
        "quota-exceeded",
        "cpu_request",
    ),
    ('pods "web-1" is forbidden: violates PodSecurity "restricted:latest": privileged', "pod-security", None),
    ('admission webhook "policy.example.org" denied the request: no', "policy-denied", None),
    ("ValidatingAdmissionPolicy 'image-tag' with binding 'x' denied request: no tag", "policy-denied", None),
    ('error looking up service account shop/web: serviceaccount "web" not found', "account-missing", None),
    ("something else", "failed-create", None),
]


@pytest.mark.parametrize(("message", "id", "field"), REFUSED)
def test_pods_the_api_refuses(message, id, field):
    given = workload(
        "ReplicaSet", "web-7d4", condition("ReplicaFailure", "True", "FailedCreate", message), replicas=1
    )
    found = the(given)
    assert found.id == id
    assert (found.fix or {}).get("field") == field
    by_event = workload("ReplicaSet", "web-7d4", {"replicas": 0}, replicas=1)
    assert ids(by_event, events=[event(by_event, "FailedCreate", message)]) == [id]
    recovered = workload("ReplicaSet", "web-7d4", {"replicas": 1, "readyReplicas": 1}, replicas=1)
    assert ids(recovered, events=[event(recovered, "FailedCreate", message)]) == []


def test_a_stuck_rollout_comes_after_its_cause():
    stuck = workload(status=condition("Progressing", "False", "ProgressDeadlineExceeded"), replicas=3)
    middle = workload("ReplicaSet", "web-7d4", owner=("Deployment", "web"))
    pods = [
        pod(f"web-{n}", waiting={"reason": "ErrImagePull", "message": "not found"}, phase="Pending")
        for n in range(3)
    ]
    found = diagnose([stuck, middle, *pods, service()])
    assert [each.id for each in found] == ["image-pull", "rollout-stuck", "no-endpoints"]
    assert found[0].object == "Deployment/shop/web"


def test_jobs():
    failed = workload(
        "Job", "report", {**condition("Failed", "True", "DeadlineExceeded", "too long"), "failed": 1}
    )
    assert "longer than its deadline" in the(failed).advice
    assert ids(workload("CronJob", "report", suspend=True)) == ["cron-suspended"]
    cron = workload("CronJob", "report")
    assert ids(cron, events=[event(cron, "TooManyMissedTimes", "too many missed start times")]) == [
        "cron-missed"
    ]


def claim(**spec):
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": meta("data"),
        "spec": spec,
        "status": {"phase": "Pending"},
    }


def test_a_job_that_failed_by_its_events_alone():
    given = workload("Job", status={"failed": 1})
    told = [event(given, "BackoffLimitExceeded", "Job has reached the specified backoff limit")]
    assert the(given, events=told).id == "job-failed"
    refused = [event(given, "FailedCreate", 'serviceaccount "web" not found')]
    assert ids(given, events=refused) == []
    assert ids(workload("Job"), events=refused) == ["account-missing"]


def test_claims_without_a_volume():
    given = claim(storageClassName="fast")
    missing = event(given, "ProvisioningFailed", 'storageclass.storage.k8s.io "fast" not found')
    assert "no storage class fast" in the(given, events=[missing]).advice
    default = event(claim(), "FailedBinding", "no persistent volumes available and no storage class is set")
    assert "no default" in the(claim(), events=[default]).advice
    assert ids(given, events=[event(given, "WaitForFirstConsumer", "waiting for first consumer")]) == []
    assert the(given).severity == "warn"
    assert "quota" in the(given, events=[event(given, "ProvisioningFailed", "quota")]).advice


def scaler(given, **status):
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": meta("web"),
        "spec": {"maxReplicas": 5},
        "status": {**given, **status},
    }


def test_autoscalers():
    blind = condition("ScalingActive", "False", "FailedGetResourceMetric", "missing request for cpu")
    assert the(scaler(blind)).fix["field"] == "cpu_request"
    metric = condition("ScalingActive", "False", "FailedGetObjectMetric", "no such metric")
    assert "metrics server" in the(scaler(metric)).advice
    full = condition("ScalingLimited", "True", "TooManyReplicas")
    assert ids(scaler(full, currentReplicas=5)) == ["autoscaler-at-max"]
    assert ids(scaler(full, currentReplicas=4)) == []


def test_services():
    wrong = service(ports=[{"name": "http", "port": 80, "targetPort": 9090}])
    found = the(wrong, pod(ready=True))
    assert found.id == "wrong-target-port"
    assert (found.fix["field"], found.fix["value"]) == ("port", 8080)
    template = {"metadata": {"labels": {"app": "web"}}, "spec": pod()["spec"]}
    assert ids(wrong, workload(template=template)) == ["wrong-target-port"]
    assert ids(service(selector={"app": "wbe"}), pod(ready=True)) == ["selects-nothing"]
    assert ids(service(selector={"tier": "x"}), pod(ready=True)) == []
    assert ids(service(type="ExternalName"), pod(ready=True)) == []


def test_budgets_and_deletions():
    status = {"disruptionsAllowed": 0, "expectedPods": 1, "currentHealthy": 1, "desiredHealthy": 1}
    budget = {"kind": "PodDisruptionBudget", "metadata": meta("web"), "status": status}
    assert the(budget).severity == "warn"
    assert the(budget | {"status": status | {"currentHealthy": 0}}).severity == "info"
    held = {"kind": "ConfigMap", "metadata": meta("x", deletionTimestamp=AT, finalizers=["example.org/hold"])}
    assert ids(held) == ["terminating"]


def test_findings_are_the_same_every_time_and_can_be_kept():
    given = crashing(last={"reason": "OOMKilled"}, restarts=4)
    first, second = diagnose([given]), diagnose([given])
    assert first == second
    assert json.loads(json.dumps([asdict(each) for each in first]))[0]["id"] == "oom-killed"


def test_nothing_falls_over_malformed_objects():
    for kind in (
        "Pod",
        "Deployment",
        "ReplicaSet",
        "Job",
        "CronJob",
        "Service",
        "PersistentVolumeClaim",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
        "Event",
        "Node",
        "ResourceQuota",
        "Endpoints",
        "Ingress",
        "HTTPRoute",
        "Certificate",
        "ExternalSecret",
        "Cluster",
        "Application",
        "NetworkPolicy",
    ):
        for status in (None, [], "x", {"conditions": "x"}, {"containerStatuses": [None, {}]}):
            diagnose(
                [{"kind": kind, "metadata": {"name": "x"}, "spec": {}, "status": status}, {"kind": kind}]
            )


# The command


def run(capsys, *paths):
    code = 0
    try:
        call_command("diagnose", *[str(each) for each in paths], "--format", "json")
    except SystemExit as error:
        code = error.code
    return json.loads(capsys.readouterr().out), code


def test_command_uses_events_and_pods_beside_an_object(tmp_path, capsys):
    given = pod(waiting={"reason": "ImagePullBackOff"}, phase="Pending")
    typed = {
        "kind": "PodList",
        "apiVersion": "v1",
        "items": [{k: v for k, v in given.items() if k not in ("kind", "apiVersion")}],
    }
    (tmp_path / "pods.json").write_text(json.dumps(typed))
    events = {"kind": "List", "items": [event(given, "Failed", "Failed to pull image: not found")]}
    (tmp_path / "events.json").write_text(json.dumps(events))
    (tmp_path / "broken.yaml").write_text("a: [")
    printed, code = run(capsys, tmp_path)
    entries = {each["file"]: each for each in printed["objects"]}
    assert code == 1
    assert entries["pods.json"]["object"] == "Pod/shop/web-1"
    assert entries["pods.json"]["health"] == "Degraded"
    assert "does not exist" in entries["pods.json"]["findings"][0]["title"]
    assert entries["broken.yaml"]["health"] == "Unknown"


def test_command_is_content_with_healthy_objects(tmp_path, capsys):
    (tmp_path / "pod.json").write_text(json.dumps(pod(ready=True)))
    printed, code = run(capsys, tmp_path / "pod.json")
    assert code == 0
    assert printed["objects"] == [
        {
            "file": "pod.json",
            "document": 0,
            "object": "Pod/shop/web-1",
            "health": "Healthy",
            "message": "",
            "findings": [],
        }
    ]


def test_command_tells_people(tmp_path, capsys):
    (tmp_path / "pod.json").write_text(json.dumps(crashing(last={"reason": "OOMKilled"}, restarts=2)))
    with pytest.raises(SystemExit):
        call_command("diagnose", str(tmp_path))
    out = capsys.readouterr().out
    assert out.startswith("Degraded    Pod/shop/web-1")
    assert "Raise the limit to 192Mi" in out


def test_command_refuses_what_is_not_there():
    with pytest.raises(Unusable):
        call_command("diagnose", "/nowhere/at/all")


@pytest.mark.parametrize(
    ("file", "id"),
    [
        ("argo-cd-core/pod-crashloop.yaml", "crash-loop"),
        ("argo-cd-core/pod-imagepullbackoff.yaml", "image-pull"),
        ("argo-cd-core/deployment-degraded.yaml", "rollout-stuck"),
        ("argo-cd-core/job-failed.yaml", "job-failed"),
        ("troubleshoot/pods/message-image-pull-fail.json", "image-pull"),
        ("troubleshoot/pods/message-pending-pod-resources.json", "unschedulable"),
        ("troubleshoot/pods/message-pod-crashloop-backoff.json", "cannot-start"),
        ("troubleshoot/pods/default-unhealthy.json", "pod-failed"),
        ("octant/apiservice_unknown.yaml", "unwell"),
        ("octant/deployment_no_replicas.yaml", "too-few-replicas"),
        ("octant/replicaset_no_replicas.yaml", "too-few-replicas"),
        ("octant/replicationcontroller_not_ready.yaml", "too-few-replicas"),
        ("octant/ingress_no_matching_backend.yaml", "backend-missing"),
        ("octant/endpoints_no_subsets.yaml", "no-endpoints"),
        ("octant/pvc_pending.yaml", "volume-pending"),
    ],
)
def test_real_trouble(shared_data, capsys, file, id):
    printed, _ = run(capsys, shared_data / "4-k8s-trouble" / file)
    assert id in {found["id"] for each in printed["objects"] for found in each["findings"]}


@pytest.mark.parametrize(
    "file", ["octant/deployment_ok.yaml", "octant/replicaset_ok.yaml", "octant/replicaset_zero_replicas.yaml",
             "octant/daemonset_ok.yaml", "octant/apiservice_ok.yaml", "octant/service_external.yaml",
             "troubleshoot/pods/default.json"],
)  # fmt: skip
def test_nothing_real_is_invented(shared_data, capsys, file):
    printed, _ = run(capsys, shared_data / "4-k8s-trouble" / file)
    assert [found["id"] for each in printed["objects"] for found in each["findings"]] == []

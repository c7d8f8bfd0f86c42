"""What kubectl prints for people, read back: pods, jobs, nodes, claims, and their events."""

import json

import pytest
from django.core.management import call_command

from services.diagnosis import described
from services.diagnosis.findings import diagnose

POD = """Name:             web-7d4-x1
Namespace:        shop
Node:             node-1/10.0.0.1
Labels:           app=web
                  tier=front
Status:           Running
Controlled By:    ReplicaSet/web-7d4
Init Containers:
  wait:
    Image:          tools:1
    State:          Terminated
      Reason:       Completed
      Exit Code:    0
    Ready:          True
    Restart Count:  0
Containers:
  web:
    Image:         registry.example.com/web:1
    Port:          8080/TCP
    Args:
      -c
      if true: then
      Name: not an object
    State:          Waiting
      Reason:       CrashLoopBackOff
    Last State:     Terminated
      Reason:       OOMKilled
      Exit Code:    137
      Finished:     Thu, 27 Feb 2025 07:36:22 +0100
    Ready:          False
    Restart Count:  6
    Limits:
      memory:  100Mi
Conditions:
  Type              Status
  Ready             False
  PodScheduled      True
Node-Selectors:     pool=big
Events:
  Type     Reason   Age                 From     Message
  ----     ------   ----                ----     -------
  Warning  BackOff  2m (x9 over 12m)    kubelet  Back-off restarting  failed container
"""
JOB = """Name:             load
Namespace:        shop
Labels:           <none>
Parallelism:      1
Completions:      1
Backoff Limit:    0
Pods Statuses:    0 Active (0 Ready) / 0 Succeeded / 1 Failed
Events:           <none>
"""
DEPLOYMENT = """Name:                   web
Namespace:              shop
CreationTimestamp:      Mon, 14 Jul 2025 14:04:46 +0300
Replicas:               3 desired | 1 updated | 4 total | 2 available | 2 unavailable
StrategyType:           RollingUpdate
Conditions:
  Type           Status  Reason
  ----           ------  ------
  Progressing    False   ProgressDeadlineExceeded
"""
NODE = """Name:               node-1
Unschedulable:      true
Conditions:
  Type    Status   LastTransitionTime                Reason             Message
  ----    ------   ------------------                ------             -------
  Ready   Unknown  Tue, 15 Apr 2025 07:14:02 +0200   NodeStatusUnknown  Kubelet stopped
Capacity:
  cpu:                32
System Info:
  Machine ID:         1
"""
CLAIM = """Name:          data
Namespace:     shop
StorageClass:  fast
Status:        Pending
Access Modes:
Events:
  Type     Reason              Age  From                  Message
  ----     ------              ---  ----                  -------
  Warning  ProvisioningFailed  3s   controller-manager    storageclass.storage.k8s.io "fast" not found
"""
SCALER = """Name:             web
Namespace:        shop
Reference:        Deployment/web
Min replicas:     1
Max replicas:     5
Deployment pods:  5 current / 5 desired
Conditions:
  Type            Status  Reason            Message
  ----            ------  ------            -------
  ScalingLimited  True    TooManyReplicas   the desired replica count is more than the maximum
"""


def test_a_pod_comes_back_as_it_was():
    pod, event = described.objects(POD)
    assert pod["metadata"] == {
        "name": "web-7d4-x1",
        "namespace": "shop",
        "labels": {"app": "web", "tier": "front"},
        "ownerReferences": [{"kind": "ReplicaSet", "name": "web-7d4", "controller": True}],
    }
    assert (pod["spec"]["nodeName"], pod["spec"]["nodeSelector"]) == ("node-1", {"pool": "big"})
    (web,) = pod["spec"]["containers"]
    assert (web["resources"], web["ports"]) == ({"limits": {"memory": "100Mi"}}, [{"containerPort": 8080}])
    (seen,) = pod["status"]["containerStatuses"]
    assert seen["restartCount"] == 6
    assert seen["lastState"]["terminated"]["finishedAt"] == "2025-02-27T07:36:22+01:00"
    assert pod["status"]["initContainerStatuses"][0]["state"] == {
        "terminated": {"reason": "Completed", "exitCode": 0}
    }
    assert (event["reason"], event["message"]) == ("BackOff", "Back-off restarting  failed container")
    assert event["involvedObject"] == {"kind": "Pod", "name": "web-7d4-x1", "namespace": "shop"}


@pytest.mark.parametrize(
    ("text", "kinds", "found"),
    [
        (POD, ["Pod", "Event"], ["oom-killed"]),
        (JOB, ["Job"], ["job-failed"]),
        (DEPLOYMENT, ["Deployment"], ["rollout-stuck"]),
        (NODE, ["Node"], ["node-not-ready"]),
        (CLAIM, ["PersistentVolumeClaim", "Event"], ["volume-pending"]),
        (SCALER, ["HorizontalPodAutoscaler"], ["autoscaler-at-max"]),
        (f"{POD}\n\n{JOB}", ["Pod", "Event", "Job"], ["oom-killed", "job-failed"]),
        ("Name:  web\nType:  Opaque\n", ["Object"], []),
        ("Name:  web\nStart: long ago\nEvents:\n", ["Object"], []),
        ("nothing of the kind", [], []),
        ("Name: \n  :\n\x00", [], []),
    ],
)
def test_what_is_described_is_diagnosed(text, kinds, found):
    given = list(described.objects(text))
    assert [each["kind"] for each in given] == kinds
    assert [each.id for each in diagnose(given, whole=False)] == found


def test_times_that_are_none_are_left_out():
    (made,) = described.objects("Name: web\nCreationTimestamp: yesterday\n")
    assert "creationTimestamp" not in made["metadata"]


def test_the_command_reads_descriptions_and_the_logs_of_dumps(tmp_path, capsys):
    folder = tmp_path / "shop" / "web-7d4-x1"
    folder.mkdir(parents=True)
    (tmp_path / "pod.txt").write_text(POD.replace("OOMKilled", "Error").replace("137", "1"))
    (tmp_path / "notes.txt").write_text("nothing of the kind")
    log = "==== START logs for container web of pod shop/web-7d4-x1 ====\ndb: no such host\n==== END logs"
    (folder / "logs.txt").write_text(log)
    for paths in ([tmp_path], [tmp_path / "pod.txt", folder / "logs.txt"]):
        with pytest.raises(SystemExit):
            call_command("diagnose", *map(str, paths), "--format", "json")
        (entry,) = json.loads(capsys.readouterr().out)["objects"]
        assert (entry["file"], entry["object"]) == ("pod.txt", "Pod/shop/web-7d4-x1")
        assert [each["id"] for each in entry["findings"]] == ["dns", "crash-loop"]
        assert "no such host" in entry["findings"][1]["evidence"][-1]["value"]

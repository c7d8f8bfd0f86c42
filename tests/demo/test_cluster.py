"""The simulated cluster's own life, on a clock set by hand: rollouts that succeed, and each way to fail."""

import json
from pathlib import Path
from typing import Any

import pytest

from portal.demo.cluster import images, loader, logs
from portal.demo.cluster.api import Target
from portal.demo.cluster.clock import Clock
from portal.demo.cluster.controllers import RECONCILERS
from portal.demo.cluster.kinds import BY_KIND
from portal.demo.cluster.options import Deletion
from portal.demo.cluster.state import State
from portal.demo.cluster.status import ApiError
from portal.demo.cluster.store import Store
from portal.demo.cluster.world import Pace, World
from tests.fakes.cluster import deployment

NOON = 1_760_000_000.0


@pytest.fixture
def world() -> World:
    clock = Clock()
    clock.fixed = NOON
    made = World(Store(clock), RECONCILERS, Pace(deadline=0.05))
    loader.prepare(made, ["shop"])
    return made


def get(world: World, kind: str, name: str, api_version: str = "apps/v1") -> dict[str, Any]:
    found = world.store.find(api_version, kind, "shop", name)
    assert found is not None
    return found


def pods(world: World, name: str) -> list[dict[str, Any]]:
    found = world.store.all("v1", "Pod", "shop")
    return [pod for pod in found if pod["metadata"]["name"].startswith(name)]


def reasons(world: World, kind: str = "Pod") -> set[str]:
    events = world.store.all("v1", "Event", "shop")
    return {event["reason"] for event in events if event["involvedObject"]["kind"] == kind}


def waiting(world: World, name: str) -> dict[str, Any]:
    state = pods(world, name)[0]["status"]["containerStatuses"][0]["state"]
    return state.get("waiting") or {}


def condition(obj: dict[str, Any], type_: str) -> dict[str, Any]:
    return next(c for c in obj["status"]["conditions"] if c["type"] == type_)


def test_a_deployment_becomes_ready_within_seconds(world: World) -> None:
    loader.apply(world, deployment("web", replicas=3))
    world.advance(0.1)
    assert get(world, "Deployment", "web")["status"].get("readyReplicas") is None
    world.advance(5)
    live = get(world, "Deployment", "web")
    assert live["status"]["readyReplicas"] == live["status"]["updatedReplicas"] == 3
    assert live["status"]["observedGeneration"] == live["metadata"]["generation"]
    assert condition(live, "Progressing")["reason"] == "NewReplicaSetAvailable"
    assert {"Scheduled", "Pulled", "Created", "Started"} <= reasons(world)
    assert all(pod["status"]["phase"] == "Running" for pod in pods(world, "web"))


def test_a_new_image_rolls_by_revision_and_never_below_what_is_allowed(world: World) -> None:
    loader.apply(world, deployment("web", replicas=4))
    world.advance(10)
    loader.apply(world, deployment("web", replicas=4, image="registry.larkfield.shop/web:1.5.0"))
    least = 4
    for _ in range(60):
        world.advance(0.25)
        least = min(least, get(world, "Deployment", "web")["status"].get("availableReplicas", 0))
    live = get(world, "Deployment", "web")
    assert least >= 3
    assert live["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"
    assert {pod["spec"]["containers"][0]["image"] for pod in pods(world, "web")} == {
        "registry.larkfield.shop/web:1.5.0"
    }


def test_going_back_reuses_the_old_replica_set(world: World) -> None:
    for image in ("web:1.0.0", "web:2.0.0", "web:1.0.0"):
        loader.apply(world, deployment("web", image=f"registry.larkfield.shop/{image}"))
        world.advance(20)
    assert len(world.store.all("apps/v1", "ReplicaSet", "shop")) == 2
    assert (
        get(world, "Deployment", "web")["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"
    )


def test_history_is_bounded(world: World) -> None:
    for number in range(8):
        loader.apply(world, deployment("web", image=f"registry.larkfield.shop/web:1.{number}.0"))
        world.advance(20)
    assert len(world.store.all("apps/v1", "ReplicaSet", "shop")) <= 4


def test_recreate_and_paused_strategies(world: World) -> None:
    first = deployment("web")
    first["spec"]["strategy"] = {"type": "Recreate"}
    loader.apply(world, first)
    world.advance(10)
    second = deployment("web", image="registry.larkfield.shop/web:2.0.0")
    second["spec"] |= {"strategy": {"type": "Recreate"}, "paused": True}
    loader.apply(world, second)
    world.advance(10)
    assert get(world, "Deployment", "web")["status"].get("updatedReplicas") == 2
    assert {p["spec"]["containers"][0]["image"][-5:] for p in pods(world, "web")} == {"1.4.2"}
    second["spec"]["paused"] = False
    loader.apply(world, second)
    world.advance(10)
    assert {p["spec"]["containers"][0]["image"][-5:] for p in pods(world, "web")} == {"2.0.0"}


def test_an_image_that_does_not_exist_is_not_pulled(world: World) -> None:
    loader.apply(world, deployment("web", image="registry.larkfield.shop/web:missing"))
    world.advance(2)
    assert waiting(world, "web")["reason"] == "ErrImagePull"
    world.advance(5)
    assert waiting(world, "web")["reason"] == "ImagePullBackOff"
    assert "not found" in waiting(world, "web")["message"]
    assert {"Failed", "BackOff"} <= reasons(world)
    world.advance(40)
    assert condition(get(world, "Deployment", "web"), "Progressing")["reason"] == "ProgressDeadlineExceeded"


def test_a_broken_update_leaves_the_old_pods_serving(world: World) -> None:
    loader.apply(world, deployment("web", replicas=3))
    world.advance(10)
    loader.apply(world, deployment("web", replicas=3, image="registry.larkfield.shop/web:nope"))
    world.advance(60)
    live = get(world, "Deployment", "web")
    assert live["status"]["availableReplicas"] == 3
    assert live["status"]["updatedReplicas"] == 1
    assert condition(live, "Progressing")["status"] == "False"


def test_a_limit_below_what_is_used_kills_and_backs_off(world: World) -> None:
    notes = {"slipway.dev/simulate-memory": "127Mi"}
    loader.apply(world, deployment("web", limit="128Mi", annotations=notes))
    world.advance(30)
    status = pods(world, "web")[0]["status"]["containerStatuses"][0]
    assert status["restartCount"] >= 2
    assert status["lastState"]["terminated"] | {"startedAt": "", "finishedAt": ""} == {
        "exitCode": 137, "reason": "OOMKilled", "startedAt": "", "finishedAt": "",
    }  # fmt: skip
    assert waiting(world, "web")["reason"] == "CrashLoopBackOff"
    loader.apply(world, deployment("web", limit="192Mi", annotations=notes))
    world.advance(20)
    assert get(world, "Deployment", "web")["status"]["readyReplicas"] == 2


def test_a_program_that_ends_with_an_error_backs_off(world: World) -> None:
    loader.apply(world, deployment("web", annotations={"slipway.dev/simulate-exit.app": "3"}))
    world.advance(30)
    ended = pods(world, "web")[0]["status"]["containerStatuses"][0]["lastState"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (3, "Error")
    assert get(world, "Deployment", "web")["status"].get("readyReplicas") is None


def _secret_env(name: str, key: str) -> list[dict[str, Any]]:
    return [{"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": name, "key": key}}}]


def _secret(**data: str) -> dict[str, Any]:
    metadata = {"name": "db", "namespace": "shop"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}


def test_a_missing_secret_and_a_missing_key_hold_the_container(world: World) -> None:
    loader.apply(world, deployment("web", env=_secret_env("db", "password")))
    world.advance(5)
    assert waiting(world, "web") == {
        "reason": "CreateContainerConfigError",
        "message": 'secret "db" not found',
    }
    loader.apply(world, _secret(user="me"))
    world.advance(5)
    assert waiting(world, "web")["message"] == "couldn't find key password in Secret shop/db"
    loader.apply(world, _secret(password="x"))
    world.advance(10)
    assert get(world, "Deployment", "web")["status"]["readyReplicas"] == 2


def test_a_missing_volume_holds_the_pod(world: World) -> None:
    held = deployment("web", replicas=1)
    held["spec"]["template"]["spec"]["volumes"] = [{"name": "conf", "configMap": {"name": "settings"}}]
    held["spec"]["template"]["spec"]["containers"][0]["envFrom"] = [
        {"secretRef": {"name": "maybe", "optional": True}},
        {"configMapRef": {"name": "settings"}},
    ]
    loader.apply(world, held)
    world.advance(5)
    assert waiting(world, "web")["reason"] == "ContainerCreating"
    assert "FailedMount" in reasons(world)
    settings = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": "shop"},
    }
    loader.apply(world, settings)
    world.advance(10)
    assert get(world, "Deployment", "web")["status"]["readyReplicas"] == 1


def test_a_failing_readiness_probe_keeps_it_out_of_service(world: World) -> None:
    loader.apply(world, deployment("web", annotations={"slipway.dev/simulate-readiness": "fail"}))
    loader.apply(world, _service("web"))
    world.advance(60)
    live = get(world, "Deployment", "web")
    assert live["status"]["unavailableReplicas"] == 2
    assert "Unhealthy" in reasons(world)
    endpoints = world.store.all("discovery.k8s.io/v1", "EndpointSlice", "shop")[0]["endpoints"]
    assert [e["conditions"]["ready"] for e in endpoints] == [False, False]


def _service(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"selector": {"app.kubernetes.io/name": name}, "ports": [{"port": 80}]} | spec,
    }


def test_a_service_finds_its_ready_pods_and_gets_an_address(world: World) -> None:
    loader.apply(world, _service("web", type="LoadBalancer"))
    loader.apply(world, deployment("web"))
    world.advance(10)
    endpoints = world.store.all("discovery.k8s.io/v1", "EndpointSlice", "shop")[0]["endpoints"]
    assert [e["conditions"]["ready"] for e in endpoints] == [True, True]
    live = get(world, "Service", "web", "v1")
    assert live["spec"]["clusterIP"].startswith("10.96.")
    assert live["status"]["loadBalancer"]["ingress"]


def test_a_pod_no_node_takes_says_why(world: World) -> None:
    big = deployment("web", replicas=1)
    big["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["memory"] = "900Gi"
    loader.apply(world, big)
    world.advance(5)
    refused = condition(pods(world, "web")[0], "PodScheduled")
    assert refused["reason"] == "Unschedulable"
    assert "3 Insufficient memory" in refused["message"] or "4 Insufficient memory" in refused["message"]


def test_a_stateful_set_starts_in_turn_with_its_claims(world: World) -> None:
    stateful = deployment("db", replicas=3) | {"kind": "StatefulSet"}
    stateful["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}, "spec": {}}]
    loader.apply(world, stateful)
    world.advance(3)
    assert len(pods(world, "db-")) < 3
    world.advance(20)
    assert sorted(p["metadata"]["name"] for p in pods(world, "db-")) == ["db-0", "db-1", "db-2"]
    assert get(world, "StatefulSet", "db")["status"]["readyReplicas"] == 3
    claims = world.store.all("v1", "PersistentVolumeClaim", "shop")
    assert [c["status"]["phase"] for c in claims] == ["Bound"] * 3
    stateful["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.larkfield.shop/db:2.0.0"
    stateful["spec"]["replicas"] = 2
    loader.apply(world, stateful)
    world.advance(40)
    status = get(world, "StatefulSet", "db")["status"]
    assert (status["readyReplicas"], status["updatedReplicas"]) == (2, 2)
    assert status["currentRevision"] == status["updateRevision"]


def test_a_daemon_set_runs_on_every_node(world: World) -> None:
    daemon = deployment("shipper") | {"kind": "DaemonSet"}
    del daemon["spec"]["replicas"]
    loader.apply(world, daemon)
    world.advance(10)
    status = get(world, "DaemonSet", "shipper")["status"]
    assert status["numberReady"] == status["desiredNumberScheduled"] == 4
    daemon["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.larkfield.shop/shipper:2.0.0"
    loader.apply(world, daemon)
    world.advance(20)
    assert get(world, "DaemonSet", "shipper")["status"]["updatedNumberScheduled"] == 4


def _job(name: str, **changes: Any) -> dict[str, Any]:
    template = deployment(name, annotations=changes)["spec"]["template"]
    template["spec"]["restartPolicy"] = "Never"
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"backoffLimit": 1, "template": template},
    }


def test_a_job_completes(world: World) -> None:
    loader.apply(world, _job("import"))
    world.advance(15)
    assert condition(get(world, "Job", "import", "batch/v1"), "Complete")["status"] == "True"


def test_a_job_that_fails_gives_up(world: World) -> None:
    loader.apply(world, _job("import", **{"slipway.dev/simulate-exit": "1"}))
    world.advance(60)
    failed = condition(get(world, "Job", "import", "batch/v1"), "Failed")
    assert failed["reason"] == "BackoffLimitExceeded"


def test_a_cron_job_runs_when_its_time_comes(world: World) -> None:
    cron = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "nightly", "namespace": "shop"},
        "spec": {"schedule": "*/10 * * * *", "jobTemplate": {"spec": _job("nightly")["spec"]}},
    }
    loader.apply(world, cron)
    world.advance(1)
    first = get(world, "CronJob", "nightly", "batch/v1")["status"]["lastScheduleTime"]
    world.advance(3600)
    live = get(world, "CronJob", "nightly", "batch/v1")
    assert live["status"]["lastScheduleTime"] > first
    assert 1 <= len(world.store.all("batch/v1", "Job", "shop")) <= 4
    assert live["status"]["lastSuccessfulTime"] > first
    cron["spec"]["schedule"] = "whenever"  # type: ignore[index]  # a literal
    loader.apply(world, cron)
    world.advance(120)


def test_an_autoscaler_holds_its_minimum_and_says_when_it_is_blind(world: World) -> None:
    def scaler(name: str, target: str) -> dict[str, Any]:
        ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}
        return {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": name, "namespace": "shop"},
            "spec": {"scaleTargetRef": ref, "minReplicas": 4, "maxReplicas": 9},
        }

    loader.apply(world, deployment("web", replicas=1))
    loader.apply(world, scaler("web", "web"))
    loader.apply(world, scaler("blind", "nothing"))
    world.advance(20)
    assert get(world, "Deployment", "web")["status"]["readyReplicas"] == 4
    blind = get(world, "HorizontalPodAutoscaler", "blind", "autoscaling/v2")
    assert condition(blind, "AbleToScale")["reason"] == "FailedGetScale"


def test_a_disruption_budget_counts(world: World) -> None:
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app.kubernetes.io/name": "web"}}},
    }
    loader.apply(world, deployment("web", replicas=3))
    loader.apply(world, budget)
    world.advance(30)
    assert get(world, "PodDisruptionBudget", "web", "policy/v1")["status"]["disruptionsAllowed"] == 1


def test_init_containers_go_first(world: World) -> None:
    obj = deployment("web", replicas=1)
    obj["spec"]["template"]["spec"]["initContainers"] = [
        {"name": "migrate", "image": "registry.larkfield.shop/web:1.4.2"}
    ]
    loader.apply(world, obj)
    world.advance(1.6)
    assert waiting(world, "web")["reason"] == "PodInitializing"
    world.advance(10)
    assert get(world, "Deployment", "web")["status"]["readyReplicas"] == 1


def test_deleting_takes_what_it_owns_and_a_namespace_what_it_holds(world: World) -> None:
    loader.apply(world, deployment("web"))
    loader.apply(world, _service("web"))
    world.advance(10)
    world.api.delete(Target(BY_KIND["apps/v1", "Deployment"], "shop", "web"), Deletion())
    world.advance(5)
    assert pods(world, "web") == []
    assert world.store.all("apps/v1", "ReplicaSet", "shop") == []
    world.api.delete(Target(BY_KIND["v1", "Namespace"], "", "shop"), Deletion())
    world.settle()
    with pytest.raises(ApiError) as refused:
        loader.apply(world, deployment("late"))
    assert refused.value.code in (403, 404)
    world.advance(10)
    assert world.store.find("v1", "Namespace", "", "shop") is None
    assert world.store.all("v1", "Service", "shop") == []


def test_events_live_for_an_hour(world: World) -> None:
    loader.apply(world, deployment("web"))
    world.advance(10)
    assert reasons(world)
    world.advance(3700)
    assert world.store.all("v1", "Event", "shop") == []


def test_logs_say_what_happened(world: World) -> None:
    said = {"slipway.dev/simulate-log": "WARN cache is cold\nINFO warmed"}
    loader.apply(world, deployment("web", replicas=1, annotations=said))
    loader.apply(world, deployment("oom", replicas=1, annotations={"slipway.dev/simulate-memory": "1Gi"}))
    loader.apply(world, deployment("gone", replicas=1, image="registry.larkfield.shop/x:nope"))
    world.advance(90)
    text = logs.read(world.store, pods(world, "web")[0], {})
    assert "WARN cache is cold" in text
    assert "requests" in text
    assert len(logs.read(world.store, pods(world, "web")[0], {"tailLines": "2"}).splitlines()) == 2
    assert "reference data" in logs.read(world.store, pods(world, "oom")[0], {"previous": "true"})
    for name, params in (("gone", {}), ("web", {"previous": "true"}), ("web", {"container": "nobody"})):
        with pytest.raises(ApiError):
            logs.read(world.store, pods(world, name)[0], params)


@pytest.mark.parametrize(
    ("reference", "exists"),
    [
        ("registry.larkfield.shop/web:1.4.2", True),
        ("registry.larkfield.shop/web:v2", True),
        ("registry.larkfield.shop/web:2.42.0-rc1", True),
        ("registry.larkfield.shop/web:8f2c1d0", True),
        ("registry.larkfield.shop/web:anything@sha256:abc", True),
        ("registry.larkfield.shop/web", True),
        ("registry.larkfield.shop/web:99.0.0", False),
        ("registry.larkfield.shop/web:nope", False),
        ("registry.larkfield.shop/missing:1.0.0", False),
        ("registry.larkfield.shop/web:feature-x", False),
        ("redis:7.4", True),
        ("bitnami/postgresql:17", True),
        ("ghcr.io/fluxcd/source:v1", True),
        ("localhost:5000/web:1", False),
        ("registry.elsewhere.example/web:1.0.0", False),
    ],
)
def test_which_images_exist(reference: str, exists: bool) -> None:
    assert (images.Registry().trouble(reference) == "") == exists


def test_state_survives_a_kill_and_a_torn_line(world: World, tmp_path: Path) -> None:
    state = State(tmp_path / "state.json")
    state.attach(world.store)
    loader.apply(world, deployment("web"))
    loader.apply(world, _service("web"))
    world.advance(10)
    world.api.delete(Target(BY_KIND["v1", "Service"], "shop", "web"), Deletion())
    with state.journal_path.open("ab") as journal:
        journal.write(b'{"type":"MODIFIED","obj')
    again = Store()
    State(state.path).load(again)
    assert again.version == world.store.version
    assert again.find("v1", "Service", "shop", "web") is None
    assert again.find("apps/v1", "Deployment", "shop", "web") == get(world, "Deployment", "web")
    state.close()


def test_the_journal_is_folded_into_the_snapshot(world: World, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("portal.demo.cluster.state.COMPACT_AT", 2000)
    state = State(tmp_path / "state.json")
    state.attach(world.store)
    loader.apply(world, deployment("web"))
    world.advance(10)
    assert state.journal_path.stat().st_size <= 4000
    again = Store()
    State(state.path).load(again)
    assert again.version == world.store.version
    state.close()
    loader.apply(world, _service("late"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir()
    old = deployment("old")
    old["metadata"]["annotations"] = {"slipway.dev/simulate-age": "6d"}
    young = deployment("young", image="registry.larkfield.shop/young:missing")
    del young["metadata"]["namespace"]
    (tmp_path / "shop" / "all.yaml").write_text(json.dumps(old) + "\n---\n" + json.dumps(young))
    (tmp_path / "shop" / "values.yml").write_text("a: 1\n---\n- 2\n")
    return tmp_path


def test_loading_lives_through_the_past(folder: Path) -> None:
    made = World(Store(), RECONCILERS)
    now = made.clock.now()
    loader.load(made, loader.read(folder))
    old = get(made, "Deployment", "old")
    assert old["status"]["readyReplicas"] == 2
    assert (
        old["metadata"]["creationTimestamp"]
        < get(made, "Deployment", "young")["metadata"]["creationTimestamp"]
    )
    assert waiting(made, "young")["reason"] in ("ImagePullBackOff", "ErrImagePull")
    assert made.clock.now() >= now


def test_a_definition_outlives_a_restart_and_goes_with_its_objects(world: World, tmp_path: Path) -> None:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "boats.dev.example"},
        "spec": {
            "group": "dev.example",
            "scope": "Namespaced",
            "names": {"plural": "boats", "kind": "Boat"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }
    made = world.store.put(crd)
    boat = {"apiVersion": "dev.example/v1", "kind": "Boat", "metadata": {"name": "a", "namespace": "shop"}}
    world.store.put(boat)
    state = State(tmp_path / "state.json")
    state.snapshot(world.store)
    state.close()
    again = Store()
    state.load(again)
    assert again.find("dev.example/v1", "Boat", "shop", "a")
    world.store.drop(made)
    world.settle()
    assert world.store.find("dev.example/v1", "Boat", "shop", "a") is None

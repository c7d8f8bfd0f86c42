"""The client against an API server: the simulated one, and a real one when SLIPWAY_TEST_KUBECONFIG is set.

What passes here on both is what the simulated cluster may be trusted for.
"""

import itertools

import pytest

from services.integrations.kube import errors
from services.integrations.kube.client import KubeClient
from services.integrations.kube.objects import Ref
from tests.contracts.conftest import config_map
from tests.fakes.cluster import deployment, eventually


def test_version_names_the_server(kube: KubeClient) -> None:
    assert kube.version().startswith("v1.")


def test_apply_creates_then_changes_then_is_quiet(kube: KubeClient, namespace: str) -> None:
    made = kube.apply(config_map(namespace, "settings", colour="red"))
    # A real server of old may write anew when the clock came to another second in between.
    tries = [kube.apply(config_map(namespace, "settings", colour="red")) for _ in range(3)]
    versions = [each["metadata"]["resourceVersion"] for each in (made, *tries)]
    changed = kube.apply(config_map(namespace, "settings", colour="blue"))
    assert made["metadata"]["uid"] == changed["metadata"]["uid"]
    assert any(before == after for before, after in itertools.pairwise(versions)), versions
    assert changed["data"] == {"colour": "blue"}


def test_apply_removes_what_it_no_longer_names(kube: KubeClient, namespace: str) -> None:
    kube.apply(config_map(namespace, "settings", colour="red", size="large"))
    assert kube.apply(config_map(namespace, "settings", size="large"))["data"] == {"size": "large"}


def test_apply_keeps_what_another_manager_added(kube: KubeClient, namespace: str) -> None:
    kube.apply(config_map(namespace, "settings", colour="red"))
    kube.apply(config_map(namespace, "settings", size="large"), field_manager="other")
    assert kube.get(Ref("v1", "ConfigMap", "settings", namespace))["data"] == {
        "colour": "red",
        "size": "large",
    }


def test_apply_conflicts_with_another_manager_until_forced(kube: KubeClient, namespace: str) -> None:
    kube.apply(config_map(namespace, "settings", colour="red"), field_manager="other")
    with pytest.raises(errors.Conflict) as refused:
        kube.apply(config_map(namespace, "settings", colour="blue"))
    assert refused.value.fields == {".data.colour": "other"}
    assert refused.value.permanent
    assert kube.apply(config_map(namespace, "settings", colour="blue"), force=True)["data"] == {
        "colour": "blue"
    }


def test_apply_of_the_same_value_is_shared(kube: KubeClient, namespace: str) -> None:
    kube.apply(config_map(namespace, "settings", colour="red"), field_manager="other")
    kube.apply(config_map(namespace, "settings", colour="red"))
    entries = kube.get(Ref("v1", "ConfigMap", "settings", namespace))["metadata"]["managedFields"]
    assert {entry["manager"] for entry in entries} == {"other", "slipway"}


def test_patch_takes_fields_over_without_conflict(kube: KubeClient, namespace: str) -> None:
    kube.apply(config_map(namespace, "settings", colour="red"), field_manager="other")
    kube.patch(Ref("v1", "ConfigMap", "settings", namespace), {"data": {"colour": "blue"}})
    with pytest.raises(errors.Conflict):
        kube.apply(config_map(namespace, "settings", colour="green"), field_manager="other")


def test_containers_merge_by_name_and_ports_by_number(kube: KubeClient, namespace: str) -> None:
    kube.apply(deployment("web", namespace))
    sidecar = {"name": "proxy", "image": "registry.larkfield.shop/proxy:1.0.0"}
    mine = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {
            "template": {
                "spec": {
                    "containers": [
                        sidecar,
                        {
                            "name": "app",
                            "ports": [{"containerPort": 9090}],
                            "env": [{"name": "A", "value": "1"}],
                        },
                    ]
                }
            }
        },
    }
    mine["spec"]["selector"] = deployment("web")["spec"]["selector"]  # type: ignore[index]  # a literal
    kube.apply(mine, field_manager="other")
    spec = kube.get(Ref("apps/v1", "Deployment", "web", namespace))["spec"]["template"]["spec"]
    app = next(c for c in spec["containers"] if c["name"] == "app")
    assert {c["name"] for c in spec["containers"]} == {"app", "proxy"}
    assert {p["containerPort"] for p in app["ports"]} == {8080, 9090}
    assert app["image"] == "registry.larkfield.shop/web:1.4.2"


def test_conflict_names_the_item_by_its_key(kube: KubeClient, namespace: str) -> None:
    kube.apply(deployment("web", namespace), field_manager="other")
    with pytest.raises(errors.Conflict) as refused:
        kube.apply(deployment("web", namespace, image="registry.larkfield.shop/web:1.5.0"))
    assert list(refused.value.fields) == ['.spec.template.spec.containers[name="app"].image']


def test_dropped_environment_variable_goes_and_the_others_stay(kube: KubeClient, namespace: str) -> None:
    both = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    kube.apply(deployment("web", namespace, env=both))
    kube.apply(deployment("web", namespace, env=both[:1]))
    live = kube.get(Ref("apps/v1", "Deployment", "web", namespace))
    assert live["spec"]["template"]["spec"]["containers"][0]["env"] == both[:1]


def test_dry_run_answers_and_changes_nothing(kube: KubeClient, namespace: str) -> None:
    assert kube.apply(config_map(namespace, "settings", colour="red"), dry_run=True)["data"]
    kube.create(config_map(namespace, "others"), dry_run=True)
    with pytest.raises(errors.NotFound):
        kube.get(Ref("v1", "ConfigMap", "settings", namespace))
    kube.apply(config_map(namespace, "settings", colour="red"))
    kube.patch(Ref("v1", "ConfigMap", "settings", namespace), {"data": {"colour": "blue"}}, dry_run=True)
    kube.delete(Ref("v1", "ConfigMap", "settings", namespace), dry_run=True)
    assert kube.get(Ref("v1", "ConfigMap", "settings", namespace))["data"] == {"colour": "red"}


def test_create_twice_already_exists(kube: KubeClient, namespace: str) -> None:
    kube.create(config_map(namespace, "settings"))
    with pytest.raises(errors.AlreadyExists):
        kube.create(config_map(namespace, "settings"))


def test_merge_patch_removes_with_null(kube: KubeClient, namespace: str) -> None:
    kube.apply(config_map(namespace, "settings", colour="red", size="large"))
    patched = kube.patch(Ref("v1", "ConfigMap", "settings", namespace), {"data": {"colour": None}})
    assert patched["data"] == {"size": "large"}


def test_list_selects_by_label_and_field_over_pages(kube: KubeClient, namespace: str) -> None:
    for number in range(7):
        kube.create(config_map(namespace, f"part-{number}", {"half": "even" if number % 2 == 0 else "odd"}))
    names = [
        i["metadata"]["name"] for i in kube.list("v1", "ConfigMap", namespace, "half=even", limit=2).items
    ]
    assert names == ["part-0", "part-2", "part-4", "part-6"]
    assert len(kube.list("v1", "ConfigMap", namespace, "half in (even, odd)", limit=3).items) == 7
    assert len(kube.list("v1", "ConfigMap", namespace, "half!=odd,half").items) == 4
    one = kube.list("v1", "ConfigMap", namespace, field_selector="metadata.name=part-3").items
    assert [i["metadata"]["name"] for i in one] == ["part-3"]
    assert (one[0]["apiVersion"], one[0]["kind"]) == ("v1", "ConfigMap")


def test_watch_replays_from_a_version_and_ends_by_itself(kube: KubeClient, namespace: str) -> None:
    start = kube.list("v1", "ConfigMap", namespace).resource_version
    kube.create(config_map(namespace, "settings"))
    kube.patch(Ref("v1", "ConfigMap", "settings", namespace), {"data": {"a": "1"}})
    kube.delete(Ref("v1", "ConfigMap", "settings", namespace))
    events = [
        event.type
        for event in kube.watch("v1", "ConfigMap", namespace, start, timeout_seconds=1)
        if event.type != "BOOKMARK" and event.object["metadata"]["name"] == "settings"
    ]
    assert events == ["ADDED", "MODIFIED", "DELETED"]


def test_absent_things_are_told_apart(kube: KubeClient, namespace: str) -> None:
    with pytest.raises(errors.NotFound) as absent:
        kube.get(Ref("v1", "ConfigMap", "nothing", namespace))
    assert "nothing" in str(absent.value)
    with pytest.raises(errors.KindUnknown):
        kube.list("v1", "Flying")
    with pytest.raises(errors.KindUnknown):
        kube.list("flying.example/v1", "Carpet")
    with pytest.raises(errors.NotFound):
        kube.apply(config_map("no-such-namespace", "settings"))


def test_invalid_objects_name_their_fields(kube: KubeClient, namespace: str) -> None:
    broken = deployment("web", namespace)
    broken["spec"]["template"]["metadata"]["labels"] = {"other": "label"}
    with pytest.raises(errors.Invalid) as refused:
        kube.apply(broken)
    assert refused.value.permanent
    assert "spec.template.metadata.labels" in {cause.field for cause in refused.value.causes}


def test_selector_of_a_deployment_is_immutable(kube: KubeClient, namespace: str) -> None:
    kube.apply(deployment("web", namespace))
    other = deployment("other", namespace)
    other["metadata"]["name"] = "web"
    with pytest.raises(errors.Invalid):
        kube.apply(other, force=True)


def test_names_that_leave_their_place_are_refused(kube: KubeClient) -> None:
    for name in ("../../secrets", "..", "a%2fb"):
        with pytest.raises(errors.BadRequest):
            kube.get(Ref("v1", "ConfigMap", name, "default"))
    with pytest.raises(errors.BadRequest):
        kube.get(Ref("v1", "ConfigMap", "settings"))
    with pytest.raises(errors.BadRequest):
        kube.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}})


def test_finalizers_hold_an_object_until_they_are_gone(kube: KubeClient, namespace: str) -> None:
    held = config_map(namespace, "held")
    held["metadata"]["finalizers"] = ["slipway.dev/hold"]
    kube.create(held)
    ref = Ref("v1", "ConfigMap", "held", namespace)
    kube.delete(ref)
    assert kube.get(ref)["metadata"]["deletionTimestamp"]
    kube.patch(ref, {"metadata": {"finalizers": None}})
    with pytest.raises(errors.NotFound):
        kube.get(ref)


def test_defaults_are_filled_in(kube: KubeClient, namespace: str) -> None:
    bare = deployment("web", namespace)
    del bare["spec"]["replicas"]
    spec = kube.apply(bare)["spec"]
    assert (spec["replicas"], spec["strategy"]["type"], spec["progressDeadlineSeconds"]) == (
        1,
        "RollingUpdate",
        600,
    )


def test_generation_counts_changes_of_the_spec_alone(kube: KubeClient, namespace: str) -> None:
    kube.apply(deployment("web", namespace))
    ref = Ref("apps/v1", "Deployment", "web", namespace)
    before = kube.get(ref)["metadata"]["generation"]
    kube.patch(ref, {"metadata": {"labels": {"a": "b"}}})
    assert kube.get(ref)["metadata"]["generation"] == before
    kube.patch(ref, {"spec": {"replicas": 5}})
    assert eventually(lambda: kube.get(ref)["metadata"]["generation"] == before + 1)


def test_of_secrets_only_the_metadata_travels(kube: KubeClient, namespace: str) -> None:
    start = kube.list("v1", "Secret", namespace).resource_version
    secret = config_map(namespace, "db") | {"kind": "Secret", "data": {"password": "aHVudGVyMg=="}}
    kube.create(secret)
    (listed,) = [
        item
        for item in kube.list("v1", "Secret", namespace, metadata_only=True).items
        if item["metadata"]["name"] == "db"
    ]
    watched = kube.watch("v1", "Secret", namespace, start, timeout_seconds=1, metadata_only=True)
    told = [next(watched).object]
    assert (listed["kind"], [obj["kind"] for obj in told]) == ("Secret", ["Secret"])
    assert "data" not in listed
    assert "data" not in told[0]

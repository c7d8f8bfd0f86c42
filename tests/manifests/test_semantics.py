"""What no schema sees: each slip is found at its place, and the nearest value passes."""

import copy

import pytest

from services.manifests import pointers, semantics
from services.manifests.semantics import names, quantities, schedules

POD = "spec.template.spec"
WEB = f"{POD}.containers[0]"


def deployment():
    container = {
        "name": "web",
        "image": "registry.example.com/web:1",
        "ports": [{"name": "http", "containerPort": 80}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}},
        },
    }


def cron(schedule="15 3 * * *", **spec):
    pod = {"restartPolicy": "Never", "containers": [{"name": "job", "image": "a/b:1"}]}
    job = {"template": {"spec": pod}}
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "nightly"},
        "spec": {"schedule": schedule, "jobTemplate": {"spec": job}, **spec},
    }


def service(**spec):
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    spec = {"selector": {"app": "web"}, "ports": ports, **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}


def config(kind="ConfigMap", **fields):
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": "web"}, **fields}


def budget(**spec):
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web"},
        "spec": spec,
    }


def scaler(**spec):
    spec = {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "maxReplicas": 3, **spec}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": spec,
    }


def ingress(**spec):
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "web"},
        "spec": spec,
    }


def policy(cidr):
    rule = {"from": [{"ipBlock": {"cidr": cidr}}]}
    meta = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "web"}}
    return {**meta, "spec": {"podSelector": {}, "ingress": [rule]}}


def binding(**subject):
    meta = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "a:b"}}
    return {**meta, "roleRef": {"kind": "Role", "name": "x"}, "subjects": [subject]}


def changed(obj, **places):
    for place, value in places.items():
        obj = pointers.with_value(obj, pointers.parse(place), value)
    return obj


def problems(obj):
    return [(each.rule.id, pointers.text(each.path)) for each in semantics.problems(obj)]


GOOD = [
    deployment(),
    cron(),
    cron("@daily"),
    cron("*/5 8-18 * jan-mar mon-fri", timeZone="Europe/Berlin"),
    service(),
    service(clusterIP="None", ports=[]),
    service(type="ExternalName", externalName="db.example.com", ports=[]),
    config(data={"a.b": "c"}),
    config("Secret", data={"key": "dmFsdWU="}),
    config("Secret", stringData={"key": "v"}),
    budget(maxUnavailable="25%"),
    scaler(minReplicas=2),
    ingress(defaultBackend={"service": {"name": "x"}}),
    policy("10.0.0.0/8"),
    binding(kind="ServiceAccount", name="x", namespace="shop"),
    binding(kind="Group", apiGroup="rbac.authorization.k8s.io", name="checkout"),
]


@pytest.mark.parametrize("obj", GOOD, ids=lambda obj: obj["kind"])
def test_good_objects_have_no_problems(obj):
    assert problems(obj) == []


BAD_IN_A_DEPLOYMENT = [
    ("metadata.name", "Web_1", "bad-name", "web-1"),
    ("metadata.name", "web\n  namespace: kube-system", "bad-name", "web-namespace-kube-system"),
    ("metadata.name", "x" * 64, "bad-name", None),
    ("metadata.namespace", "Shop", "bad-name", "shop"),
    ("metadata.labels.app", "a b", "bad-label", "a-b"),
    ('metadata.labels["a b"]', "x", "bad-label", None),
    ('metadata.annotations["-x-/y"]', "x", "bad-label", None),
    (f"{WEB}.name", "Web", "bad-name", "web"),
    (f"{WEB}.ports[0].name", "a-very-long-port-name", "bad-name", "a-very-long-por"),
    (f"{WEB}.ports[0].containerPort", 70000, "bad-port", None),
    (f"{WEB}.ports[1]", {"name": "http", "containerPort": 81}, "duplicate-name", None),
    (f"{WEB}.image", "Registry.example.com/Web:1", "bad-image", "registry.example.com/web:1"),
    (f"{WEB}.image", "docker.io/../x:1", "bad-image", None),
    (f"{WEB}.image", "web:1 ", "bad-image", "web:1"),
    (f"{WEB}.image", None, "bad-image", None),
    (f"{WEB}.imagePullPolicy", "always", "bad-word", "Always"),
    (f"{WEB}.resources.limits.memory", "12Gb", "bad-quantity", "12G"),
    (f"{WEB}.resources.limits.memory", "512 mb", "bad-quantity", "512M"),
    (f"{WEB}.resources.limits.memory", "lots", "bad-quantity", None),
    (f"{WEB}.resources.limits.memory", "128m", "odd-quantity", "128Mi"),
    (f"{WEB}.resources.requests.cpu", "100Mi", "odd-quantity", "100m"),
    (
        f"{WEB}.resources",
        {"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}},
        "request-over-limit",
        "1Gi",
    ),
    (f"{WEB}.volumeMounts", [{"name": "data", "mountPath": "/d"}], "volume-missing", None),
    (f"{WEB}.env", [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}], "duplicate-env", None),
    (f"{WEB}.env", [{"name": "A", "value": "1", "valueFrom": {"fieldRef": {}}}], "env-source", None),
    (f"{WEB}.env", [{"name": "A", "valueFrom": {}}], "env-source", None),
    (f"{WEB}.env", [{"name": "1 A", "value": "1"}], "env-name", None),
    (f"{WEB}.livenessProbe", {"httpGet": {"port": 80}, "exec": {"command": ["x"]}}, "bad-probe", None),
    (f"{WEB}.livenessProbe", {"httpGet": {"port": 80}, "successThreshold": 2}, "bad-probe", 1),
    (f"{WEB}.livenessProbe", {"httpGet": {"port": 80}, "periodSeconds": 0}, "bad-probe", 1),
    (f"{WEB}.livenessProbe", {"httpGet": {"port": 0}}, "bad-port", None),
    (f"{WEB}.securityContext", {"runAsNonRoot": True, "runAsUser": 0}, "security-contradiction", None),
    (
        f"{WEB}.securityContext",
        {"privileged": True, "allowPrivilegeEscalation": False},
        "security-contradiction",
        None,
    ),
    (f"{POD}.restartPolicy", "Sometimes", "bad-word", None),
    (f"{POD}.restartPolicy", "Never", "restart-policy", None),
    (f"{POD}.dnsPolicy", "clusterfirst", "bad-word", "ClusterFirst"),
    (f"{POD}.volumes", [{"name": "a", "emptyDir": {}, "secret": {}}], "duplicate-name", None),
    (f"{POD}.volumes", [{"name": "a", "emptyDir": {"sizeLimit": "1GB"}}], "bad-quantity", "1G"),
    (f"{POD}.topologySpreadConstraints", [{"maxSkew": 0}], "bad-number", 1),
    ("spec.replicas", -1, "bad-number", None),
    ("spec.strategy", {"type": "Rolling"}, "bad-word", "RollingUpdate"),
    ("spec.strategy", {"type": "Recreate", "rollingUpdate": {}}, "rollout-strategy", None),
    ("spec.strategy.rollingUpdate", {"maxSurge": 0, "maxUnavailable": "0%"}, "rollout-strategy", 1),
    ("spec.selector", {}, "selector-mismatch", None),
    ("spec.selector.matchLabels", {"app": "wbe"}, "selector-mismatch", "wbe"),
    (
        "spec.selector.matchExpressions",
        [{"key": "app", "operator": "NotIn", "values": ["web"]}],
        "selector-mismatch",
        None,
    ),
]


@pytest.mark.parametrize(("place", "value", "rule", "better"), BAD_IN_A_DEPLOYMENT)
def test_slips_in_a_deployment(place, value, rule, better):
    obj = changed(deployment(), **{place: value})
    found = [each for each in semantics.problems(obj) if each.rule.id == rule]
    assert found, problems(obj)
    if better is not None:
        assert better in found[0].changes.values()
        for path, fixed in found[0].changes.items():
            obj = pointers.with_value(obj, path, fixed)
        assert rule not in {id for id, _ in problems(obj)}


BAD_ELSEWHERE = [
    ({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}}, "spec-missing"),
    (cron("* * * *"), "bad-schedule"),
    (cron("61 * * * *"), "bad-schedule"),
    (cron("0 0 31 2 *"), "bad-schedule"),
    (cron("*/0 * * * *"), "bad-schedule"),
    (cron("0 0 * * fry"), "bad-schedule"),
    (cron("5-1 * * * *"), "bad-schedule"),
    (cron("* * * * *"), "every-minute"),
    (cron("*/1 * * * *"), "every-minute"),
    (cron(timeZone="Europe/Berln"), "bad-time-zone"),
    (cron("TZ=UTC 0 0 * * *"), "bad-time-zone"),
    (cron(concurrencyPolicy="forbid"), "bad-word"),
    (changed(cron(), **{"spec.jobTemplate.spec.template.spec.restartPolicy": "Always"}), "restart-policy"),
    (changed(cron(), **{"metadata.name": "n" * 53}), "bad-name"),
    (service(ports=[]), "service-ports"),
    (service(ports=[{"port": 80}, {"port": 81}]), "service-ports"),
    (service(ports=[{"name": "a", "port": 80}, {"name": "b", "port": 80}]), "service-ports"),
    (service(ports=[{"port": 80, "targetPort": "8080"}]), "service-ports"),
    (service(ports=[{"port": 0}]), "bad-port"),
    (service(type="ExternalName"), "service-type"),
    (service(type="NodePort", clusterIP="None"), "service-type"),
    (service(type="Loadbalancer"), "bad-word"),
    (changed(service(), **{"metadata.name": "1web"}), "bad-name"),
    (config(data={"a/b": "c"}), "config-key"),
    (config(data={"a": "x" * 1024 * 1025}), "config-size"),
    (config("Secret", data={"key": "not base64!"}), "not-base64"),
    (budget(minAvailable=1, maxUnavailable=1), "budget-both"),
    (budget(), "budget-empty"),
    (budget(maxUnavailable=-1), "bad-number"),
    (budget(maxUnavailable="some"), "bad-number"),
    (scaler(minReplicas=5), "scaling-range"),
    (ingress(), "ingress-path"),
    (ingress(rules=[{"http": {"paths": [{"path": "api", "pathType": "Prefix"}]}}]), "ingress-path"),
    (ingress(rules=[{"http": {"paths": [{"path": "/api", "pathType": "prefix"}]}}]), "bad-word"),
    (policy("10.0.0.0/33"), "bad-cidr"),
    (policy("10.0.0.1"), "bad-cidr"),
    ({**binding(kind="ServiceAccount", name="x"), "kind": "ClusterRoleBinding"}, "binding-subject"),
    (
        binding(kind="ServiceAccount", name="x", namespace="a", apiGroup="rbac.authorization.k8s.io"),
        "binding-subject",
    ),
    (binding(kind="User", apiGroup="v1", name="x"), "binding-subject"),
]


@pytest.mark.parametrize(
    ("obj", "rule"), BAD_ELSEWHERE, ids=lambda each: each if isinstance(each, str) else ""
)
def test_slips_in_other_kinds(obj, rule):
    assert rule in {id for id, _ in problems(obj)}


def test_the_value_of_a_secret_is_never_repeated():
    found = list(semantics.problems(config("Secret", data={"key": "pass word"})))
    assert "pass word" not in str(found)


def test_wrong_types_are_left_to_the_schema():
    """Nothing here falls over what the schema refuses anyway."""
    obj = deployment()
    for path in (
        "spec",
        "spec.template",
        f"{POD}.containers",
        f"{WEB}.env",
        "metadata",
        "metadata.labels",
        f"{WEB}.ports",
    ):
        for value in (None, 3, "x", [], [1], [[]], {}, {"a": None}):
            list(semantics.problems(changed(copy.deepcopy(obj), **{path: value})))


@pytest.mark.parametrize("name", ["web", "a", "0a", "a" * 63, "a-b"])
def test_labels_kubernetes_takes(name):
    assert names.LABEL.match(name)


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a_b", "a.b", "a" * 64, "a\n", "ä"])
def test_labels_kubernetes_refuses(name):
    assert not names.LABEL.match(name)


@pytest.mark.parametrize(
    ("written", "meant"), [("1,5Gi", "1.5Gi"), ("1 gib", "1Gi"), ("2tb", "2T"), ("x", None), ("1 2", None)]
)
def test_amounts_as_people_write_them(written, meant):
    assert quantities.spelt(written) == meant


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("*/15 * * * *", {0, 15, 30, 45}), ("1,2 * * * *", {1, 2}), ("50/5 * * * *", {50, 55})],
)
def test_schedules(text, minutes):
    assert schedules.parse(text)[0] == minutes


def test_a_name_without_a_letter_or_digit_has_no_better_one():
    (problem,) = semantics.problems(changed(deployment(), **{"metadata.name": "___"}))
    assert (problem.rule.id, problem.changes) == ("bad-name", {})


@pytest.mark.parametrize(
    ("mount", "unused"),
    [
        ({"volumeMounts": [{"name": "data", "mountPath": "/d"}]}, []),
        ({"volumeDevices": [{"name": "data", "devicePath": "/dev/d"}]}, []),
        ({}, [("volume-unused", f"{POD}.volumes[0]")]),
    ],
)
def test_a_volume_that_nobody_mounts(mount, unused):
    obj = changed(deployment(), **{f"{POD}.volumes": [{"name": "data", "emptyDir": {}}]})
    obj["spec"]["template"]["spec"]["containers"][0].update(mount)
    assert problems(obj) == unused


@pytest.mark.parametrize("pointer", ["spec..name", "spec.", "[x]", "a b", '["open'])
def test_what_is_no_path_is_refused(pointer):
    with pytest.raises(ValueError, match="not a path"):
        pointers.parse(pointer)

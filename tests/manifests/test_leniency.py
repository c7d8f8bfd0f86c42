"""What lies beside an object, or stands in the settings, and lets a guardrail be silent."""

import copy

import pytest

from services.manifests.check import check
from services.manifests.problems import Finding, Lease, with_leases
from services.manifests.reader import Document

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "menu"},
    "spec": {
        "containers": [
            {"name": "web", "image": "registry.larkfield.shop/menu:1.0"},
            {"name": "proxy", "image": "mesh.example.org/proxy:2.1"},
        ],
        "initContainers": [{"name": "wait", "image": "mesh.example.org/wait:2.1"}],
    },
}


def account(name="default", **fields):
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}, **fields}


def told(rule, *objects, **settings):
    found = check(objects, environment="production", settings=settings)
    return [each.path for each in found if each.rule == rule]


PLACES = ["spec.containers[0]", "spec.containers[1]", "spec.initContainers[0]"]


@pytest.mark.parametrize(
    ("exempt", "left"),
    [
        ("", PLACES),
        ("mesh.example.org/", PLACES[:1]),
        ("mesh.example.org/wait:, registry.larkfield.shop/", PLACES[1:2]),
        (["mesh.example.org/proxy"], [PLACES[0], PLACES[2]]),
        (" , ", PLACES),
    ],
)
def test_containers_of_images_the_platform_vouches_for_are_not_judged(exempt, left):
    found = told("privilege-escalation", POD, exempt_images=exempt)
    assert found == [f"{each}.securityContext.allowPrivilegeEscalation" for each in left]


def test_an_exempt_image_excuses_nothing_of_the_pod():
    pod = copy.deepcopy(POD)
    pod["spec"]["hostNetwork"] = True
    assert told("host-namespaces", pod, exempt_images="mesh.example.org/,registry.larkfield.shop/")
    assert told("namespace-default", {**account(), "metadata": {"name": "a", "namespace": "default"}},
                exempt_images="mesh")  # fmt: skip


@pytest.mark.parametrize(
    ("others", "spec", "expected"),
    [
        ([], {}, True),
        ([account()], {}, True),
        ([account(automountServiceAccountToken=False)], {}, False),
        ([account(automountServiceAccountToken=False)], {"serviceAccountName": "menu"}, True),
        ([account("menu", automountServiceAccountToken=False)], {"serviceAccountName": "menu"}, False),
        ([account(automountServiceAccountToken=False)], {"automountServiceAccountToken": True}, True),
    ],
)
def test_a_pod_that_does_not_say_has_what_its_account_says(others, spec, expected):
    pod = {**POD, "spec": {**POD["spec"], **spec}}
    assert bool(told("service-account-token", pod, *others)) is expected


def test_an_account_of_another_folder_says_nothing():
    closed = account(automountServiceAccountToken=False)
    for folder, expected in (("staging", True), ("production", False)):
        documents = [Document(0, 1, POD, file="production/pod.yaml")]
        documents.append(Document(0, 1, closed, file=f"{folder}/account.yaml"))
        assert bool(told("service-account-token", *documents)) is expected


RULE = "one-replica-prod"


@pytest.mark.parametrize(
    ("lease", "severity"),
    [
        ({}, "info"),
        ({"object": "Deployment/shop/wishlist"}, "info"),
        ({"object": "Deployment/shop/menu"}, "block"),
        ({"until": "2026-11-20"}, "info"),
        ({"until": "2026-11-19"}, "block"),
        ({"environment": "staging"}, "block"),
        ({"rule": "image-tag"}, "block"),
    ],
)
def test_a_lease_covers_one_guardrail_one_environment_one_object_and_no_day_more(lease, severity):
    lease = Lease(**{"rule": RULE, "environment": "production", **lease})
    finding = Finding(RULE, "block", "t", "m", "r", object="Deployment/shop/wishlist")
    (told,) = with_leases([finding], [lease], "production", "2026-11-20")
    assert (told.severity, told.environment) == (severity, "production")
    assert told.excepted == (lease if severity == "info" else None)


def test_what_only_informs_needs_no_exception():
    finding = Finding(RULE, "info", "t", "m", "r")
    (told,) = with_leases([finding], [Lease(RULE, "staging")], "staging", "2026-11-20")
    assert told.excepted is None


def test_what_blocks_says_so():
    assert Finding(RULE, "block", "t", "m", "r").blocks
    assert not Finding(RULE, "warn", "t", "m", "r").blocks

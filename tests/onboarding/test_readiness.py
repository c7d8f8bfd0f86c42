"""The report on what a newer Kubernetes does without: in git, in what runs, by team."""

from typing import Any

import pytest
from django.test import Client

from services.catalog.models import Entity
from services.clusters.models import Cluster
from services.integrations.githosts.base import Person
from services.onboarding import readiness, tasks
from services.onboarding.models import ApiUse
from tests.factories import picture

from .conftest import REPO

CRON = b"# old\n---\napiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: night}\n"
CLASS = (
    b"apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: web\n"
    b"  annotations: {kubernetes.io/ingress.class: nginx}\n"
)


@pytest.fixture
def report(world, environments) -> Any:
    files = {
        "apps/checkout/night/production/cronjob.yaml": CRON,
        "apps/payments/web/staging/ingress.yaml": CLASS,
        "other/broken.yaml": b"batch/v1beta1: [",
        "other/fine.yaml": b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: batch/v1beta1}\n",
    }
    world.host.commit(REPO, files=files, author=Person("sam", "Sam"), message="Manifests")
    ref = "component:default/web"
    Entity.objects.create(ref=ref, kind="Component", name="web", owner_ref="group:default/payments")
    row = picture.running(ref, environments[1], pods=0)
    row.data["spec"]["template"]["spec"]["volumes"] = [{"name": "code", "gitRepo": {"repository": "x"}}]
    row.save()
    Cluster.objects.update(version="v1.32.4")
    tasks.readiness()
    return world


def test_what_is_found_says_where_and_whose(report) -> None:
    found = {
        (each.source, each.team, each.service, each.environment, each.what) for each in ApiUse.objects.all()
    }
    assert found == {
        ("git", "checkout", "night", "production", "batch/v1beta1 CronJob"),
        ("git", "payments", "web", "staging", "annotation kubernetes.io/ingress.class"),
        ("live", "payments", "web", "production", "volume of type gitRepo"),
    }
    assert ApiUse.objects.get(team="checkout").place == "apps/checkout/night/production/cronjob.yaml:3"


def test_the_report_of_a_version(report, client: Client, django_assert_max_num_queries) -> None:
    client.force_login(report.jonas)
    text = client.get("/readiness/").content.decode()
    assert "Ready for Kubernetes 1.33?" in text  # the one after the newest cluster's
    assert text.count(">Refused<") + text.count("Refused</span>") >= 2
    older = client.get("/readiness/?to=1.24&team=checkout").content.decode()
    assert "gone in 1.25" in older
    assert "ingress.class" not in older
    assert "Nothing to change" in client.get("/readiness/?q=nowhere").content.decode()
    with django_assert_max_num_queries(12):
        client.get("/readiness/?to=nonsense")
    lines = client.get("/readiness/?to=1.33&format=csv").content.decode().splitlines()
    assert len(lines) == 4
    assert lines[1].split(",")[7] == "removed"


def test_a_git_host_that_is_silent_leaves_what_was_found(report, settings, tmp_path) -> None:
    settings.GIT_ROOT = tmp_path / "gone"
    assert tasks.readiness() == 0
    assert ApiUse.objects.count() == 3


@pytest.mark.parametrize(
    ("version", "following"), [("v1.36.0", "1.36"), ("", "1.36"), ("v1.20.15-eks", "1.21")]
)
def test_the_next_version(environments, version: str, following: str) -> None:
    Cluster.objects.update(version=version)
    assert readiness.next_version() == following

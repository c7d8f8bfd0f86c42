"""What a scraper reads, who may, and that several processes add up."""

import tomllib
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

import portal
from portal.shell import registry
from services.clusters.models import Cluster
from services.effects import actions
from services.effects.models import Effect, Pulse
from tests.factories.people import member
from tests.factories.requests import make_request

pytestmark = pytest.mark.django_db
TOKEN = "let-me-read"


@pytest.fixture
def read(client, settings):
    settings.METRICS_TOKEN = TOKEN

    def read() -> dict[tuple[str, ...], float]:
        """Samples by name and label values, in the order of the labels' names."""
        response = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert response.status_code == 200
        assert response["Content-Type"].startswith("text/plain; version=0.0.4")
        families = text_string_to_metric_families(response.content.decode())
        return {
            (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
            for family in families
            for sample in family.samples
        }

    return read


def test_nobody_reads_without_a_token_in_the_settings(client, settings):
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


@pytest.mark.parametrize(
    "said", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer let-me-reäd"]
)
def test_only_who_brings_the_token_reads(client, settings, said):
    settings.METRICS_TOKEN = TOKEN
    response = client.get("/metrics", headers={"Authorization": said} if said else {})
    assert (response.status_code, response["WWW-Authenticate"]) == (401, 'Bearer realm="slipway"')


def test_the_outbox_is_told_by_state_and_by_its_oldest_due_effect(read):
    with transaction.atomic():
        effects = [actions.enqueue(kind="test", key=str(n)) for n in range(3)]
    effects[0].state = Effect.State.NEEDS_ATTENTION
    effects[0].save()
    Effect.objects.filter(pk=effects[1].pk).update(due_at=timezone.now() - timedelta(minutes=5))
    found = read()
    assert (found["slipway_effects", "due"], found["slipway_effects", "needs_attention"]) == (2, 1)
    assert 300 <= found["slipway_effect_oldest_due_seconds",] < 310


def test_beat_and_the_sweep_are_told_by_their_silence(read):
    assert read()["slipway_last_run_age_seconds", "beat"] == float("inf")
    Pulse.objects.create(name="beat", at=timezone.now() - timedelta(minutes=2))
    actions.pulse("sweep")
    found = read()
    assert 120 <= found["slipway_last_run_age_seconds", "beat"] < 130
    assert 0 <= found["slipway_last_run_age_seconds", "sweep"] < 10


def test_requests_are_told_by_state(read):
    make_request(member("mira", "checkout"))
    found = read()
    assert (found["slipway_requests", "draft"], found["slipway_requests", "live"]) == (1, 0)


def test_the_picture_of_each_cluster_has_an_age(read):
    heard = timezone.now() - timedelta(seconds=40)
    Cluster.objects.create(name="harbour", server="https://harbour", heard_at=heard)
    Cluster.objects.create(name="quay", server="https://quay")
    found = read()
    assert 40 <= found["slipway_cluster_picture_age_seconds", "harbour"] < 50
    assert found["slipway_cluster_picture_age_seconds", "quay"] == float("inf")


def test_answers_are_counted_by_view_and_status(read, client):
    before = read()
    for path in ("/livez", "/livez", "/nowhere-at-all", "/sign-in/"):
        client.get(path)
    client.generic("BREW", "/livez")
    found = read()

    def grown(*key: str) -> float:
        return found[key] - before.get(key, 0)

    total = "slipway_http_requests_total"
    assert grown(total, "GET", "200", "livez") == 2
    assert grown(total, "other", "405", "livez") == 1
    assert grown(total, "GET", "404", "none") == 1
    assert grown("slipway_http_request_seconds_count", "accounts:sign_in") == 1
    assert grown("slipway_http_request_seconds_bucket", "10.0", "livez") == 3


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_without_its_database_the_portal_still_tells_what_it_knows(read, error):
    def away():
        raise error

    assert read()["slipway_database_up",] == 1
    registry.metrics.add(away)
    try:
        found = read()
    finally:
        registry.metrics._items.pop(registry._by_name(away))
    assert found["slipway_database_up",] == 0
    assert any(key[0] == "slipway_build_info" for key in found)
    assert ("slipway_requests", "draft") not in found


def test_the_version_is_the_one_of_the_project():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert project["project"]["version"] == portal.__version__
